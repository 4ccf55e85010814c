"""What stands on a shift's report, line by line: of an open one (X), and of one that was closed (Z). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from agent.printing.paper import Line, Text, in_two, printable, wrap
from agent.printing.rules import amount
from agent.printing.settings import PrinterSettings
from agent.printing.words import WORDS, Words
from agent.shifts.rules import Method, Report

_INDENT = 2
_MINUTE = "%Y-%m-%d %H:%M"


def shift_report(
    report: Report,
    times: tuple[datetime, datetime],
    site: str,
    language: str,
    settings: PrinterSettings,
    *,
    is_copy: bool = False,
) -> tuple[Line, ...]:
    """The report's lines, none wider than the paper. ``times`` are its beginning and its end (or now), in the site's own time."""
    words, columns = WORDS[language], settings.columns
    return (
        *_head(report, times, site, words, columns),
        *([Text(text=f"*** {words.copy} ***", align="center", bold=True)] if is_copy else []),
        *_done(report, words, columns),
        *_moves(report, words, columns),
        *_drawer(report, words, columns),
    )


def _head(
    report: Report, times: tuple[datetime, datetime], site: str, words: Words, columns: int
) -> Iterator[Line]:
    said = words.shift
    for text in wrap(site, columns):
        yield Text(text=text, align="center", bold=True)
    for text in wrap(said["z" if report.is_closed else "x"], columns):
        yield Text(text=text, align="center", bold=True, big=True)
    yield Text(text="")
    yield from _pair(said["number"], printable(report.number), columns)
    yield from _pair(said["opened"], times[0].strftime(_MINUTE), columns)
    yield from _pair(said["closed" if report.is_closed else "at"], times[1].strftime(_MINUTE), columns)
    if report.clerk:
        for text in wrap(f"{said['clerk']} {report.clerk}", columns):
            yield Text(text=text)


def _done(report: Report, words: Words, columns: int) -> Iterator[Line]:
    said, currency = words.shift, report.currency
    yield Text(text="-" * columns)
    for name, count, sum_minor in (
        ("sales", report.sales, report.sold_minor),
        ("voids", report.voids, report.voided_minor),
        ("returns", report.returns, report.returned_minor),
    ):
        if sum_minor is None:
            yield from _pair(said[name], str(count), columns)
        else:
            sign = 1 if name == "sales" else -1
            yield from _pair(f"{said[name]}: {count}", amount(sign * sum_minor, currency), columns)
    if report.discounted_minor:
        yield from _pair(said["discounts"], amount(-report.discounted_minor, currency), columns)
    if report.overridden:
        yield from _pair(said["overridden"], str(report.overridden), columns)


def _moves(report: Report, words: Words, columns: int) -> Iterator[Line]:
    yield Text(text="-" * columns)
    yield from _pair(words.shift["float"], amount(report.float_minor, report.currency), columns)
    if report.moves:
        yield Text(text=words.shift["moves"])
    for move in report.moves:
        many = printable(move.reason) + (f" ({move.times})" if move.times > 1 else "")
        for text in in_two(many, amount(move.amount_minor, report.currency), columns, _INDENT):
            yield Text(text=text)


def _drawer(report: Report, words: Words, columns: int) -> Iterator[Line]:
    yield Text(text="-" * columns)
    if report.sold_minor is None:
        for text in wrap(words.shift["blind"], columns):
            yield Text(text=text)
        return
    for line in report.methods:
        yield Text(text=words.methods.get(line.method, printable(line.method)), bold=True)
        yield from _method(line, report.currency, words, columns)


def _method(line: Method, currency: str, words: Words, columns: int) -> Iterator[Line]:
    figures = (
        ("taken", line.taken_minor),
        ("expected", line.expected_minor),
        ("counted", line.counted_minor),
        ("difference", line.difference_minor),
    )
    for name, minor in figures:
        if minor is not None:
            told = amount(minor, currency)
            signed = f"+{told}" if name == "difference" and minor > 0 else told
            for text in in_two(words.shift[name], signed, columns, _INDENT):
                yield Text(text=text, bold=name == "difference" and minor != 0)


def _pair(left: str, right: str, columns: int) -> Iterator[Line]:
    return (Text(text=text) for text in in_two(left, right, columns))
