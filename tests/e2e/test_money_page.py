"""Shifts, cash, prices, refunds and adjustments on the till page, in a real browser on a real agent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.clock import ManualClock
from agent.till.pins import hash_pin
from protocol.codes import render_control
from protocol.feeds import Feed, TillLimits, body_encoder
from tests.agent.printing.escpos_reader import read
from tests.agent.printing.tcp_printer import TcpPrinter
from tests.agent.running_agent import prepare, running
from tests.agent.shop_kit import CATALOGUE, WATCH_1, Counter
from tests.e2e.browser import Page, browser
from tests.e2e.test_till_page import Till

PIN = "4711"
KEY = "MDEyMzQ1Njc4OWFiY2RlZg=="
CARD = render_control("SUPERVISOR", "ANN", b"0123456789abcdef")
TEN_PERCENT = TillLimits(discount_limit_bp=1000, override_limit_bp=1000)
SUPERVISOR = f'[codes]\ncontrol_keys = ["{KEY}"]\n[[supervisor]]\nname = "Ann"\ncard = "ANN"\npin_hash = "{hash_pin(PIN)}"\n'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def make(folder: Path, more: str = "") -> Path:
    """The configuration of a till with limits and a supervisor."""
    config = prepare(folder, *CATALOGUE, now_us=time.time_ns() // 1000)
    counter = Counter(folder / "data", ManualClock(time.time_ns() // 1000))
    counter.feed_rows(Feed.LIMITS, {"till": body_encoder.encode(TEN_PERCENT)})
    counter.close()
    config.write_text(config.read_text() + SUPERVISOR + more)
    return config


@pytest.fixture
def till(page: Page, tmp_path: Path) -> Iterator[Till]:
    with running(make(tmp_path), tmp_path) as agent, agent.client() as client:
        page.errors.clear()
        page.open(agent.url)
        page.run("localStorage.clear()")
        page.open(agent.url)
        page.until_text("#verdict", "Scan to sell")
        yield Till(page, agent, client)
        # What the agent refuses is told on the page, and by the browser's own log.
        assert [error for error in page.errors if "status of 4" not in error] == []
        page.open("about:blank")


def menu(till: Till, key: str) -> None:
    """Press a key of the till's menu."""
    till.page.until("!document.querySelector('#dialog').open")
    till.page.press("s")
    till.page.until_text("#dialog", "Put cash in")
    till.page.press(key)
    till.page.until(
        "!document.querySelector('#dialog').open || !document.querySelector('#dialog').innerText.includes('Put cash in')"
    )


def open_shift(till: Till, amount: str = "100") -> None:
    menu(till, "s")
    till.page.until("document.activeElement.id === 'float'")
    till.page.type_slowly(amount)
    till.page.press("F9")
    till.page.until_text("#lane", "Shift")


def sell_tea(till: Till) -> None:
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.press("F9")
    till.page.until("document.activeElement.id === 'given'")
    till.page.type_slowly("5")
    till.page.press("F9")
    till.page.until_text("#work", "Sold")


def test_the_bar_always_tells_whether_a_shift_is_open_and_since_when(till: Till) -> None:
    assert "No shift" in till.page.text("#lane")
    till.client.post("/v1/shifts/open", json={"float_minor": 0, "clerk": "Ann"}).raise_for_status()
    till.page.until_text("#lane", "Shift ")
    assert "Ann" in till.page.text("#lane")
    assert "Shift since" in till.page.run("document.querySelector('#lane .shift').title")
    for mode in ("verify", "pack", "stocktake", "adjust"):
        till.client.put("/v1/mode", json={"mode": mode}).raise_for_status()
        till.page.until(f"document.querySelector('#board').className.includes('mode-{mode}')")
        assert "Shift " in till.page.text("#lane")


def test_a_shift_is_opened_counted_blind_and_closed_by_keys_alone(till: Till) -> None:
    open_shift(till)
    sell_tea(till)
    menu(till, "c")
    till.page.until_text("#dialog", "Count the drawer")
    assert "104.50" not in till.page.text("body")
    till.page.type_slowly("0")
    till.page.press("Enter")
    till.page.type_slowly("1")
    till.page.until("document.querySelector('#cash-sum').value === '100.00'")
    till.page.press("F9")
    till.page.until_text("#dialog", "€100.00 in cash?")
    till.page.press("F9")
    till.page.until_text("#dialog", "End of shift")
    told = till.page.text("#dialog")
    assert "Cash €4.50 €104.50 €100.00 -€4.50" in told
    till.page.press("F9")
    till.page.until_text("#lane", "No shift")


def test_a_count_that_is_none_closes_nothing(till: Till) -> None:
    open_shift(till)
    menu(till, "c")
    till.page.until_text("#dialog", "Count the drawer")
    till.page.press("F9")
    till.page.until("document.activeElement.id === 'cash-sum'")
    till.page.type_slowly("x")
    till.page.press("F9")
    till.page.press("Escape")
    till.page.until("!document.querySelector('#dialog').open")
    assert "Shift" in till.page.text("#lane")
    assert till.client.get("/v1/shifts/current").json()["shift_id"] is not None


def test_cash_is_taken_out_with_a_reason(till: Till) -> None:
    open_shift(till)
    menu(till, "o")
    till.page.until("document.activeElement.id === 'moved'")
    till.page.type_slowly("20.5")
    till.page.click(".notes button")
    till.page.press("F9")
    till.page.until("!document.querySelector('#dialog').open")
    report = till.client.post("/v1/shifts/current/report", json={"authorisation": PIN}).json()
    assert report["moves"] == [{"reason": "safe drop", "amount_minor": -2050, "times": 1}]


def test_the_report_so_far_keeps_the_sums_for_a_supervisor(till: Till) -> None:
    open_shift(till)
    sell_tea(till)
    menu(till, "x")
    till.page.until_text("#dialog", "Report so far")
    assert "104.50" not in till.page.text("#dialog")
    till.page.press("a")
    till.page.until("document.activeElement.id === 'pin'")
    till.page.type_slowly(PIN)
    till.page.press("F9")
    till.page.until_text("#dialog", "€104.50")


def test_the_change_stays_on_every_screen_and_over_a_new_one(till: Till) -> None:
    sell_tea(till)
    assert "Change €0.50" in till.page.text("#work")


def test_a_price_within_the_limit_needs_a_reason_and_nobody_else(till: Till) -> None:
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.press("p")
    till.page.until("document.activeElement.id === 'price'")
    till.page.type_slowly("4.20")
    till.page.press("F9")
    till.page.until_text("#toast", "Another price needs a reason")
    till.page.press("p")
    till.page.until("document.activeElement.id === 'price'")
    till.page.type_slowly("4.20")
    till.page.click(".notes button")
    till.page.press("F9")
    till.page.until_text("#work", "price changed")
    assert till.total() == "€4.20"


@pytest.mark.parametrize("answer", ["pin", "card"])
def test_beyond_the_limit_a_supervisor_lets_it_happen(till: Till, answer: str) -> None:
    till.scan(WATCH_1)
    till.page.until_text("#work", "Watch")
    till.page.press("p")
    till.page.until("document.activeElement.id === 'price'")
    till.page.type_slowly("200")
    till.page.click(".notes button")
    till.page.press("F9")
    till.page.until_text("#dialog", "A supervisor is asked for")
    assert "€250.00 → €200.00" in till.page.text("#dialog")
    if answer == "pin":
        till.page.type_slowly("0000")
        till.page.press("F9")
        till.page.until_text("#dialog", "no supervisor")
        till.page.type_slowly(PIN)
        till.page.press("F9")
    else:
        till.page.type_fast(CARD)  # by a keyboard scanner, into the very field
    till.page.until_text("#work", "by Ann")
    till.page.until("!document.querySelector('#dialog').open")
    assert till.total() == "€200.00"
    assert CARD not in till.page.text("body")


def test_a_supervisor_who_is_not_wanted_after_all_is_not_waited_for(till: Till) -> None:
    till.scan(WATCH_1)
    till.page.until_text("#work", "Watch")
    till.page.press("d")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("50%")
    till.page.press("F9")
    till.page.until_text("#dialog", "A supervisor is asked for")
    till.page.press("Escape")
    till.page.until("!document.querySelector('#dialog').open")
    till.page.until(
        "fetch('/v1/basket/authorise').then((answer) => answer.json()).then((told) => told.line === null)"
    )
    assert till.total() == "€250.00"


def test_a_discount_may_be_a_part_of_the_price(till: Till) -> None:
    till.scan(WATCH_1)
    till.page.until_text("#work", "Watch")
    till.page.press("d")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("10%")
    till.page.press("F9")
    till.page.until_text("#work", "discount €25.00")
    assert till.total() == "€225.00"


def test_a_refund_goes_back_the_way_that_is_chosen(till: Till) -> None:
    till.page.press("F7")
    till.page.until_text("#verdict", "Scan what came back")
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.press("F9")
    till.page.until_text("#dialog", "Back on the shelf")
    till.page.press("ArrowRight")
    till.page.press("ArrowDown")
    till.page.press("F9")
    till.page.until_text("#work", "Refunded")
    assert "Set aside" in till.page.text("#work")


def test_stock_is_adjusted_by_keys(till: Till) -> None:
    menu(till, "j")
    till.page.until_text("#work", "Given away")
    till.page.press("3")
    till.page.until_text("#work", "Scan what it is about")
    till.scan(WATCH_1)
    till.verdict("Noted")
    till.scan("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.press("q")
    till.page.until("document.activeElement.id === 'answer'")
    till.page.type_slowly("3")
    till.page.press("Enter")
    till.page.until_text(".total b", "−4")
    till.page.press("F9")
    till.page.until_text("#dialog", "Take 4 off the stock: Stolen?")
    till.page.press("F9")
    till.page.until_text("#work", "Adjusted 1-A00001")
    till.page.press("F2")
    till.page.until_text("#verdict", "Scan to sell")
    till.scan(WATCH_1)
    till.verdict("Stolen")


def test_a_piece_without_a_readable_code_is_noted_when_somebody_says_so(till: Till) -> None:
    menu(till, "j")
    till.page.until_text("#work", "Damaged")
    till.page.press("1")
    till.page.until_text("#work", "Scan what it is about")
    till.scan("9506000134352")
    till.page.until_text("#verdict", "Count it without a code")
    till.page.press("y")
    till.page.until_text("#work", "Watch")


def test_the_receipt_printer_prints_where_there_is_one(page: Page, tmp_path: Path) -> None:
    printer = TcpPrinter()
    printer.switch_on()
    more = f'[printer]\nkind = "network"\nhost = "127.0.0.1"\nport = {printer.port}\ncolumns = 32\nreceipts = "on_request"\n'
    try:
        with running(make(tmp_path, more), tmp_path) as agent, agent.client() as client:
            page.open(agent.url)
            page.until_text("#verdict", "Scan to sell")
            page.run("window.print = () => { window.printed = true; }; localStorage.clear()")
            till = Till(page, agent, client)
            sell_tea(till)
            page.press("b")
            page.until_text("#toast", "Sent to the printer")
            paper = read(printer.until_jobs(1)[0])
            assert page.run("window.printed ?? false") is False
            assert "  Change                    0.50" in paper.lines
            page.open("about:blank")
    finally:
        printer.switch_off()


def test_without_a_receipt_printer_the_browser_prints_names_and_change(till: Till) -> None:
    till.page.run("window.print = () => { window.printed = document.querySelector('#receipt').textContent; }")
    sell_tea(till)
    till.page.press("b")
    till.page.until("window.printed")
    printed = " ".join(till.page.run("window.printed").split())
    assert "1 × Green tea €4.50" in printed.replace("×Green", "× Green").replace("tea€", "tea €")
    assert "€0.50" in printed


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1024, 600), (800, 480)])
@pytest.mark.parametrize("mode", ["sale", "pack", "adjust"])
def test_the_bar_cuts_nothing_off(till: Till, width: int, height: int, mode: str) -> None:
    till.client.post("/v1/shifts/open", json={"float_minor": 0, "clerk": "Wang Xiaoming"}).raise_for_status()
    till.client.put("/v1/mode", json={"mode": mode}).raise_for_status()
    till.page.until(f"document.querySelector('#board').className.includes('mode-{mode}')")
    till.page.until_text("#lane", "Shift ")
    till.page.size(width, height)
    outside = till.page.run(
        """[...document.querySelectorAll('.bar > *, .bar .shift, .bar .language, #modes button')].filter((element) => {
            const box = element.getBoundingClientRect();
            return !box.width || box.left < -1 || box.right > innerWidth + 1 || box.top < -1;
        }).map((element) => element.className || element.innerText)"""
    )
    overlapping = till.page.run(
        "document.querySelector('.who').getBoundingClientRect().right > document.querySelector('#modes').getBoundingClientRect().left + 1"
    )
    till.page.size(1280, 800)
    assert (outside, overlapping) == ([], False)


def test_a_scan_that_got_no_answer_is_told_again_and_counts_once(till: Till) -> None:
    till.page.run(
        """(() => { const real = window.fetch; let lost = false;
            window.fetch = async (path, options) => { const answer = await real(path, options);
                if (!lost && String(path) === '/v1/scans') { lost = true; throw new TypeError('the line broke'); } return answer; }; })()"""
    )
    till.page.type_fast("4006381333931")
    till.page.until_text("#work", "Green tea")
    till.page.until(
        "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/v1/scans')).length === 2"
    )
    assert till.total() == "€4.50"
    assert [line["quantity"] for line in till.client.get("/v1/basket").json()["lines"]] == ["1"]
