"""The story of the demonstration: a sale day through the scanners, and everything that goes wrong in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from deploy.demonstration.central_api import Central
from deploy.demonstration.counter import Counter
from deploy.demonstration.day import CODED_SERIAL, DEALER_SITE, Plan
from deploy.demonstration.installation import Installation
from deploy.demonstration.paper import Paper
from deploy.demonstration.sales_file import Receipt, SaleLine

CUT_FROM, CUT_UNTIL = 0.35, 0.70  # parts of the day for which the link is down
WAIT_S = 120.0


class StoryError(Exception):
    """Something that should have happened did not."""


class Day:
    """One run of the story. ``told`` collects what the closing table shows beside the books."""

    def __init__(self, installation: Installation, plan: Plan, paper: Paper, central: Central) -> None:
        self.installation = installation
        self.plan = plan
        self.paper = paper
        self.central = central
        self.told: dict[str, Any] = {}
        self.dealer_days: set[date] = set()
        self._coded_item_is_sold = threading.Event()

    # Before opening -----------------------------------------------------------------------------------------------

    def wait_for_feeds(self) -> None:
        """Until every agent has the whole catalogue with its prices, and the dealer's its stock levels."""
        for site, counter in self.installation.counters.items():
            wanted = {"catalogue", "prices"} | ({"stock"} if site == DEALER_SITE else set())

            def complete(counter: Counter = counter, wanted: set[str] = wanted) -> bool:
                feeds = counter.get("/v1/status")["feeds"]
                return all(name in feeds and feeds[name]["age_s"] is not None for name in wanted)

            self._wait(complete, f"the feeds of {site} are complete")

    def put_the_coded_item_on_its_shelf(self) -> None:
        """Register one coded item at its shop and wait until that shop's agent knows it."""
        coded = self.plan.coded
        if coded is None:
            return
        body = {"gtin": coded.gtin, "serials": [CODED_SERIAL], "site": coded.store}
        self.central.post("/v1/items", body, f"item-{coded.item}")
        counter = self.installation.counters[coded.store]
        self._wait(
            lambda: (
                (counter.post("/v1/verify", {"code": coded.link})["finding"] or {}).get("verdict")
                == "genuine"
            ),
            "the coded item reaches its shop's agent",
        )

    # The day ------------------------------------------------------------------------------------------------------

    def replay(
        self, receipts: Sequence[Receipt], speed: float | None, progress: Callable[[int], None]
    ) -> None:
        """Every shop sells its receipts, each in a thread of its own, in the order of their times.

        ``speed`` is how much faster than the clock, None as fast as it goes. ``progress`` is told of lines sold.
        """
        by_store: dict[str, list[Receipt]] = {}
        for receipt in receipts:
            by_store.setdefault(receipt.store, []).append(receipt)
        opened, began = receipts[0].sold_at, time.monotonic()
        with ThreadPoolExecutor(len(by_store)) as shops:
            running: list[Future[None]] = []
            for store, own in by_store.items():
                running.append(shops.submit(self._trade, store, own, opened, began, speed, progress))
            for future in running:
                future.result()

    def _trade(
        self,
        store: str,
        receipts: Sequence[Receipt],
        opened: datetime,
        began: float,
        speed: float | None,
        progress: Callable[[int], None],
    ) -> None:
        site = self.plan.sites[store]
        counter = self.installation.counters[site]
        coded = self.plan.coded
        for receipt in receipts:
            if speed is not None:
                time.sleep(
                    max(0.0, (receipt.sold_at - opened).total_seconds() / speed - (time.monotonic() - began))
                )
            codes = {}
            if coded is not None and (site, receipt.number) == (coded.store, coded.receipt):
                codes = {coded.line: coded.link}
            counter.sell(receipt, self.plan.moment(receipt.sold_at), codes)
            self.paper.sell(site, receipt)
            if coded is not None and codes:
                self._coded_item_is_sold.set()
                frame = counter.try_again(coded.link)
                self.told["again at the shop"] = {"outcome": frame["outcome"], **(frame["finding"] or {})}
            progress(len(receipt.lines))

    def cut_link(self) -> None:
        """The line to central is gone."""
        assert self.installation.link is not None
        self.installation.link.cut()

    def mend_link(self) -> None:
        """And back."""
        assert self.installation.link is not None
        self.installation.link.mend()

    def in_the_dark(self) -> None:
        """What happens while the link is cut: the same code is scanned at another counter, and a dealer runs short."""
        dealer = self.installation.counters[DEALER_SITE]
        self._wait(
            lambda: not dealer.get("/v1/status")["online"],
            "the dealer's agent notices that it is cut off",
        )
        coded = self.plan.coded
        if coded is not None and self._coded_item_is_sold.wait(WAIT_S):
            sold_at = coded.elsewhere_at
            self.dealer_days.add(sold_at.date())
            moment = self.plan.moment(sold_at)
            frame, _ = dealer.sell_item(coded.link, coded.price_minor, moment)
            line = SaleLine(coded.link, coded.gtin, Decimal(1), coded.price_minor, 0)
            self.paper.sell(DEALER_SITE, Receipt(DEALER_SITE, "double", sold_at, "", (line,)))
            self.told["at the dealer, cut off"] = frame["finding"]
        proposal = dealer.get("/v1/orders/proposal")
        order = dealer.post("/v1/orders", {"order_id": "demo-order-1", "lines": _lines(proposal)})
        self.told["order"] = {"order_id": order["order_id"], "states": ["submitted, offline"]}

    # The order ----------------------------------------------------------------------------------------------------

    def fill_the_order(self) -> None:
        """Central accepts, allocates and despatches; the dealer receives by scanning every piece."""
        order_id = self.told["order"]["order_id"]
        states: list[str] = self.told["order"]["states"]
        path = f"/v1/orders/{DEALER_SITE}/{order_id}"
        self._wait(lambda: self._order_state(order_id) == "submitted", "the order reaches central")
        states.append("submitted")
        despatch_id = ""
        for action in ("accept", "allocate", "despatch"):
            decided = self.central.post(f"{path}/{action}", {}, f"{order_id}-{action}")
            states.append(decided["state"])
            despatch_id = decided.get("despatch_id") or despatch_id
        dealer = self.installation.counters[DEALER_SITE]
        despatch = self._wait(
            lambda: _find(dealer.get("/v1/despatches"), despatch_id), "the despatch advice reaches the dealer"
        )
        pieces = []
        for line in despatch["lines"]:
            quantity = Decimal(line["quantity"])
            pieces += [line["gtin"]] * int(quantity)
            self.paper.put(DEALER_SITE, line["gtin"], quantity)
            self.paper.put("warehouse", line["gtin"], -quantity)
        dealer.receive(despatch_id, pieces)
        self._wait(lambda: self._order_state(order_id) == "received", "the receipt reaches central")
        states.append("received")
        states.append(self.central.post(f"{path}/close", {}, f"{order_id}-close")["state"])
        self._wait(
            lambda: _order(dealer.get("/v1/orders"), order_id).get("state") == "closed",
            "the dealer sees the order closed",
        )
        states.append("closed, at the dealer")

    # The evening --------------------------------------------------------------------------------------------------

    def wait_until_all_is_sent(self, progress: Callable[[int], None]) -> None:
        """Until no agent has anything unsent, and central has taken in all of it."""
        counters = self.installation.counters.values()

        def unsent() -> int:
            return sum(int(counter.get("/v1/status")["unsent"]) for counter in counters)

        until = time.monotonic() + WAIT_S
        while left := unsent():
            progress(left)
            if time.monotonic() > until:
                raise StoryError(f"{left} events are still unsent after {WAIT_S:.0f} s")
            time.sleep(0.2)
        progress(0)

    def _order_state(self, order_id: str) -> str:
        found = [
            order
            for order in self.central.pages("/v1/orders", site=DEALER_SITE)
            if order["order_id"] == order_id
        ]
        return str(found[0]["state"]) if found else ""

    def _wait(self, ready: Callable[[], Any], what: str) -> Any:
        until = time.monotonic() + WAIT_S
        while not (found := ready()):
            if time.monotonic() > until:
                raise StoryError(f"waited {WAIT_S:.0f} s in vain until {what}")
            time.sleep(0.1)
        return found


def _lines(proposal: Any) -> list[dict[str, str]]:
    return [{"gtin": line["gtin"], "quantity": str(line["quantity"])} for line in proposal["lines"]]


def _find(despatches: Any, despatch_id: str) -> Any:
    return next((d for d in despatches["despatches"] if d["despatch_id"] == despatch_id), None)


def _order(orders: Any, order_id: str) -> dict[str, Any]:
    shown = (listed["order"] for listed in orders["orders"])
    return next((order for order in shown if order["order_id"] == order_id), {})
