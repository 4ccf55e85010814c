"""Receipts from the sale to the paper, on a real TCP printer that fails in every way a printer does."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent.documents import Refusal
from agent.printing.service import Printing
from agent.till.asked import LineAsked, SaleAsked, VoidAsked
from protocol.events import DrawerOpened, Payment
from tests.agent.printing.conftest import Open
from tests.agent.printing.escpos_reader import read
from tests.agent.printing.tcp_printer import PATIENCE_S, TcpPrinter
from tests.agent.shop_kit import TEA, Counter, done

MINUTE_US = 60_000_000


def sell(counter: Counter, sale_id: str = "s-1", method: str = "card", **sale: Any) -> str:
    lines = (LineAsked(gtin=TEA, quantity=Decimal(2)),)
    written = done(
        counter.parts.sales.post(
            SaleAsked(
                sale_id=sale_id, lines=lines, payments=(Payment(method=method, amount_minor=900),), **sale
            )
        )
    )
    return written.number


def until(printing: Printing, **wanted: object) -> None:
    """Wait until the status says so."""
    for _ in range(PATIENCE_S * 100):
        status = printing.status()
        if all(getattr(status, name) == value for name, value in wanted.items()):
            return
        threading.Event().wait(0.01)
    raise AssertionError(printing.status())


def test_a_sale_is_printed_with_its_number_and_total(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    open_printing()
    number = sell(counter)
    page = read(printer.until_jobs(1)[0])
    assert page.lines[2] == f"Receipt {number}"
    assert page.big == ["site-1", "Total EUR                   9.00"]
    assert page.cuts == 1


def test_a_missing_printer_stops_no_sale_and_prints_what_waited_once_it_is_there(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printing = open_printing()
    numbers = [sell(counter, f"s-{number}") for number in range(3)]
    until(printing, waiting=3)
    printer.switch_on()
    jobs = printer.until_jobs(3)
    assert [read(job).lines[2] for job in jobs] == [f"Receipt {number}" for number in numbers]
    until(printing, waiting=0, trouble=None, printed=3)


def test_what_keeps_a_receipt_from_being_printed_is_told(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printing = open_printing()
    sell(counter)
    while (trouble := printing.status().trouble) is None:
        threading.Event().wait(0.01)
    assert f"printer 127.0.0.1:{printer.port}: " in trouble
    assert trouble.endswith("check that it is on and connected")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({1: 0x1A, 2: 0x16}, "its cover is open"),
        ({1: 0x1A, 2: 0x32}, "it is out of paper"),
        ({1: 0x1A, 2: 0x52}, "it has an error"),
        ({1: 0x1A, 2: 0x12}, "it is offline"),
        ({1: 0x12, 4: 0x72}, "it is out of paper"),
        ({1: 0x41}, "answered 0x41, which is no status"),
    ],
)
def test_a_printer_that_cannot_print_gets_nothing_and_says_why(
    counter: Counter, printer: TcpPrinter, open_printing: Open, answers: dict[int, int], says: str
) -> None:
    printer.answers |= answers
    printer.switch_on()
    printing = open_printing()
    sell(counter)
    printer.until_attempts(2)
    assert says in (printing.status().trouble or "")
    assert printer.jobs == []
    printer.answers.update({1: 0x12, 4: 0x12})
    assert "COPY" not in read(printer.until_jobs(1)[0]).text


def test_a_stalled_printer_delays_no_sale_and_gets_the_receipt_when_it_answers_again(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.reads = False
    printer.switch_on()
    printing = open_printing()
    numbers = [sell(counter, f"s-{number}") for number in range(20)]
    printer.until_attempts(1)
    assert printing.status().waiting == 20
    printer.switch_off()
    printer.reads = True
    printer.switch_on()
    assert [read(job).lines[2][8:] for job in printer.until_jobs(20)] == numbers


def test_a_receipt_that_nobody_confirmed_is_printed_once_more_as_a_copy_and_then_no_more(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.confirms = False
    printer.switch_on()
    printing = open_printing()
    sell(counter)
    pages = [read(job) for job in printer.until_jobs(2)]
    until(printing, waiting=0)
    assert ["COPY" in page.text for page in pages] == [False, True]


def test_a_printer_that_never_answers_prints_where_the_shop_says_so(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.answers = {}
    printer.confirms = False
    printer.switch_on()
    printing = open_printing(answers=False)
    sell(counter)
    printer.until_jobs(1)
    until(printing, waiting=0, printed=1)


def test_a_receipt_that_was_not_printed_survives_a_restart(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    first = open_printing()
    number = sell(counter)
    first.stop()
    printer.switch_on()
    open_printing()
    assert read(printer.until_jobs(1)[0]).lines[2] == f"Receipt {number}"


def test_a_sale_of_the_moment_of_a_power_cut_is_found_in_the_journal(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    first = open_printing()
    sell(counter, "s-1")
    until(first, printed=1)
    first.stop()
    counter.printing = None  # written, and the queue never heard of it
    number = sell(counter, "s-2")
    open_printing()
    assert read(printer.until_jobs(2)[1]).lines[2] == f"Receipt {number}"


def test_a_new_printer_does_not_print_what_was_sold_before_it(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    counter.printing = None
    sell(counter, "s-1")
    printer.switch_on()
    open_printing()
    number = sell(counter, "s-2")
    assert [read(job).lines[2] for job in printer.until_jobs(1)] == [f"Receipt {number}"]


def test_a_receipt_that_waited_too_long_is_dropped_and_told(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printing = open_printing(keep_minutes=10)
    sell(counter)
    until(printing, waiting=1)
    counter.clock.advance(11 * MINUTE_US)
    until(printing, waiting=0, dropped=1)


def test_on_request_nothing_is_printed_unasked(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    printing = open_printing(receipts="on_request")
    sell(counter, "s-1")
    number = sell(counter, "s-2")
    printing.reprint("s-2")
    page = read(printer.until_jobs(1)[0])
    assert [line for line in page.lines if number in line or "COPY" in line] == [
        "*** COPY ***",
        f"Receipt {number}",
    ]


def test_a_voided_sale_is_reprinted_as_voided(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    printing = open_printing(receipts="on_request")
    sell(counter)
    done(counter.parts.voids.post("s-1", VoidAsked(reason="mistake")))
    printing.reprint("s-1")
    assert "*** VOIDED ***" in read(printer.until_jobs(1)[0]).lines


def test_a_sale_that_is_not_known_cannot_be_reprinted(open_printing: Open) -> None:
    assert open_printing().reprint("nobody") == Refusal(
        reason="sale nobody: not made by this agent", key="no_sale"
    )


# -- the drawer ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "pulses"), [("cash", [0]), ("card", [])])
def test_the_drawer_opens_for_cash_alone(
    counter: Counter, printer: TcpPrinter, open_printing: Open, method: str, pulses: list[int]
) -> None:
    printer.switch_on()
    open_printing(drawer="cash_sales")
    sell(counter, method=method)
    jobs = printer.until_jobs(1 + len(pulses))
    assert [pulse for job in jobs for pulse in read(job).pulses] == pulses


def test_the_drawer_opens_without_paper(counter: Counter, printer: TcpPrinter, open_printing: Open) -> None:
    printer.answers[4] = 0x72
    printer.switch_on()
    open_printing(drawer="cash_sales", drawer_pin=5)
    sell(counter, method="cash")
    assert read(printer.until_jobs(1)[0]).pulses == [1]


def test_opening_the_drawer_by_hand_is_in_the_journal_with_its_reason(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    opened = open_printing(drawer="on_request").open_drawer("change for the bus", "Ann")
    assert not isinstance(opened, Refusal)
    assert opened.result(PATIENCE_S) is None
    (body,) = [body for body in counter.bodies() if isinstance(body, DrawerOpened)]
    assert (body.reason, body.clerk) == ("change for the bus", "Ann")


def test_a_drawer_that_did_not_open_says_why(open_printing: Open) -> None:
    opened = open_printing(drawer="on_request").open_drawer("change", None)
    assert not isinstance(opened, Refusal)
    assert "check that it is on and connected" in (opened.result(PATIENCE_S) or "")


def test_without_a_drawer_none_is_opened(open_printing: Open) -> None:
    refused = open_printing().open_drawer("change", None)
    assert isinstance(refused, Refusal)
    assert refused.key == "no_drawer"


# -- scripts and links --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code_page", "header"), [("gb18030", "优质茶叶店"), ("big5", "優質茶葉店"), ("cp858", "Größe 5 €")]
)
def test_the_printers_own_signs_are_used(
    counter: Counter, printer: TcpPrinter, open_printing: Open, code_page: str, header: str
) -> None:
    printer.switch_on()
    open_printing(code_page=code_page, header=[header])
    sell(counter)
    (job,) = printer.until_jobs(1)
    assert read(job, "cp950" if code_page == "big5" else "gb18030").lines[0] == header


def test_what_the_printer_has_no_sign_for_is_a_question_mark(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    open_printing(code_page="cp858", header=["茶 tea"])
    sell(counter)
    assert read(printer.until_jobs(1)[0]).lines[0] == "? tea"


def test_with_a_font_it_is_drawn_instead(counter: Counter, printer: TcpPrinter, open_printing: Open) -> None:
    import reportlab

    font = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
    printer.switch_on()
    open_printing(code_page="cp437", header=["Œuvre"], font=str(font))
    sell(counter)
    ((columns, dots, picture),) = read(printer.until_jobs(1)[0]).pictures
    assert (columns, dots, any(picture)) == (32 * 12 // 8, 60, True)


def test_a_qr_code_is_drawn_by_the_printer(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    open_printing(qr="https://brand.example/{sale_id}")
    sell(counter)
    assert read(printer.until_jobs(1)[0]).qr == ["https://brand.example/s-1"]


def test_a_usb_printer_is_the_kernels_own_device(
    counter: Counter, open_printing: Open, tmp_path: Path
) -> None:
    paper = tmp_path / "lp0"
    paper.touch()
    printing = open_printing(kind="usb", path=str(paper))
    number = sell(counter)
    until(printing, printed=1)
    assert read(paper.read_bytes()).lines[2] == f"Receipt {number}"
