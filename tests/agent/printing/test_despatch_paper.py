"""Despatch notes on paper: what stands on them, and how they get there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from agent.despatching.notes import DespatchNote, NoteCase, NoteLine
from agent.despatching.told import GoodsTold, ShipmentAsked
from agent.printing.despatch_paper import ITEMS_LIMIT, despatch_note
from agent.printing.paper import Text, width
from agent.printing.settings import PrinterSettings
from protocol.feeds import SiteHere
from tests.agent.printing.conftest import Open
from tests.agent.printing.escpos_reader import read
from tests.agent.printing.tcp_printer import TcpPrinter
from tests.agent.shop_kit import TEA, WATCH, WATCH_1, Counter, done

D = Decimal
CASE = "106141412345678915"
AT = datetime(2025, 10, 9, 10, 53, tzinfo=UTC)
NOTE = DespatchNote(
    despatch_id="d-1",
    number="1-D00001",
    at_us=0,
    from_site="site-1",
    to_site="site-2",
    to_name="Store two",
    order_id=None,
    reason="runs short",
    clerk="Mina",
    pieces=D("14.250"),
    lines=(
        NoteLine(gtin=TEA, name="Green tea", unit="each", quantity=D(12)),
        NoteLine(gtin=WATCH, name="Watch", unit="each", quantity=D(1), items=(WATCH_1,)),
    ),
    cases=(NoteCase(sscc=CASE, lines=(NoteLine(gtin="x", name="Cheese", unit="kg", quantity=D("1.250")),)),),
)


def printed(note: DespatchNote, language: str = "en", **settings: Any) -> list[str]:
    paper = PrinterSettings.model_validate(
        {"kind": "network", "host": "127.0.0.1", "columns": 32, **settings}
    )
    lines = despatch_note(note, AT, language, paper, is_copy=settings.get("copy", False))
    return [line.text for line in lines if isinstance(line, Text)]


def test_a_note_tells_what_left_where_to_and_why() -> None:
    assert printed(NOTE)[:16] == [
        "site-1",
        "DESPATCH NOTE",
        "",
        "Despatch 1-D00001",
        "                2025-10-09 10:53",
        "To: Store two (site-2)",
        "Reason: runs short",
        "Clerk: Mina",
        "--------------------------------",
        "Green tea                     12",
        "Watch                          1",
        "  SN0001",
        f"Case (00){CASE}",
        "  Cheese                 1.25 kg",
        "--------------------------------",
        "Pieces                     14.25",
    ]


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
@pytest.mark.parametrize("columns", [32, 48])
def test_no_line_of_a_note_is_wider_than_the_paper(language: str, columns: int) -> None:
    long = NoteLine(
        gtin=TEA, name="很长的商品名称" * 9, unit="each", quantity=D(10**6), items=("private:" + "x" * 90,)
    )
    lines = printed(
        DespatchNote(
            **{**{f: getattr(NOTE, f) for f in NOTE.__struct_fields__}, "lines": (long,), "reason": "长" * 99}
        ),
        language,
        columns=columns,
    )
    assert max(map(width, lines)) <= columns


def test_a_note_of_very_many_items_tells_how_many_are_not_listed() -> None:
    items = tuple(f"01{WATCH}21{number:06d}" for number in range(ITEMS_LIMIT + 5))
    many = NoteLine(gtin=WATCH, name="Watch", unit="each", quantity=D(len(items)), items=items)
    lines = printed(
        DespatchNote(**{**{f: getattr(NOTE, f) for f in NOTE.__struct_fields__}, "lines": (many,)})
    )
    assert "  and 5 more codes" in lines


def test_a_case_of_which_nothing_was_known_stands_on_the_note_as_it_is() -> None:
    lines = printed(
        DespatchNote(
            **{**{f: getattr(NOTE, f) for f in NOTE.__struct_fields__}, "cases": (NoteCase(sscc=CASE),)}
        )
    )
    assert lines[lines.index(f"Case (00){CASE}") + 1] == "  unopened"


def send(counter: Counter, despatch_id: str = "d-1", *codes: str) -> str:
    counter.feed(SiteHere(site="site-2", name="Store two", kind="store"))
    lines = (GoodsTold(gtin=TEA, quantity=D(12)),)
    asked = ShipmentAsked(to_site="site-2", codes=codes, lines=lines, despatch_id=despatch_id)
    return done(counter.parts.told.write(asked)).document_id


def test_a_despatch_prints_its_note(counter: Counter, printer: TcpPrinter, open_printing: Open) -> None:
    printer.switch_on()
    open_printing()
    send(counter)
    page = read(printer.until_jobs(1)[0])
    assert page.big == ["DESPATCH NOTE"]
    assert "To: Store two (site-2)" in page.lines


def test_a_note_that_a_power_cut_kept_from_being_noted_is_printed(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    printing = open_printing()
    send(counter)
    printer.until_jobs(1)
    printing.stop()
    counter.printing = None
    send(counter, "d-2", WATCH_1)
    open_printing()
    assert "Despatch 1-D00002" in read(printer.until_jobs(2)[1]).lines


def test_a_note_is_printed_again_as_a_copy(
    counter: Counter, printer: TcpPrinter, open_printing: Open
) -> None:
    printer.switch_on()
    printing = open_printing()
    note = counter.parts.notes.find(send(counter))
    assert note is not None
    printing.reprint_note(note)
    copy = read(printer.until_jobs(2)[1])
    assert "*** COPY ***" in copy.lines
