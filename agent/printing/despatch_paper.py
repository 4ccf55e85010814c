"""What stands on a despatch note, line by line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from agent.despatching.notes import DespatchNote, NoteCase, NoteLine
from agent.printing.paper import Line, Text, in_two, printable, wrap
from agent.printing.settings import PrinterSettings

ITEMS_LIMIT = 200
"""Codes that are printed; of more, only the number: a roll of paper has an end."""
_INDENT = 2
_SERIAL_AI = "21"
_GTIN_PART = 16  # 01 and fourteen digits


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    copy: str
    number: str
    at: str
    to: str
    order: str
    reason: str
    clerk: str
    case: str
    sealed: str
    pieces: str
    more: str
    handed_over: str
    received: str


_WORDS = {
    "en": _Words(
        title="DESPATCH NOTE", copy="COPY", number="Despatch", at="Left", to="To", order="Order", reason="Reason",
        clerk="Clerk", case="Case", sealed="unopened", pieces="Pieces", more="and {n} more codes",
        handed_over="Handed over", received="Received",
    ),
    "zh-Hans": _Words(
        title="发货单", copy="副本", number="单号", at="发出", to="收货方", order="订单", reason="原因",
        clerk="经手人", case="箱", sealed="未拆", pieces="件数", more="另有 {n} 个码",
        handed_over="发货人", received="收货人",
    ),
    "zh-Hant": _Words(
        title="發貨單", copy="副本", number="單號", at="發出", to="收貨方", order="訂單", reason="原因",
        clerk="經手人", case="箱", sealed="未拆", pieces="件數", more="另有 {n} 個碼",
        handed_over="發貨人", received="收貨人",
    ),
}  # fmt: skip


def despatch_note(
    note: DespatchNote, at: datetime, language: str, settings: PrinterSettings, *, is_copy: bool = False
) -> tuple[Line, ...]:
    """The note's lines, none wider than the paper. ``at`` is when the goods left, in the site's own time."""
    words, columns = _WORDS[language], settings.columns
    return (
        *_head(note, at, words, settings, is_copy=is_copy),
        *_goods(note, words, columns),
        *_foot(note, words, columns),
    )


def _head(
    note: DespatchNote, at: datetime, words: _Words, settings: PrinterSettings, *, is_copy: bool
) -> Iterator[Line]:
    columns = settings.columns
    for text in settings.header or (note.from_site,):
        yield from _middle(text, columns)
    yield from _middle(words.title, columns, big=True)
    if is_copy:
        yield from _middle(f"*** {words.copy} ***", columns)
    yield Text(text="")
    yield from _pair(f"{words.number} {printable(note.number)}", at.strftime("%Y-%m-%d %H:%M"), columns)
    for name, value in (
        (words.to, f"{note.to_name} ({note.to_site})" if note.to_name else note.to_site),
        (words.order, note.order_id),
        (words.reason, note.reason),
        (words.clerk, note.clerk),
    ):
        if value:
            yield from (Text(text=text) for text in wrap(f"{name}: {value}", columns))
    yield Text(text="-" * columns)


def _goods(note: DespatchNote, words: _Words, columns: int) -> Iterator[Line]:
    left = ITEMS_LIMIT
    for line in note.lines:
        yield from _line(line, columns)
        shown = line.items[:left]
        left -= len(shown)
        for item in shown:
            yield Text(text=" " * _INDENT + printable(_serial(item))[: columns - _INDENT])
        if len(shown) < len(line.items):
            yield Text(text=" " * _INDENT + words.more.format(n=len(line.items) - len(shown)))
    for case in note.cases:
        yield from _case(case, words, columns)


def _case(case: NoteCase, words: _Words, columns: int) -> Iterator[Line]:
    yield from (Text(text=text, bold=True) for text in wrap(f"{words.case} (00){case.sscc}", columns))
    if not case.lines:
        yield Text(text=" " * _INDENT + words.sealed)
    for line in case.lines:
        yield from _line(line, columns, indent=_INDENT)


def _line(line: NoteLine, columns: int, *, indent: int = 0) -> Iterator[Line]:
    unit = "" if line.unit == "each" else f" {printable(line.unit)}"
    many = f"{_plain(line.quantity)}{unit}"
    return (Text(text=text) for text in in_two(printable(line.name) or line.gtin, many, columns, indent))


def _foot(note: DespatchNote, words: _Words, columns: int) -> Iterator[Line]:
    yield Text(text="-" * columns)
    for text in in_two(words.pieces, _plain(note.pieces), columns):
        yield Text(text=text, bold=True)
    for name in (words.handed_over, words.received):
        yield Text(text="")
        yield Text(text="")
        yield from _pair(name, "_" * (columns // 2), columns)


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _serial(item: str) -> str:
    """The part of an item's id that stands on its label in plain sight."""
    is_sgtin = item.startswith("01") and item[_GTIN_PART : _GTIN_PART + 2] == _SERIAL_AI
    return item[_GTIN_PART + 2 :] if is_sgtin else item


def _pair(left: str, right: str, columns: int) -> Iterator[Line]:
    return (Text(text=text) for text in in_two(left, right, columns))


def _middle(text: str, columns: int, *, big: bool = False) -> Iterator[Line]:
    return (Text(text=part, align="center", bold=True, big=big) for part in wrap(text, columns))
