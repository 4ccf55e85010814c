"""Stocktakes and goods that leave on the till page, in a real browser on a real agent, by scanner and keyboard alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from protocol.codes import render_control
from protocol.feeds import ContainerHere, DespatchLine, ItemHere, SiteHere, StocktakeHere
from tests.agent.running_agent import prepare, running
from tests.agent.shop_kit import CATALOGUE, MILK, SITE, TEA, WATCH, WATCH_1, WATCH_2, D
from tests.e2e.browser import Page, browser
from tests.e2e.test_till_page import Till

TEA_CODE = "4006381333931"
CASE = "106141412345678915"
STRANGE = "106141412345678939"
RECALLED = f"01{WATCH}21RECALL1"
SOLD = f"01{WATCH}21SOLD1"
KEY = b"0123456789abcdef"
KEY_TEXT = "MDEyMzQ1Njc4OWFiY2RlZg=="


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def till(page: Page, tmp_path: Path) -> Iterator[Till]:
    now_us = time.time_ns() // 1000
    rows = (
        *CATALOGUE,
        ItemHere(item=RECALLED, gtin=WATCH, state="recalled", site=SITE),
        ItemHere(item=SOLD, gtin=WATCH, state="sold", sold_at_us=now_us, sold_site="Hamburg"),
        ContainerHere(sscc=CASE, items=(WATCH_2,), lines=(DespatchLine(gtin=TEA, quantity=D(24)),)),
        StocktakeHere(
            stocktake_id="s-1",
            name="Yearly count",
            blind=False,
            started_at_us=now_us,
            expected={TEA: D(26), WATCH: D(2), MILK: D(3)},
            areas={"Window": now_us},
        ),
        SiteHere(site="site-2", name="Store two", kind="store"),
        SiteHere(site="w-1", name="Warehouse North", kind="warehouse"),
    )
    config = prepare(tmp_path, *rows, now_us=now_us)
    config.write_text(f'{config.read_text()}[codes]\ncontrol_keys = ["{KEY_TEXT}"]\n')
    with running(config, tmp_path) as agent, agent.client() as client:
        page.errors.clear()
        page.open(agent.url)
        page.run("localStorage.clear()")
        page.open(agent.url)
        page.until_text("#verdict", "Scan to sell")
        yield Till(page, agent, client)
        assert page.errors == []
        page.open("about:blank")


def card(till: Till, command: str, argument: str = "") -> None:
    """A signed card, scanned."""
    till.scan(render_control(command, argument, KEY))


def count_shelf(till: Till) -> None:
    """Stocktake mode, by keys: the stocktake, and a new area of it."""
    till.page.press("F1")
    till.page.until_text("#work", "Yearly count")
    till.page.press("Enter")
    till.page.until_text("#work", "Window")
    till.page.press("n")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("Shelf")
    till.page.press("Enter")
    till.page.until_text(".title h2", "Shelf")


def sent(client: httpx.Client) -> list[tuple[str, str | None]]:
    """The areas as the interface tells them."""
    told = client.get("/v1/stocktakes/s-1").json()["stocktake"]["areas"]
    return [(area["area"], area["number"]) for area in told]


def test_an_area_is_counted_and_sent_by_scanner_and_keys_alone(till: Till) -> None:
    count_shelf(till)
    till.scan(TEA_CODE)
    till.verdict("Counted")
    till.scan(TEA_CODE)
    till.scan(WATCH_1)
    till.page.until_text("#work", "3 pieces")
    till.page.press("F9")
    till.page.until_text("#dialog", "Send Shelf?")
    till.page.press("F9")
    till.page.until_text("#work", "Shelf: sent 1-C00001")
    assert sent(till.client) == [("Shelf", "1-C00001"), ("Window", None)]


def test_a_second_scan_of_a_code_is_grey_and_counts_nothing(till: Till) -> None:
    count_shelf(till)
    till.scan(WATCH_1)
    till.verdict("Counted")
    till.scan(WATCH_1)
    till.verdict("Not counted")
    assert till.page.run("document.querySelector('#verdict').className") == "verdict ignored"
    assert "1 piece" in till.page.text("#work")


def test_a_guided_count_shows_the_difference_and_what_is_still_missing(till: Till) -> None:
    count_shelf(till)
    till.scan(f"(00){CASE}")
    till.verdict("Case counted")
    till.page.until_text("#work", "2 missing")
    till.scan(TEA_CODE)
    till.scan(TEA_CODE)
    till.page.until_text("#work", "agrees")
    till.page.press("m")
    till.page.until_text("#work", "Still missing")
    till.page.until_text("#work", "Milk")
    assert "Green tea" not in till.page.text("#work")


def test_quantities_are_set_added_to_and_taken_back_by_keys(till: Till) -> None:
    count_shelf(till)
    till.scan(TEA_CODE)
    till.page.until_text("#work", "1 piece")
    till.page.press("q")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("12")
    till.page.press("Enter")
    till.page.until_text("#work", "12 pieces")
    till.page.press("+")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("24")
    till.page.press("Enter")
    till.page.until_text("#work", "36 pieces")
    till.page.press("u")
    till.page.until_text("#work", "12 pieces")
    till.page.press("Delete")
    till.page.until_text("#work", "Scan what is there")


def test_weighed_goods_ask_how_much_and_wait_for_the_answer(till: Till) -> None:
    count_shelf(till)
    till.scan(MILK[1:])
    till.page.until("document.activeElement.id === 'answer'")
    till.page.press("Escape")
    till.verdict("How much?")
    till.scan(TEA_CODE)
    till.page.until_text("#work", "Green tea")
    assert "How much?" in till.page.text("#verdict")
    till.page.press("q")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("2.5")
    till.page.press("Enter")
    till.page.until_text("#work", "2.5")


def test_a_piece_without_a_readable_code_is_counted_when_the_clerk_says_so(till: Till) -> None:
    count_shelf(till)
    till.scan(WATCH[1:])
    till.verdict("Its own code")
    till.page.press("y")
    till.verdict("Counted")
    assert "1 by code" not in till.page.text("#work")


def test_a_sold_item_on_the_shelf_is_counted_with_its_verdict(till: Till) -> None:
    count_shelf(till)
    till.scan(SOLD)
    till.verdict("Already sold")
    assert "Counted all the same" in till.page.text("#verdict")
    till.page.until_text("#work", "1 piece")


def test_an_area_of_another_till_is_replaced_only_when_the_clerk_says_so(till: Till) -> None:
    till.page.press("F1")
    till.page.until_text("#work", "Yearly count")
    till.page.press("Enter")
    till.page.until_text("#work", "Window")
    till.page.press("Enter")
    till.page.until_text("#dialog", "Another till has counted it")
    till.page.press("Escape")
    till.page.until("!document.querySelector('#dialog').open")
    assert till.client.get("/v1/counting").json()["area"] is None
    till.page.press("Enter")
    till.page.until("document.querySelector('#dialog').open")
    till.page.press("F9")
    till.page.until_text(".title h2", "Window")


def test_an_area_that_was_sent_goes_on_where_it_was(till: Till) -> None:
    count_shelf(till)
    till.scan(TEA_CODE)
    till.page.until_text("#work", "1 piece")
    till.page.press("F9")
    till.page.press("F9")
    till.page.until_text("#work", "sent as 1-C00001")
    till.page.until("document.querySelector('.line.selected')?.innerText.includes('Shelf')")
    till.page.press("Enter")
    till.page.until_text("#dialog", "Go on with what was counted")
    till.page.press("F9")
    till.page.until_text("#work", "1 piece")
    till.scan(TEA_CODE)
    till.page.until_text("#work", "2 pieces")


def test_a_stocktake_is_begun_at_the_counter_without_a_network(till: Till) -> None:
    till.page.press("F1")
    till.page.until_text("#work", "Stocktakes")
    till.page.press("n")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("flood")
    till.page.press("Enter")
    till.page.until_text(".title h2", "flood")
    till.page.press("o")
    till.page.until_text("#work", "begun here")


def test_cards_alone_choose_mode_and_area_and_take_back(till: Till) -> None:
    till.client.put("/v1/counting", json={"stocktake_id": "s-1"}).raise_for_status()
    card(till, "MODE", "STOCKTAKE")
    till.page.until_text("#modes .on", "Stocktake")
    card(till, "AREA", "SHELF-7")
    till.page.until_text(".title h2", "SHELF-7")
    till.scan(TEA_CODE)
    till.page.until_text("#work", "1 piece")
    card(till, "UNDO")
    till.verdict("Taken back")
    till.page.until_text("#work", "0 pieces")


def test_sales_go_on_between_two_scans_of_a_count(till: Till) -> None:
    count_shelf(till)
    till.scan(TEA_CODE)
    till.page.until_text("#work", "1 piece")
    till.page.press("F2")
    till.page.until_text("#work", "Basket")
    till.scan(TEA_CODE)
    till.verdict("Added")
    till.page.press("F1")
    till.page.until_text(".title h2", "Shelf")
    assert "1 piece" in till.page.text("#work")


def test_goods_leave_by_scanner_and_keys_alone(till: Till) -> None:
    till.page.press("F8")
    till.page.until_text("#work", "Warehouse North")
    till.page.press("ArrowDown")
    till.page.press("Enter")
    till.page.until_text("#work", "to Store two")
    for code in (TEA_CODE, WATCH_1, f"(00){CASE}"):
        till.scan(code)
    till.verdict("Case loaded")
    till.page.until_text("#work", "27 pieces")
    till.page.press("F9")
    till.page.until_text("#dialog", "Send 27 pieces to Store two?")
    till.page.type_slowly("fair")
    till.page.press("Enter")
    till.page.until_text("#work", "1-D00001 to Store two")
    till.page.run("window.print = () => { window.printed = true; }")
    till.page.press("b")
    till.page.until(
        "window.printed && document.querySelector('#receipt').innerText.includes('Despatch note')"
    )
    assert "fair" in till.page.run("document.querySelector('#receipt').textContent")
    till.page.press("F2")
    till.scan(WATCH_1)
    till.verdict("Sent elsewhere")
    assert "left this shop with a despatch" in till.page.text("#verdict")


def test_a_destination_is_found_by_a_part_of_its_name(till: Till) -> None:
    till.page.press("F8")
    till.page.until_text("#work", "Store two")
    till.page.press("/")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("TWO")
    till.page.press("Enter")
    till.page.until("document.querySelectorAll('#lines li').length === 1")
    till.page.press("Enter")
    till.page.until_text("#work", "to Store two")


def test_a_recalled_item_goes_to_no_shop_and_the_refusal_stays(till: Till) -> None:
    till.client.put("/v1/shipping", json={"to_site": "site-2"}).raise_for_status()
    till.page.press("F8")
    till.page.until_text("#work", "to Store two")
    till.scan(RECALLED)
    till.verdict("Recalled")
    till.scan(TEA_CODE)
    till.page.until_text("#work", "Green tea")
    assert "It may go back to a warehouse" in till.page.text("#verdict")
    till.page.press("Escape")
    till.verdict("Loaded")


def test_a_case_that_is_not_known_here_leaves_as_it_is_when_the_clerk_says_so(till: Till) -> None:
    till.client.put("/v1/shipping", json={"to_site": "w-1"}).raise_for_status()
    till.page.press("F8")
    till.page.until_text("#work", "to Warehouse North")
    till.scan(f"(00){STRANGE}")
    till.verdict("Case not known")
    till.page.press("y")
    till.verdict("Loaded unopened")
    till.page.until_text("#work", "What is in it is not known here")


def test_what_is_loaded_is_taken_out_item_by_item(till: Till) -> None:
    till.client.put("/v1/shipping", json={"to_site": "site-2"}).raise_for_status()
    till.page.press("F8")
    till.page.until_text("#work", "to Store two")
    till.scan(WATCH_1)
    till.scan(TEA_CODE)
    till.page.until_text("#work", "2 pieces")
    till.page.until("document.querySelector('.line.selected')?.innerText.includes('Green tea')")
    till.page.press("ArrowDown")
    till.page.press("Delete")
    till.page.until_text("#work", "1 piece")
    assert "Watch" not in till.page.text("#work")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1024, 600)])
def test_nothing_of_a_count_lies_beside_the_screen(till: Till, width: int, height: int) -> None:
    till.page.size(width, height)
    count_shelf(till)
    till.scan(TEA_CODE)
    till.verdict("Counted")
    wide = till.page.run(
        "[...document.querySelectorAll('.bar, .modes, .state, .work, .verdict, .total, .go')]"
        ".filter((one) => { const box = one.getBoundingClientRect(); return box.right > innerWidth + 1 || box.left < -1 || box.bottom > innerHeight + 1; })"
        ".map((one) => one.className)"
    )
    assert wide == []


def test_a_scan_of_a_count_is_answered_in_words_of_all_three_languages(till: Till) -> None:
    count_shelf(till)
    till.scan(TEA_CODE)
    till.verdict("Counted")
    words = []
    for _ in range(2):
        till.page.click("[data-do=language]")
        words.append(till.page.text("#verdict h1"))
    assert words == ["已计数", "已計數"]
