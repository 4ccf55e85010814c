"""A till that sells through the agent's local interface, and keeps its own account of what was accepted.

A sale is *accepted* when the agent has answered 201 or 200, *refused* when it has answered that it cannot record it. Without an
answer nobody knows: the till then asks again with the same id, until it is told.
"""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import httpx

Line = tuple[str, Decimal, int]
"""(gtin, quantity, amount in minor units)"""


class Sold(NamedTuple):
    """A sale that was accepted: its lines, and the receipt number that the agent answered with."""

    lines: tuple[Line, ...]
    receipt: str


class Refused(NamedTuple):
    """The answer of an agent that cannot record a sale."""

    status: int
    problem: dict[str, Any]


class Till:
    """One till. ``sell`` in the caller's thread, or ``start`` and ``stop`` to have it sell in one of its own."""

    def __init__(self, site: str, url: str, gtins: Sequence[str], seed: int = 0) -> None:
        self.site = site
        self.url = url
        self.accepted: dict[str, Sold] = {}
        self.asked_again = 0
        self.refusals: list[Refused] = []
        self._gtins = gtins
        self._random = random.Random(f"{site}/{seed}")
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def sell(self, count: int = 1) -> Refused | None:
        """Sell so many baskets, each until it is answered; the first refusal ends it."""
        with httpx.Client(base_url=self.url, timeout=10) as client:
            for _ in range(count):
                refused = self._sell_one(client)
                if refused is not None:
                    return refused
        return None

    def start(self, pause_s: float) -> None:
        """Sell on and on, with a pause between two baskets."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_selling, args=(pause_s,), name=f"till-{self.site}")
        self._thread.start()

    def stop(self) -> None:
        """Finish the basket on the counter, until it is answered. The agent must be up for that."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _keep_selling(self, pause_s: float) -> None:
        with httpx.Client(base_url=self.url, timeout=10) as client:
            while not self._stopping.is_set():
                refused = self._sell_one(client)
                if refused is not None:
                    self.refusals.append(refused)
                self._stopping.wait(pause_s)

    def _sell_one(self, client: httpx.Client) -> Refused | None:
        lines = tuple(self._line() for _ in range(self._random.randint(1, 3)))
        asked = {
            "sale_id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "lines": [
                {"gtin": gtin, "quantity": str(quantity), "amount_minor": amount}
                for gtin, quantity, amount in lines
            ],
        }
        while True:
            try:
                answer = client.post("/v1/sales", json=asked)
            except httpx.HTTPError:
                self.asked_again += 1
                threading.Event().wait(0.1)  # nothing tells a till when its agent is back
                continue
            if answer.status_code in (200, 201):
                self.accepted[asked["sale_id"]] = Sold(lines, answer.json()["receipt"])  # type: ignore[index]
                return None
            return Refused(answer.status_code, answer.json())

    def _line(self) -> Line:
        quantity = self._random.randint(1, 3)
        return self._random.choice(self._gtins), Decimal(quantity), 199 * quantity


def sold_by(sales: Sequence[Sold]) -> dict[str, Decimal]:
    """Quantity sold, per product."""
    total: Counter[str] = Counter()
    for sale in sales:
        for gtin, quantity, _ in sale.lines:
            total[gtin] += int(quantity)
    return {gtin: Decimal(quantity) for gtin, quantity in total.items()}
