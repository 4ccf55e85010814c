"""One item, offered at two shops that are both cut off: a copied label, or a label that was read twice."""

from __future__ import annotations

import csv
import signal
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import pytest

from tests.faults.comparison import assert_books_agree
from tests.faults.shops import GTINS, SITES, Counter, Shops, until
from tests.faults.till import Sold, Till

AMOUNT_MINOR = 1990


class Shop(NamedTuple):
    """One shop and the till before it."""

    counter: Counter
    till: Till

    def scans(self, item: str) -> dict[str, Any]:
        """Scan the item; the frame."""
        asked = {"code": f"]d2{item}", "device": "scanner"}
        answer = httpx.post(f"{self.counter.url}/v1/scans", json=asked, timeout=10).raise_for_status()
        frame: dict[str, Any] = answer.json()
        return frame

    def sells(self, item: str) -> dict[str, Any]:
        """Scan the item and sell it as a customer would buy it; the frame of the scan."""
        frame = self.scans(item)
        with httpx.Client(base_url=self.counter.url, timeout=10) as client:
            put = {"code": f"]d2{item}", "amount_minor": AMOUNT_MINOR, "confirmed": True}
            client.post("/v1/basket/lines", json=put).raise_for_status()
            sold = client.post("/v1/basket/complete", json={}).raise_for_status().json()
        line = (item[2:16], Decimal(1), AMOUNT_MINOR)
        self.till.accepted[sold["sale_id"]] = Sold((line,), sold["receipt"])
        return frame

    def notices(self) -> list[dict[str, Any]]:
        """What its people are told."""
        told: list[dict[str, Any]] = httpx.get(f"{self.counter.url}/v1/status", timeout=10).json()["notices"]
        return told

    @property
    def receipts(self) -> list[str]:
        """Its receipts."""
        return [sold.receipt for sold in self.till.accepted.values()]


def ask_central(shops: Shops, path: str, **query: str) -> list[dict[str, Any]]:
    """A page of central's."""
    given = {"Authorization": f"Bearer {shops.token}"}
    answer = httpx.get(f"{shops.url}{path}", params=query, headers=given, timeout=30).raise_for_status()
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def register(shops: Shops, site: str, serial: str) -> str:
    """An item that the brand has brought to a site."""
    given = {"Authorization": f"Bearer {shops.token}", "Idempotency-Key": f"item-{serial}"}
    asked = {"gtin": GTINS[0], "serials": [serial], "site": site}
    httpx.post(f"{shops.url}/v1/items", json=asked, headers=given, timeout=30).raise_for_status()
    return f"01{GTINS[0]}21{serial}"


@pytest.fixture
def pair(shops: Shops) -> tuple[Shop, Shop]:
    """Two shops that have both been online."""
    first, second = (Shop(*shops.open_counter()) for _ in range(2))
    for shop in (first, second):
        until(lambda shop=shop: bool(shops.status(shop.counter)["online"]), "online")  # type: ignore[misc]
    return first, second


def cut(shops: Shops, pair: tuple[Shop, Shop]) -> None:
    """The line is gone, and both know it."""
    shops.send_signal("relay", signal.SIGUSR1)
    for shop in pair:
        until(lambda shop=shop: not shops.status(shop.counter)["online"], "offline")  # type: ignore[misc]


def test_the_same_item_offered_at_two_offline_shops_ends_as_one_case_with_both_sales_in_the_books(
    shops: Shops, pair: tuple[Shop, Shop]
) -> None:
    item = register(shops, SITES[-1], "TWICE-1")
    cut(shops, pair)
    first, second = pair
    frames = [first.sells(item), second.sells(item)]
    assert [(frame["finding"]["verdict"], frame["finding"]["certain"]) for frame in frames] == [
        ("unverified", False),
        ("unverified", False),
    ]
    assert [shops.status(shop.counter)["unsettled"] for shop in pair] == [1, 1]

    shops.send_signal("relay", signal.SIGUSR2)
    assert_books_agree(shops, [(shop.counter, shop.till) for shop in pair])

    cases = [
        case
        for case in ask_central(shops, "/v1/discrepancies", **{"class": "item_sold_twice"})
        if case["item"] == item
    ]
    assert [sorted(one["site"] for one in case["evidence"]) for case in cases] == [
        sorted(shop.counter.site for shop in pair)
    ]

    # The shop that sold it second is told, with its receipt; the one that sold it first is left in peace.
    until(lambda: shops.status(first.counter)["unsettled"] == 0, "the first sale is confirmed")
    until(lambda: shops.status(second.counter)["unsettled"] == 0, "the second sale is contested")
    told = [[(notice["kind"], notice["subject"]) for notice in shop.notices()] for shop in pair]
    assert told == [[], [("sold_twice", receipt) for receipt in second.receipts]]


def test_a_provisional_sale_that_nothing_contradicts_is_confirmed_and_nobody_is_told(
    shops: Shops, pair: tuple[Shop, Shop]
) -> None:
    shop, _ = pair
    item = register(shops, SITES[-1], "ONCE-1")
    cut(shops, pair)
    shop.sells(item)
    shops.send_signal("relay", signal.SIGUSR2)
    assert_books_agree(shops, [(shop.counter, shop.till)])
    until(lambda: shops.status(shop.counter)["unsettled"] == 0, "the sale is confirmed")
    assert shop.notices() == []


def test_a_label_that_the_brand_signed_proves_itself_without_a_line_and_an_altered_one_does_not(
    shops: Shops, pair: tuple[Shop, Shop]
) -> None:
    good, altered = issue(shops, 2)
    item = f"01{GTINS[0]}21" + good.split("21", 1)[1].split("\x1d")[0]
    for shop in pair:
        until(lambda shop=shop: knows_keys(shops, shop), "the brand's keys have come")  # type: ignore[misc]
    cut(shops, pair)
    first, second = pair
    frames = [shop.sells(good) for shop in pair]
    assert [judged(frame) for frame in frames] == [("genuine", "signature", False)] * 2

    shops.send_signal("relay", signal.SIGUSR2)
    assert_books_agree(shops, [(shop.counter, shop.till) for shop in pair])
    cases = ask_central(shops, "/v1/discrepancies", **{"class": "item_sold_twice"})
    assert [case["site"] for case in cases if case["item"] == item] == [second.counter.site]
    assert judged(first.scans(altered.replace("17301231", "17321231"))) == ("forged", "signature", True)


def issue(shops: Shops, count: int) -> list[str]:
    """Codes as a printer gets them."""
    path = shops.directory / "codes.csv"
    order = (
        "--gtin",
        GTINS[0],
        "--count",
        str(count),
        "--batch",
        "L1",
        "--expiry",
        "2030-12-31",
        "--format",
        "sgtin",
    )
    shops.of_central("codes", "issue", *order, "--output", str(path))
    with path.open(newline="", encoding="utf-8") as file:
        return [row["code"] for row in csv.DictReader(file)]


def knows_keys(shops: Shops, shop: Shop) -> bool:
    """Whether a shop's counter has heard of the brand's keys."""
    feeds: Any = shops.status(shop.counter)["feeds"]
    return bool(feeds["keys"]["version"] > 0 and feeds["keys"]["age_s"] is not None)


def judged(frame: dict[str, Any]) -> tuple[str, str, bool]:
    """The verdict, what it rests on, and whether it is certain."""
    finding = frame["finding"]
    return finding["verdict"], finding["rests_on"], finding.get("certain", True)
