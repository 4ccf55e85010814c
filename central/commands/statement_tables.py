"""Statements as tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from central.prices.rules import decimals_of
from central.reconciliation.beside import Closed
from central.reconciliation.ranges import PeriodLine, PeriodValues, RangeStatement
from central.reconciliation.rules import VALUE_FIELDS, ProductLine, Values
from central.reconciliation.statement import DayStatement, Site

_WIDE = 200
"""Columns where nobody looks: a file or a pipe takes the whole table."""
_NAME_LENGTH = 28
_FLOWS = (
    ("opening", "opening"), ("received", "received"), ("returned", "returned"), ("in", "transferred_in"), ("sold", "sold"),
    ("out", "transferred_out"), ("adjusted", "adjusted"), ("closing", "closing"),
)  # fmt: skip


def show_day(found: DayStatement, site: Site, names: dict[str, str]) -> None:
    """A day: its products, its money, and what a person has to look at."""
    out = _console()
    out.print(f"[bold]{escape(site.name)}[/bold] ({found.site}), {found.day}, {found.currency}")
    out.print(_verdict(balanced=found.balanced, said=found.unbalanced))
    if found.as_of is None:
        out.print(_products(found.products, found.values, names, found.currency))
    else:
        out.print(f"as central knew it on {_moment(found.as_of.instant)}")
        out.print(_products(found.as_of.products, found.as_of.values, names, found.currency))
        out.print("as it is known now")
        out.print(_products(found.products, found.values, names, found.currency))
    _money(out, found)
    _closed(out, found, names)
    _to_look_at(out, found)


def show_range(found: RangeStatement, site: Site, names: dict[str, str]) -> None:
    """A range: its lines, and its totals by period."""
    out = _console()
    out.print(
        f"[bold]{escape(site.name)}[/bold] ({found.site}), {found.first} to {found.last}, {found.currency}"
    )
    out.print(_verdict(balanced=found.balanced, said=found.unbalanced))
    out.print(_lines(found.items, names, found.currency))
    totals = Table(title="At cost, and what customers paid", title_justify="left")
    for name in ("from", "to", *(heading for heading, _ in _FLOWS), "revalued", "paid", "refunded"):
        totals.add_column(name, justify="right")
    for one in found.totals if len(found.totals) == 1 else filter(_moved, found.totals):
        totals.add_row(str(one.first), str(one.last), *_values_row(one, found.currency))
    out.print(totals)


def _moved(one: PeriodValues) -> bool:
    return any(getattr(one, name) for name in VALUE_FIELDS if not name.startswith(("opening", "closing")))


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False, soft_wrap=False)


def _verdict(*, balanced: bool, said: Sequence[str]) -> str:
    if balanced:
        return "[green]balanced[/green]"
    return "\n".join(["[red]not balanced[/red]", *(f"  {escape(one)}" for one in said)])


def _products(lines: Iterable[ProductLine], values: Values, names: dict[str, str], currency: str) -> Table:
    table = Table()
    _columns(table)
    for line in lines:
        table.add_row(*_line(line, names, currency), style=_style(line))
    table.add_section()
    row = _values_row(values, currency)
    table.add_row("", "all, at cost", *row[: len(_FLOWS)], "", *row[len(_FLOWS) + 1 :], style="bold")
    return table


def _lines(lines: Iterable[PeriodLine], names: dict[str, str], currency: str) -> Table:
    table = Table()
    table.add_column("from")
    table.add_column("to")
    _columns(table)
    for line in lines:
        table.add_row(str(line.first), str(line.last), *_line(line, names, currency), style=_style(line))
    return table


def _columns(table: Table) -> None:
    table.add_column("product", no_wrap=True)
    table.add_column("name", no_wrap=True)
    for heading, _ in _FLOWS:
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("worth", "paid", "refunded"):
        table.add_column(heading, justify="right", no_wrap=True)


def _line(line: ProductLine, names: dict[str, str], currency: str) -> list[str]:
    quantities = [_plain(getattr(line, field)) for _, field in _FLOWS]
    money = [
        _amount(one, currency) for one in (line.closing_value_minor, line.amount_minor, line.refunded_minor)
    ]
    return [line.gtin, escape(names.get(line.gtin, "")[:_NAME_LENGTH]), *quantities, *money]


def _style(line: ProductLine) -> Literal["red", ""]:
    return "red" if line.difference or line.value_difference_minor else ""


def _values_row(values: Values, currency: str) -> list[str]:
    """The flows at cost, then revalued, paid and refunded."""
    fields = [f"{field}_value_minor" for _, field in _FLOWS]
    return [
        _amount(getattr(values, field), currency)
        for field in (*fields, "revalued_value_minor", "amount_minor", "refunded_minor")
    ]


def _money(out: Console, found: DayStatement) -> None:
    if found.payments:
        table = Table(title="Paid by", title_justify="left")
        for name in ("method", "currency", "taken", "voided", "refunded", "net"):
            table.add_column(name, justify="left" if name in ("method", "currency") else "right")
        for one in found.payments:
            amounts = (one.taken_minor, one.voided_minor, one.refunded_minor, one.net_minor)
            table.add_row(
                escape(one.method), one.currency, *(_amount(amount, one.currency) for amount in amounts)
            )
        out.print(table)
    if found.shifts:
        table = Table(title="Shifts", title_justify="left")
        for name in ("number", "agent", "clerk", "opened", "closed", "seal and drawer"):
            table.add_column(name)
        for shift in found.shifts:
            off = ", ".join(
                f"{method} {_amount(amount, shift.currency)}" for method, amount in shift.differences.items()
            )
            said = "open" if shift.agrees is None else "agree" if shift.agrees else f"differ {off}".strip()
            opened, closed = _moment(shift.opened_at), _moment(shift.closed_at)
            table.add_row(escape(shift.number), shift.agent, escape(shift.clerk or ""), opened, closed, said)
        out.print(table)


def _closed(out: Console, found: DayStatement, names: dict[str, str]) -> None:
    if found.closed is None:
        out.print("not closed")
        return
    out.print(_closing(found.closed))
    if not found.restated:
        return
    out.print(f"{found.restated} restatements since:")
    for one in found.restatements:
        behind = one.document or f"{one.agent}, event {one.seq}"
        out.print(
            f"  {one.day} {one.gtin} {names.get(one.gtin, '')}: {one.flow} {_plain(one.quantity)}, worth "
            f"{_amount(one.value_minor, found.currency)}, paid {_amount(one.amount_minor, found.currency)}; "
            f"heard {_moment(one.recorded_at)} from {behind}",
            markup=False,
        )
    if found.as_closed is not None:
        out.print("as it was closed, where that was otherwise")
        out.print(_products(found.as_closed.products, found.as_closed.values, names, found.currency))


def _closing(closed: Closed) -> str:
    how = "complete" if closed.complete else "incomplete"
    return f"closed {how} on {_moment(closed.closed_at)} by {closed.actor}, with {closed.day}"


def _to_look_at(out: Console, found: DayStatement) -> None:
    said = [
        *(f"awaited: {one.agent}: {one.why}" for one in found.awaited),
        *(
            f"open: {one.discrepancy_class}{f' of {one.gtin}' if one.gtin else ''}{f', {one.cause}' if one.cause else ''}"
            for one in found.discrepancies
        ),
        *(f"quarantined: {one.agent}, event {one.seq}: {one.cause}" for one in found.quarantined),
        *(
            f"codes: {one.gtin} has {one.coded} codes and {_plain(one.on_hand)} on hand"
            for one in found.coded
        ),
    ]
    for one in said:
        out.print(one, markup=False)
    if found.last_stocktake is not None:
        last = found.last_stocktake
        worth = _amount(last.variance_value_minor, found.currency)
        out.print(
            f"last stocktake: {last.name}, {_moment(last.ended_at)}: {last.variances} of {last.products} products off, {worth}",
            markup=False,
        )


def _amount(minor: int, currency: str) -> str:
    digits = decimals_of(currency)
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f}"


def _plain(quantity: Decimal) -> str:
    text = f"{quantity:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}Z"
