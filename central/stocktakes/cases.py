"""The discrepancies of a stocktake whose counting is closed: a case for each variance, or one for two products that were taken for each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.settlements import Line as SettledLine
from central.discrepancies.settlements import counted
from central.discrepancies.storage import Cause
from central.journals.facts import iso
from central.stocktakes import counts, history, tables
from central.stocktakes.causes import Around, Swap, likely, swaps
from central.stocktakes.codes import Codes, compared
from central.stocktakes.counts import Naming
from central.stocktakes.documents import Line, LineState, Stocktake, StocktakeState
from central.stocktakes.proposing import Worked

NAMED_COUNTS = 5
"""Counts kept as evidence of one variance: the latest. The others stand in the stocktake."""
NAMED_ITEMS = 20
_UNDECIDED = (LineState.PROPOSED, LineState.APPROVED, LineState.RECOUNT)


class Cases(msgspec.Struct, frozen=True):
    """What a stocktake contradicts, and which of its earlier cases are none any more."""

    raised: Sequence[Discrepancy]
    explained: Sequence[Cause]


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the cases of one stocktake are made of."""

    stocktake: Stocktake
    currency: str
    codes: Mapping[str, Codes]
    around: Mapping[str, Around]
    naming: Mapping[str, list[Naming]]


def of(
    connection: Connection, stocktake: Stocktake, worked: Worked, about: Collection[str] | None = None
) -> Cases:
    """The cases of a stocktake; those that concern the products ``about`` alone where they are given."""
    if stocktake.state is not StocktakeState.PROPOSED:
        return Cases([], [])
    every = worked.lines if about is None else tables.lines(connection, stocktake)
    differing = {
        gtin: line for gtin, line in every.items() if line.variance != 0 and line.state in _UNDECIDED
    }
    pairs = swaps(differing.values(), _categories(connection, differing))
    paired = {one.gtin for pair in pairs for one in (pair.missing, pair.surplus)}
    limits = stocktake.limits
    alone = {
        gtin: line
        for gtin, line in differing.items()
        if gtin not in paired and (limits.is_none or limits.are_passed(line.variance, line.value_minor))
    }
    keys: set[tuple[DiscrepancyClass, str]] = {
        (DiscrepancyClass.STOCKTAKE_VARIANCE, key_of(stocktake, gtin)) for gtin in alone
    }
    keys |= {(DiscrepancyClass.WRONG_ITEM_SCANNED, _pair_key(stocktake, pair)) for pair in pairs}
    if about is not None:
        alone = {gtin: line for gtin, line in alone.items() if gtin in about}
        pairs = [pair for pair in pairs if {pair.missing.gtin, pair.surplus.gtin} & set(about)]
    known = _known(connection, stocktake, worked, {**alone, **_lines_of(pairs)})
    raised = [_variance(known, line) for line in alone.values()]
    raised += [_swap(known, pair) for pair in pairs]
    explained = [
        (stocktake.site, name, key)
        for name, key in _open_keys(connection, stocktake)
        if (name, key) not in keys
    ]
    return Cases(raised, explained)


def end(
    connection: Connection, stocktake: Stocktake, gtins: Collection[str] | None, at: datetime, why: str
) -> None:
    """Settle the cases of a stocktake that has been decided; of these products alone where they are given."""
    causes = [
        (stocktake.site, name, key)
        for name, key in _open_keys(connection, stocktake)
        if gtins is None or set(key.removeprefix(f"{stocktake.stocktake_id}/").split("/")) <= set(gtins)
    ]
    causes.append((stocktake.site, DiscrepancyClass.COUNT_UNEXPECTED, stocktake.stocktake_id))
    discrepancies.explain(connection, causes if gtins is None else causes[:-1], at, why)


def key_of(stocktake: Stocktake, gtin: str) -> str:
    """The cause of a product's variance."""
    return f"{stocktake.stocktake_id}/{gtin}"


def _pair_key(stocktake: Stocktake, pair: Swap) -> str:
    return f"{stocktake.stocktake_id}/{pair.missing.gtin}/{pair.surplus.gtin}"


def _lines_of(pairs: Collection[Swap]) -> dict[str, Line]:
    return {line.gtin: line for pair in pairs for line in (pair.missing, pair.surplus)}


def _known(connection: Connection, stocktake: Stocktake, worked: Worked, lines: Mapping[str, Line]) -> _Known:
    row = connection.execute("SELECT currency FROM sites WHERE site_id = %s", (stocktake.site,)).fetchone()
    codes = compared(connection, stocktake.site, lines, worked.scanned)
    return _Known(
        stocktake=stocktake,
        currency=row[0] if row else "",
        codes=codes,
        around=history.around(connection, stocktake, lines, worked, codes),
        naming=counts.naming(connection, stocktake.site, stocktake.stocktake_id, lines),
    )


def _variance(known: _Known, line: Line) -> Discrepancy:
    stocktake = known.stocktake
    cause = likely(line, known.around[line.gtin])
    evidence = {} if cause.despatch is None else {"despatch": cause.despatch}
    return Discrepancy(
        site=stocktake.site,
        discrepancy_class=DiscrepancyClass.STOCKTAKE_VARIANCE,
        cause_key=key_of(stocktake, line.gtin),
        likely_cause=cause.words,
        proposal=cause.proposal,
        cause=cause.cause,
        probability=cause.probability,
        evidence=(*_events(known, line), _found(known, line, **evidence)),
        gtin=line.gtin,
        quantity=line.variance,
        value_minor=None if line.value_minor is None else abs(line.value_minor),
        currency=None if line.value_minor is None else known.currency,
        settlement=_settlement(stocktake, line),
    )


def _swap(known: _Known, pair: Swap) -> Discrepancy:
    stocktake, missing, surplus = known.stocktake, pair.missing, pair.surplus
    value = None if missing.value_minor is None else abs(missing.value_minor)
    what = "quantity" if pair.is_same_quantity else "value"
    return Discrepancy(
        site=stocktake.site,
        discrepancy_class=DiscrepancyClass.WRONG_ITEM_SCANNED,
        cause_key=_pair_key(stocktake, pair),
        likely_cause=f"one product was scanned for another of its category: the same {what} is missing of the one and too much of the other",
        proposal="compare the two labels; booking the count puts both right",
        cause="wrong_item",
        probability=0.9 if pair.is_same_quantity else 0.7,
        evidence=(
            *_events(known, missing),
            *_events(known, surplus),
            _found(known, missing, taken_for=surplus.gtin),
            _found(known, surplus, taken_for=missing.gtin),
        ),
        gtin=missing.gtin,
        quantity=missing.variance,
        value_minor=value,
        currency=None if value is None else known.currency,
        settlement=_settlement(stocktake, missing, surplus),
    )


def _settlement(stocktake: Stocktake, *lines: Line) -> dict[str, Any]:
    named = (SettledLine(gtin=line.gtin, quantity=line.variance) for line in lines)
    return counted(stocktake.stocktake_id, named).kept()


def _found(known: _Known, line: Line, **more: object) -> dict[str, Any]:
    codes = known.codes.get(line.gtin, Codes())
    named = {
        "missing_items": [one.item for one in codes.missing[:NAMED_ITEMS]],
        "surplus_items": [one.item for one in codes.surplus[:NAMED_ITEMS]],
        "late_agents": list(known.around[line.gtin].late_agents),
    }
    return {
        "event": "stocktake",
        "site": known.stocktake.site,
        "stocktake": known.stocktake.stocktake_id,
        "event_time": iso(line.counted_at),
        "gtin": line.gtin,
        "round": line.round,
        "counted": str(line.counted),
        "expected": str(line.expected),
        "variance": str(line.variance),
        **({"uncertain": str(line.uncertain)} if line.uncertain else {}),
        **{name: value for name, value in named.items() if value},
        **more,
    }


def _events(known: _Known, line: Line) -> list[dict[str, Any]]:
    return [
        {
            "event": "stock_counted",
            "site": known.stocktake.site,
            "journal": one.journal,
            "seq": one.seq,
            "event_time": iso(one.event_time),
            "area": one.area,
            "round": one.round,
            "quantity": str(one.quantity),
            "gtin": line.gtin,
        }
        for one in known.naming.get(line.gtin, ())[:NAMED_COUNTS]
    ]


def _categories(connection: Connection, lines: Mapping[str, Line]) -> dict[str, str | None]:
    found = connection.execute(
        "SELECT gtin, coalesce(category, department) FROM products WHERE gtin = ANY (%s::bpchar[])",
        (list(lines),),
    )
    return dict(found.fetchall())


def _open_keys(connection: Connection, stocktake: Stocktake) -> list[tuple[DiscrepancyClass, str]]:
    found = connection.execute(
        """
        SELECT class, cause_key FROM discrepancies
         WHERE site_id = %s AND class IN ('stocktake_variance', 'wrong_item_scanned') AND starts_with(cause_key, %s)
           AND state IN ('open', 'assigned') ORDER BY class, cause_key
        """,
        (stocktake.site, f"{stocktake.stocktake_id}/"),
    )
    return [(DiscrepancyClass(name), key) for name, key in found]
