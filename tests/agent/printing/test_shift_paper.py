"""Shifts on paper: the report of an open one, the one at its end, what was given and what came back."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.printing.paper import Text, width
from agent.printing.service import Printing
from agent.printing.settings import PrinterSettings
from agent.printing.shift_paper import shift_report
from agent.printing.words import WORDS
from agent.shifts.asked import CloseAsked, MoveAsked, OpenAsked
from agent.shifts.rules import Method, Moved, Report
from agent.till.asked import LineAsked, SaleAsked
from protocol.events import Payment
from tests.agent.local.served import served
from tests.agent.printing.conftest import Open
from tests.agent.printing.escpos_reader import read
from tests.agent.printing.tcp_printer import TcpPrinter
from tests.agent.printing.test_printing import until
from tests.agent.shop_kit import TEA, Counter, done

TIMES = (datetime(2025, 10, 9, 8, 0, tzinfo=UTC), datetime(2025, 10, 9, 18, 30, tzinfo=UTC))
CLOSED = Report(
    is_closed=True, shift_id="z", number="1-Z00001", currency="EUR", clerk="Ann", opened_at_us=0, at_us=1,
    float_minor=10_000, sales=3, voids=1, returns=1, overridden=2, sold_minor=1_350, voided_minor=450, returned_minor=450,
    discounted_minor=100, moves=(Moved("safe drop", -5_000, 2), Moved("change", 2_000, 1)),
    methods=(
        Method(method="cash", taken_minor=450, expected_minor=7_450, counted_minor=7_400),
        Method(method="card", taken_minor=0, expected_minor=0, counted_minor=100),
        Method(method="wallet", taken_minor=5, expected_minor=5),
    ),
)  # fmt: skip


def printed(report: Report, language: str = "en", **settings: Any) -> list[str]:
    paper = PrinterSettings.model_validate(
        {"kind": "network", "host": "127.0.0.1", "columns": 32, **settings}
    )
    return [
        line.text for line in shift_report(report, TIMES, "Berlin", language, paper) if isinstance(line, Text)
    ]


def test_the_end_of_a_shift_in_32_columns() -> None:
    assert printed(CLOSED) == [
        "Berlin",
        "END OF SHIFT (Z)",
        "",
        "Shift                   1-Z00001",
        "Opened          2025-10-09 08:00",
        "Closed          2025-10-09 18:30",
        "Clerk Ann",
        "--------------------------------",
        "Sales: 3                   13.50",
        "Voids: 1                   -4.50",
        "Returns: 1                 -4.50",
        "Discounts                  -1.00",
        "Prices changed                 2",
        "--------------------------------",
        "Float                     100.00",
        "Cash in and out",
        "  safe drop (2)           -50.00",
        "  change                   20.00",
        "--------------------------------",
        "Cash",
        "  Taken                     4.50",
        "  Should be                74.50",
        "  Counted                  74.00",
        "  Difference               -0.50",
        "Card",
        "  Taken                     0.00",
        "  Should be                 0.00",
        "  Counted                   1.00",
        "  Difference               +1.00",
        "Wallet",
        "  Taken                     0.05",
        "  Should be                 0.05",
    ]


@pytest.mark.parametrize("language", list(WORDS))
def test_every_language_has_every_word_of_a_report(language: str) -> None:
    assert WORDS[language].shift.keys() == WORDS["en"].shift.keys()
    assert all(width(line) <= 32 for line in printed(CLOSED, language))


amounts = st.integers(-(10**12), 10**12)
names = st.text(max_size=60)


@given(names, names, amounts, st.sampled_from([32, 42, 48]), st.sampled_from(list(WORDS)))
def test_no_line_is_wider_than_the_paper(
    clerk: str, reason: str, amount_minor: int, columns: int, language: str
) -> None:
    report = replace(
        CLOSED, clerk=clerk, moves=(Moved(reason, amount_minor, 12),), float_minor=abs(amount_minor)
    )
    assert max(width(line) for line in printed(report, language, columns=columns)) <= columns


def sell(counter: Counter, sale_id: str, *payments: Payment) -> None:
    done(
        counter.parts.sales.post(SaleAsked(sale_id=sale_id, lines=(LineAsked(gtin=TEA),), payments=payments))
    )


def close(counter: Counter, cash_minor: int) -> None:
    found = (Payment(method="cash", amount_minor=cash_minor),)
    done(counter.parts.shifts.close(CloseAsked(counted=found)))


def with_reports(printing: Printing, counter: Counter) -> None:
    """As the wiring does it."""
    printing._around = dataclasses.replace(printing._around, closed_by=counter.parts.shifts.closed_by)


def test_what_was_given_and_what_came_back_stand_on_the_receipt(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    open_printing()
    sell(counter, "s-1", Payment(method="cash", amount_minor=450, tendered_minor=1000))
    lines = read(printer.until_jobs(1)[0]).lines
    at = lines.index("Cash                        4.50")
    assert lines[at + 1 : at + 3] == ["  Given                    10.00", "  Change                    5.50"]


def test_closing_a_shift_prints_its_end_by_itself(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    with_reports(open_printing(receipts="on_request"), counter)
    done(counter.parts.shifts.open(OpenAsked(float_minor=10_000)))
    sell(counter, "s-1", Payment(method="cash", amount_minor=450))
    close(counter, 10_450)
    page = read(printer.until_jobs(1)[0])
    assert (page.big, "  Difference                0.00" in page.lines) == (["END OF SHIFT (Z)"], True)


def test_an_end_that_was_written_in_a_power_cut_is_printed_after_it(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    first = open_printing()
    with_reports(first, counter)
    done(counter.parts.shifts.open(OpenAsked(float_minor=0)))
    sell(counter, "s-1", Payment(method="cash", amount_minor=450))
    until(first, waiting=1)
    counter.printing = None  # the power goes before the printing hears of the end
    close(counter, 450)
    first.stop()
    counter.events()
    again = open_printing()
    with_reports(again, counter)
    printer.switch_on()
    jobs = [read(job).big for job in printer.until_jobs(2)]
    assert [job[-1] for job in jobs] == ["Total EUR                   4.50", "END OF SHIFT (Z)"]


def test_the_report_of_an_open_shift_is_that_of_the_moment_it_was_asked_for(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printing = open_printing(receipts="on_request")
    with_reports(printing, counter)
    done(counter.parts.shifts.open(OpenAsked(float_minor=0)))
    sell(counter, "s-1", Payment(method="cash", amount_minor=450))
    with served(counter) as at:
        asked = at.post("/v1/shifts/current/print", json={})
    sell(counter, "s-2", Payment(method="cash", amount_minor=450))
    printer.switch_on()
    page = read(printer.until_jobs(1)[0])
    assert (asked.status_code, page.big) == (202, ["SHIFT REPORT (X)"])
    assert "Sales                          1" in page.lines
    assert "The sums are told after the" in page.lines


@pytest.mark.parametrize("drawer", ["cash_sales", "on_request"])
def test_the_drawer_opens_for_cash_that_is_put_in_or_taken_out(
    counter: Counter, printer: TcpPrinter, open_printing: Open, drawer: str
) -> None:
    printer.switch_on()
    open_printing(drawer=drawer, receipts="on_request")
    done(counter.parts.shifts.open(OpenAsked(float_minor=0)))
    done(counter.parts.shifts.move(MoveAsked(amount_minor=100, reason="change")))
    assert [read(job).pulses for job in printer.until_jobs(2)] == [[0], [0]]


def test_without_a_drawer_nothing_is_sent_for_it(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    open_printing()
    done(counter.parts.shifts.move(MoveAsked(amount_minor=100, reason="change")))
    sell(counter, "s-1", Payment(method="cash", amount_minor=450))
    assert [read(job).pulses for job in printer.until_jobs(1)] == [[]]


def test_the_clerk_at_the_counter_opens_the_drawer(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    open_printing(drawer="on_request")
    counter.parts.shifts.set_clerk("Ann")
    with served(counter) as at:
        at.post("/v1/drawer/open", json={"reason": "count"}).raise_for_status()
    assert counter.bodies()[-1].clerk == "Ann"
