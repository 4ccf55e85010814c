"""Cases, returns and voids on the till page, in a real browser on a real agent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.feeds import ContainerHere, DespatchLine, DespatchView, ItemHere
from tests.agent.running_agent import prepare, running
from tests.agent.shop_kit import CATALOGUE, SITE, TEA, WATCH, WATCH_1, WATCH_2, D
from tests.e2e.browser import Page, browser
from tests.e2e.test_till_page import Till

PALLET = "106141412345678908"
CASES = tuple(f"20614141230000{number:03d}0" for number in range(4))
STRANGE = "106141412345678939"
IN_CASES = {sscc: tuple(f"01{WATCH}21{sscc[-5:]}{number:02d}" for number in range(25)) for sscc in CASES}
ABROAD = f"01{WATCH}21ABROAD"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def till(page: Page, tmp_path: Path) -> Iterator[Till]:
    now_us = time.time_ns() // 1000
    rows = (
        *CATALOGUE,
        ItemHere(item=ABROAD, gtin=WATCH, state="sold", sold_at_us=now_us, sold_site="Hamburg"),
        *(
            ItemHere(item=item, gtin=WATCH, state="in_transit", site=SITE)
            for items in IN_CASES.values()
            for item in items
        ),
        ContainerHere(
            sscc=PALLET,
            containers=CASES,
            lines=(DespatchLine(gtin=TEA, quantity=D(48)),),
            despatch_id="d-1",
        ),
        *(ContainerHere(sscc=sscc, items=items, parent=PALLET) for sscc, items in IN_CASES.items()),
        DespatchView(
            despatch_id="d-1",
            from_site="Warehouse North",
            lines=(
                DespatchLine(gtin=WATCH, quantity=D(100)),
                DespatchLine(gtin=TEA, quantity=D(60)),
            ),
            despatched_at_us=now_us,
        ),
    )
    with running(prepare(tmp_path, *rows, now_us=now_us), tmp_path) as agent, agent.client() as client:
        page.errors.clear()
        page.open(agent.url)
        page.run("localStorage.clear()")
        page.open(agent.url)
        page.until_text("#verdict", "Scan to sell")
        yield Till(page, agent, client)
        assert page.errors == []
        page.open("about:blank")


def sell(till: Till, *codes: str) -> None:
    """Sell at the till's interface, as another screen would."""
    for code in codes:
        till.scan(code)
    till.client.post("/v1/basket/complete", json={}).raise_for_status()
    till.page.until_text("#work", "Sold")


def test_a_pallet_is_received_by_one_scan(till: Till) -> None:
    till.page.press("F4")
    till.page.until_text("#work", "Warehouse North")
    till.scan(f"(00){PALLET}")
    till.verdict("Case counted")
    assert "148 pieces · in 4 cases" in till.page.text("#verdict")
    assert "48 × Green tea, 100 × Watch" in till.page.text("#verdict")
    till.page.until_text("#work", "Advice from Warehouse North")
    work = till.page.text("#work")
    assert "1 0614 1412 3456 78908" in work
    assert "12 missing" in work
    assert "complete" in work
    till.page.press("F9")
    till.page.until_text("#dialog", "Complete the receipt?")
    till.page.press("F9")
    till.page.until_text("#work", "Received 1-G00001")
    till.page.press("F2")
    till.scan(IN_CASES[CASES[3]][24])
    till.verdict("Genuine")


def test_an_item_of_a_received_pallet_is_not_counted_again(till: Till) -> None:
    till.page.press("F4")
    till.page.until_text("#work", "Warehouse North")
    till.scan(f"(00){PALLET}")
    till.verdict("Case counted")
    till.scan(IN_CASES[CASES[0]][0])
    till.verdict("Not counted")


def test_a_counted_case_is_taken_out_by_a_key(till: Till) -> None:
    till.page.press("F4")
    till.page.until_text("#work", "Warehouse North")
    till.scan(f"(00){CASES[0]}")
    till.page.until_text("#work", "25 × Watch")
    till.page.press("Delete")
    till.page.until_text("#work", "100 missing")


def test_a_case_that_is_not_known_here_waits_for_an_answer(till: Till) -> None:
    till.page.press("F4")
    till.page.until_text("#work", "Warehouse North")
    till.scan(f"(00){STRANGE}")
    till.verdict("Case not known")
    till.page.press("y")
    till.page.until_text("#work", "What is in it is not known here")
    till.verdict("Taken in unopened")


def test_a_case_is_packed_and_unpacked_by_keys(till: Till) -> None:
    till.page.press("F10")
    till.verdict("Scan a case, then what goes in")
    till.scan(f"(00){STRANGE}")
    till.verdict("Case open")
    for code in (WATCH_1, WATCH_2, "4006381333931"):
        till.scan(code)
    till.page.until_text("#work", "Green tea")
    assert "Watch SN0002" in till.page.text("#work")
    till.page.press("q")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("12")
    till.page.press("Enter")
    till.page.until("document.querySelector('.total b').innerText === '14'")
    till.page.press("F9")
    till.page.until_text("#work", "Packed 1-K00001")
    till.page.press("u")
    till.verdict("Scan a case to open it")
    till.scan(f"(00){STRANGE}")
    till.page.until_text("#work", "Holds 12 × Green tea, 2 × Watch")
    till.page.press("F9")
    till.page.until_text("#dialog", "Take everything out of this case?")
    till.page.press("F9")
    till.page.until_text("#work", "Unpacked 1-U00001")


def test_an_item_is_returned_by_its_scan_at_what_was_paid(till: Till) -> None:
    till.scan(WATCH_1)
    till.client.patch("/v1/basket/lines/1", json={"discount_minor": 5_000}).raise_for_status()
    till.client.post("/v1/basket/complete", json={}).raise_for_status()
    till.page.press("F7")
    till.page.until_text("#verdict", "Scan what came back")
    till.scan(WATCH_1)
    till.verdict("Taken back")
    assert "Receipt 1-000001" in till.page.text("#verdict")
    assert "€200.00 paid (discount €50.00)" in till.page.text("#verdict")
    assert till.total() == "€200.00"
    till.page.press("F9")
    till.page.until_text("#dialog", "Set aside")
    till.page.press("ArrowDown")
    till.page.press("F9")
    till.page.until_text("#work", "Refunded")
    assert till.client.get("/v1/sales", params={"code": WATCH_1}).status_code == 409
    till.scan(WATCH_1)
    till.verdict("Came back already")


def test_an_item_sold_elsewhere_comes_back_with_a_word_of_caution(till: Till) -> None:
    till.page.press("F7")
    till.page.until_text("#verdict", "Scan what came back")
    till.scan(ABROAD)
    till.verdict("Sold elsewhere")
    assert "Hamburg" in till.page.text("#verdict")
    assert "look at the receipt" in till.page.text("#verdict")


def test_an_item_that_was_not_sold_is_refused_with_the_reason(till: Till) -> None:
    till.page.press("F7")
    till.page.until_text("#verdict", "Scan what came back")
    till.scan(WATCH_2)
    till.verdict("Was not sold")
    assert "in stock here" in till.page.text("#verdict")


def test_a_receipt_is_voided_by_an_item_of_it(till: Till) -> None:
    sell(till, WATCH_1, "4006381333931")
    till.page.press("F7")
    till.page.until_text("#verdict", "Scan what came back")
    till.scan(WATCH_1)
    till.verdict("Taken back")
    till.page.press("v")
    till.page.until_text("#dialog", "Void receipt 1-000001?")
    till.page.type_slowly("wrong")
    till.page.press("Enter")
    till.page.until_text("#work", "Voided")
    assert till.client.get("/v1/returns/basket").json()["lines"] == []
