"""The till page in a real browser, on a real agent: what a cashier sees and presses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from protocol.codes import render_element_string
from protocol.feeds import DespatchLine, DespatchView, ItemHere, Product, StockLevel
from tests.agent.running_agent import RunningAgent, prepare, running
from tests.agent.shop_kit import CATALOGUE, SITE, TEA, WATCH, WATCH_1, WATCH_2, D
from tests.agent.verification.signing_kit import code_key, label
from tests.e2e.browser import Page, browser

PEN = "4902505081163"
SOLD = f"01{WATCH}21SOLD1"
ON_ITS_WAY = f"01{WATCH}21WAY1"
SIGNED = f"]d2{render_element_string(label())}"
FORGED = f"]d2{render_element_string(label() | {'21': 'ANOTHER'})}"


class Till:
    """One page on one agent."""

    def __init__(self, page: Page, agent: RunningAgent, client: httpx.Client) -> None:
        self.page = page
        self.agent = agent
        self.client = client

    def scan(self, code: str, device: str | None = None) -> None:
        """A scan. From a named device the same code again within half a second is its double trigger."""
        named = {} if device is None else {"device": device}
        self.client.post("/v1/scans", json={"code": code, **named}).raise_for_status()

    def verdict(self, word: str) -> None:
        """Wait for the big word."""
        self.page.until_text("#verdict h1", word)

    def total(self) -> str:
        """What is to be paid."""
        return self.page.text(".total b")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def till(page: Page, tmp_path: Path) -> Iterator[Till]:
    now_us = time.time_ns() // 1000
    rows = (
        *CATALOGUE,
        code_key(),
        Product(gtin="04902505081163", name="Ballpoint pen"),
        ItemHere(item=SOLD, gtin=WATCH, state="sold", sold_at_us=now_us, sold_site="Hamburg"),
        ItemHere(item=ON_ITS_WAY, gtin=WATCH, state="in_transit", site=SITE),
        StockLevel(gtin=TEA, on_hand=D(1), reorder_point=D(5), order_up_to=D(20)),
        DespatchView(
            despatch_id="d-1",
            from_site="Warehouse North",
            lines=(DespatchLine(gtin=TEA, quantity=D(2)),),
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


def test_a_scan_shows_its_verdict_in_a_colour_a_shape_and_a_word(till: Till) -> None:
    till.scan(WATCH_1)
    till.verdict("Genuine")
    assert till.page.run("document.querySelector('#verdict').className") == "verdict good"
    assert till.page.run("!!document.querySelector('#verdict .icon-good')")
    assert till.total() == "€250.00"


def test_a_refusal_stays_until_a_key_acknowledges_it(till: Till) -> None:
    till.scan(SOLD)
    till.verdict("Already sold")
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    assert "Already sold" in till.page.text("#verdict")
    till.page.press("Escape")
    till.verdict("Added")


def test_a_forged_label_stays_on_the_screen_with_what_it_rests_on(till: Till) -> None:
    till.scan(FORGED)
    till.verdict("Forged")
    till.page.until_text("#verdict .evidence", "by the signature on the label")
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    assert "Forged" in till.page.text("#verdict")


def test_a_provisional_sale_looks_provisional_and_is_counted_until_it_is_settled(till: Till) -> None:
    till.scan(SIGNED)
    till.verdict("Genuine")
    till.page.until_text("#verdict .evidence", "to be confirmed")
    assert till.page.run("document.querySelector('#verdict').className") == "verdict good provisional"
    till.page.press("F9")
    till.page.press("F9")
    till.page.until_text("#state", "1 to be confirmed")


def test_an_enter_of_a_keyboard_scanner_closes_nothing_and_is_a_scan(till: Till) -> None:
    till.scan(SOLD)
    till.verdict("Already sold")
    till.page.type_fast("4006381333931")
    till.page.until_text("#work", "Green tea")
    assert "Already sold" in till.page.text("#verdict")


def test_a_keyboard_scanner_writes_into_no_field(till: Till) -> None:
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.press("F9")
    till.page.until("document.activeElement.id === 'given'")
    till.page.type_slowly("5")
    till.page.type_fast("5000112637922")
    till.page.until_text("#work", "Milk")
    assert (
        till.page.run("document.querySelector('#dialog').open && document.querySelector('#given').value")
        == "5"
    )


def test_a_sale_is_paid_by_keys_alone_and_tells_the_change(till: Till) -> None:
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.press("F9")
    till.page.until("document.activeElement.id === 'given'")
    till.page.type_slowly("5")
    till.page.until_text("#change", "€0.50")
    till.page.press("Enter")
    till.page.until_text("#work", "Sold")
    assert "Receipt 1-000001" in till.page.text("#work")
    assert "€0.50" in till.page.text("#work")


def test_too_little_cash_does_not_complete_a_sale(till: Till) -> None:
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.press("F9")
    till.page.until("document.activeElement.id === 'given'")
    till.page.type_slowly("4")
    till.page.press("F9")
    till.page.until_text("#change", "€0.50 missing")
    assert till.client.get("/v1/status").json()["unsent"] == 0


def test_a_sale_is_voided_with_a_reason(till: Till) -> None:
    till.scan(WATCH_2)
    till.page.until_text("#work", "Watch")
    till.page.press("F9")
    till.page.press("F9")
    till.page.until_text("#work", "Sold")
    till.page.press("v")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("wrong")
    till.page.press("Enter")
    till.page.until_text("#work", "Voided")


def test_a_doubt_is_sold_only_when_the_cashier_says_so(till: Till) -> None:
    till.scan(ON_ITS_WAY)
    till.verdict("Not received here")
    assert till.total() == "€0.00"
    till.page.press("y")
    till.verdict("Added")
    assert till.total() == "€250.00"


def test_a_product_without_a_price_asks_what_it_costs(till: Till) -> None:
    till.scan(PEN)
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("1.20")
    till.page.press("Enter")
    till.page.until_text("#work", "Ballpoint pen")
    assert till.total() == "€1.20"


def test_quantity_and_removal_act_on_the_selected_line(till: Till) -> None:
    till.scan("4006381333931")
    till.scan("5000112637922")
    till.page.until_text("#work", "Milk")
    till.page.press("ArrowUp")
    till.page.press("q")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("3")
    till.page.press("Enter")
    till.page.until("document.querySelector('.total b').innerText === '€14.69'")
    till.page.press("Delete")
    till.page.until("document.querySelector('.total b').innerText === '€1.19'")


def test_a_basket_is_set_aside_and_recalled(till: Till) -> None:
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.press("h")
    till.page.until_text("#work", "The basket is empty")
    till.page.press("r")
    till.page.until_text("#work", "Green tea")


def test_closing_the_page_loses_nothing(till: Till) -> None:
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.open("about:blank")
    till.page.open(till.agent.url)
    till.page.until_text("#work", "Green tea")


def test_goods_are_received_against_their_advice_by_keys(till: Till) -> None:
    till.page.press("F4")
    till.page.until_text("#work", "Warehouse North")
    till.page.press("Enter")
    till.page.until_text("#work", "2 missing")
    till.scan("4006381333931")
    till.scan("4006381333931", device="second scanner")
    till.page.until_text("#work", "complete")
    till.page.press("F9")
    till.page.until_text("#dialog", "Complete the receipt?")
    till.page.press("F9")
    till.page.until_text("#work", "Received 1-G00001")


def test_a_proposed_order_is_submitted_by_keys(till: Till) -> None:
    till.page.press("F6")
    till.page.until_text("#work", "Nothing is on the order")
    till.page.press("g")
    till.page.until_text("#work", "proposed 19")
    till.page.press("F9")
    till.page.until_text("#dialog", "Submit this order?")
    till.page.press("F9")
    till.page.until_text("#work", "Order submitted 1-PO00001")
    till.page.press("o")
    till.page.until_text("#work", "not answered yet")


def test_verify_mode_tells_the_evidence_and_sells_nothing(till: Till) -> None:
    till.page.press("F3")
    till.page.until_text("#verdict", "Scan to verify")
    till.scan(SOLD)
    till.verdict("Already sold")
    till.page.until_text(".facts", "Hamburg")


def test_a_return_is_refunded_by_keys(till: Till) -> None:
    till.page.press("F7")
    till.page.until_text("#verdict", "Scan what came back")
    till.scan(SOLD)
    till.page.until_text("#work", "Watch")
    till.page.press("F9")
    till.page.until_text("#dialog", "Back on the shelf")
    till.page.press("F9")
    till.page.until_text("#work", "Refunded")


def test_the_page_speaks_three_languages_and_remembers_which(till: Till) -> None:
    shown = []
    for idle in ("请扫码销售", "請掃碼銷售", "Scan to sell"):
        till.page.click(".language")
        till.page.until_text("#verdict", idle)
        shown.append(till.page.run("document.documentElement.lang"))
    assert shown == ["zh-Hans", "zh-Hant", "en"]
    till.page.click(".language")
    till.page.open("about:blank")
    till.page.open(till.agent.url)
    till.page.until_text("#verdict", "请扫码销售")
    till.page.run("localStorage.clear()")


def test_every_language_has_every_word(till: Till) -> None:
    missing = till.page.run(
        """import('/page/words.js').then(({ languages }) => {
            const { en, ...others } = languages;
            const wanted = Object.keys(en).filter((key) => !key.endsWith('_one'));
            return Object.entries(others).flatMap(([name, words]) => wanted.filter((key) => !(key in words)).map((key) => name + ' ' + key));
        })"""
    )
    assert missing == []


def test_the_bar_tells_offline_and_what_is_unsent(till: Till) -> None:
    till.client.post("/v1/sales", json={"lines": [{"gtin": TEA}]}).raise_for_status()
    till.page.until_text("#state", "1 unsent")
    assert "Offline" in till.page.text("#state")


def test_an_agent_that_is_gone_is_told_and_comes_back(page: Page, tmp_path: Path) -> None:
    config = prepare(tmp_path, *CATALOGUE)
    with running(config, tmp_path) as agent:
        url = agent.url
        port = url.rpartition(":")[2]
        page.open(url)
        page.until_text("#verdict", "Scan to sell")
    page.until("!document.querySelector('#alarm').hidden")
    config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
    with running(config, tmp_path):
        page.until("document.querySelector('#alarm').hidden")
        page.open("about:blank")


@pytest.mark.parametrize(
    ("width", "height"), [(800, 480), (1024, 600), (1024, 768), (480, 800), (1920, 1080)]
)
def test_nothing_is_cut_off_on_any_screen(till: Till, width: int, height: int) -> None:
    till.scan(WATCH_1)
    till.verdict("Genuine")
    till.page.size(width, height)
    outside = till.page.run(
        """[...document.querySelectorAll('.bar > *, #verdict > *, .total > *, .title, #keys')].filter((element) => {
            const box = element.getBoundingClientRect();
            return box.width && (box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1);
        }).map((element) => element.className || element.tagName)"""
    )
    assert outside == []
