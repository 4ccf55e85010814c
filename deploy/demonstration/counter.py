"""A counter with a cashier at it: a scanner in hand, the till's answers before the eyes.

The cashier does what a cashier does when the till dies in the middle of a sale: waits until it is back, looks whether the
sale was taken, and if not, scans the basket again. The sale's id makes the second try harmless.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from deploy.demonstration.sales_file import Receipt, SaleLine
from deploy.demonstration.scanner import Scanner

FRAME_TIMEOUT_S = 5.0
BACK_TIMEOUT_S = 90.0
_SALES = uuid.UUID("7d3a1cc4-54f0-4d8f-9a0b-0c2f3f9d5a11")

Answer = dict[str, Any]
T = TypeVar("T")


class TillError(Exception):
    """The till said no to something that a cashier may do."""


class _Trouble(Exception):
    """The till did not answer: wait, and begin the sale again."""


class Counter:
    """One site's counter."""

    def __init__(self, site: str, url: str, scanner: Scanner) -> None:
        self.site = site
        self.url = url
        self.scanner = scanner
        self._http = httpx.Client(base_url=url, timeout=20.0)
        self._screen: ClientConnection | None = None

    # What a cashier does ------------------------------------------------------------------------------------------

    def sell(self, receipt: Receipt, sold_at: datetime, codes: Mapping[int, str] | None = None) -> Answer:
        """Take one receipt; the till's answer. ``codes`` are the coded items among its lines, by position.

        A line whose quantity or amount is not what the till makes of it (weighed goods, offers) is corrected by hand.
        """
        sale_id = str(uuid.uuid5(_SALES, f"{self.site}/{receipt.number}"))
        payment = {"method": "card", "amount_minor": sum(line.amount_minor for line in receipt.lines)}
        asked: Answer = {"sale_id": sale_id, "sold_at": sold_at.isoformat(), "reference": receipt.number}
        asked |= {"payments": [payment]} if payment["amount_minor"] else {}
        asked |= {"member": receipt.member} if receipt.member else {}

        def take() -> Any:
            taken = self._http.get(f"/v1/sales/{sale_id}")
            if taken.status_code == httpx.codes.OK:
                return self._read(taken)
            self._read(self._http.delete("/v1/basket"))
            for position, line in enumerate(receipt.lines):
                self._scan_line(line, (codes or {}).get(position))
            return self._read(self._http.post("/v1/basket/complete", json=asked))

        taken: Answer = self._persist(take)
        return taken

    def scan(self, code: str) -> Answer:
        """Scan a code; what the screen shows."""
        if self._screen is None:
            self._open_screen()
        self.scanner.scan(code)
        until = time.monotonic() + FRAME_TIMEOUT_S
        while (left_s := until - time.monotonic()) > 0:
            frame = self._next_frame(left_s)
            if frame.get("type") == "scan" and (frame["scan"]["code"] or "").lstrip("0") == code.lstrip("0"):
                return frame
        raise _Trouble(f"no word from the till on {code}")

    def sell_item(self, code: str, amount_minor: int, sold_at: datetime) -> tuple[Answer, Answer]:
        """Sell one coded item; what the screen showed at the scan, and the till's answer."""

        def take() -> tuple[Answer, Answer]:
            self._read(self._http.delete("/v1/basket"))
            frame = self.scan(code)
            if frame["outcome"] == "ask":
                confirmed = {"code": code, "amount_minor": amount_minor, "confirmed": True}
                self._read(self._http.post("/v1/basket/lines", json=confirmed))
            elif frame["outcome"] != "added":
                raise TillError(f"{self.site}: {code}: {frame['message']}")
            asked = {
                "sold_at": sold_at.isoformat(),
                "payments": [{"method": "cash", "amount_minor": amount_minor}],
            }
            basket = self._read(self._http.get("/v1/basket"))
            asked["payments"][0]["amount_minor"] = basket["total_minor"]  # type: ignore[index]
            return frame, self._read(self._http.post("/v1/basket/complete", json=asked))

        return self._persist(take)

    def try_again(self, code: str) -> Answer:
        """Scan a code that should be refused, and put nothing on the counter; what the screen showed."""
        frame = self._persist(lambda: self.scan(code))
        self._persist(lambda: self._read(self._http.delete("/v1/basket")))
        return frame

    # What a dealer does -------------------------------------------------------------------------------------------

    def get(self, path: str) -> Any:
        """Read something of the local interface."""
        return self._persist(lambda: self._read(self._http.get(path)))

    def post(self, path: str, body: Answer) -> Any:
        """Write something to it; the caller gives ids that make a repetition harmless."""
        return self._persist(lambda: self._read(self._http.post(path, json=body)))

    def receive(self, despatch_id: str, pieces: list[str]) -> Answer:
        """Take in a despatch by scanning every piece of it."""

        self.put_mode("receive", despatch_id=despatch_id)

        def take() -> None:
            # After trouble the screen tells what has been counted; only the rest is scanned.
            counting = self._read(self._http.get("/v1/receiving"))
            counted = {line["gtin"]: int(Decimal(line["received"])) for line in counting["progress"]}
            for gtin in dict.fromkeys(pieces):
                for _ in range(pieces.count(gtin) - counted.get(gtin, 0)):
                    frame = self.scan(gtin)
                    if frame["outcome"] != "received":
                        raise TillError(f"{self.site}: {gtin}: {frame['message']}")

        self._persist(take)
        answer: Answer = self.post("/v1/receiving/complete", {"complete": True})
        self.put_mode("sale")
        return answer

    def put_mode(self, mode: str, **more: str) -> None:
        """What a scan means from now on."""
        self._persist(lambda: self._read(self._http.put("/v1/mode", json={"mode": mode, **more})))

    def ready(self) -> bool:
        """Whether the agent answers, and has its scanner."""
        try:
            scanners = self._http.get("/v1/status").raise_for_status().json()["scanners"]
        except httpx.HTTPError:
            return False
        return bool(scanners) and all(scanner["state"] == "open" for scanner in scanners)

    def close(self) -> None:
        """Leave the counter."""
        self._close_screen()
        self._http.close()

    # Inside -------------------------------------------------------------------------------------------------------

    def _scan_line(self, line: SaleLine, item_code: str | None) -> None:
        frame = self.scan(item_code or line.code)
        if frame["outcome"] == "added":
            asked = {
                "quantity": str(line.quantity),
                "amount_minor": line.amount_minor,
                "discount_minor": line.discount_minor,
            }
            if item_code is not None:
                del asked["quantity"]
            self._read(self._http.patch(f"/v1/basket/lines/{frame['line']}", json=asked))
            return
        # Not in the catalogue, or without a price: the cashier enters it by hand, for the goods are on the counter.
        by_hand = {
            "code": item_code or line.code,
            "quantity": str(line.quantity),
            "amount_minor": line.amount_minor,
            "confirmed": True,
        }
        basket = self._read(self._http.post("/v1/basket/lines", json=by_hand))
        if line.discount_minor:
            entered = basket["lines"][-1]["line"]
            asked = {"amount_minor": line.amount_minor, "discount_minor": line.discount_minor}
            self._read(self._http.patch(f"/v1/basket/lines/{entered}", json=asked))

    def _persist(self, attempt: Callable[[], T]) -> T:
        """Do something until the till has answered, through its deaths and restarts."""
        until = time.monotonic() + BACK_TIMEOUT_S
        while True:
            try:
                return attempt()
            except (httpx.TransportError, WebSocketException, OSError, _Trouble) as trouble:
                self._close_screen()
                if time.monotonic() > until:
                    raise TillError(f"{self.site}: the till does not come back: {trouble}") from trouble
                time.sleep(0.3)
                while not self.ready() and time.monotonic() < until:
                    time.sleep(0.1)

    def _read(self, response: httpx.Response) -> Any:
        if response.is_server_error:
            raise _Trouble(response.text)
        if response.is_error:
            raise TillError(
                f"{self.site}: {response.request.method} {response.request.url.path}: {response.text}"
            )
        return response.json() if response.content else None

    def _next_frame(self, timeout_s: float) -> Answer:
        assert self._screen is not None
        try:
            frame: Answer = json.loads(self._screen.recv(timeout=timeout_s))
        except TimeoutError:
            raise _Trouble("the screen shows nothing") from None
        return frame

    def _open_screen(self) -> None:
        # A cashier may look away for long: frames wait unread, and that is no reason to hang up.
        address = self.url.replace("http", "ws", 1) + "/v1/events"
        self._screen = connect(address, open_timeout=5, max_queue=None, ping_interval=None)

    def _close_screen(self) -> None:
        if self._screen is not None:
            self._screen.close()
            self._screen = None
