"""A stocktake and its lines as the HTTP interface shows them, and as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from pydantic import BaseModel, Field

from central.database import Connection
from central.stocktakes import counts
from central.stocktakes.codes import Codes, compared
from central.stocktakes.counting import tallied
from central.stocktakes.counts import Naming
from central.stocktakes.documents import Line, LineState, StocktakeState
from central.stocktakes.documents import Stocktake as Kept

CSV_COLUMNS = (
    "gtin", "name", "state", "round", "counted", "expected", "variance", "value_minor", "uncertain", "unnamed", "counted_at",
    "missing_items", "surplus_items", "reason",
)  # fmt: skip
SHOWN_COUNTS = 20


class Stocktake(BaseModel):
    """A stocktake of a site."""

    site: str
    stocktake_id: str
    name: str
    state: StocktakeState
    round: int
    blind: bool = Field(description="those who count do not see what the books say")
    proposed_by_counter: bool = Field(description="a counter began it without asking central")
    whole_shop: bool
    gtins: list[str] = Field(description="what is counted; empty: everything")
    departments: list[str]
    recount_limit_quantity: Decimal | None
    recount_limit_minor: int | None
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    ended_by: str | None
    reason: str | None


class Step(BaseModel):
    """Something that was done to a stocktake."""

    at: datetime
    actor: str
    action: str
    from_state: str | None
    to_state: str
    reason: str | None
    gtins: list[str] = Field(description="the products it was about; empty: the whole")


class Sums(BaseModel):
    """A stocktake in figures; values at cost, in the site's currency."""

    lines: dict[str, int] = Field(description="how many there are, by state")
    unnamed: int = Field(description="products that nobody counted")
    missing_minor: int | None
    surplus_minor: int | None
    counts: int
    areas: int
    counted_by: list[str]


class StocktakeWithHistory(Stocktake):
    """A stocktake with its sums and everything that was done to it."""

    sums: Sums
    history: list[Step]


class Count(BaseModel):
    """A count behind a figure: the event of a counter."""

    journal: int
    seq: int
    area: str
    round: int
    event_time: datetime
    quantity: Decimal
    clerk: str | None


class StocktakeLine(BaseModel):
    """One product: what was counted against what the books said at that moment."""

    gtin: str
    name: str | None
    state: LineState
    round: int
    counted: Decimal
    counted_at: datetime
    expected: Decimal
    variance: Decimal
    value_minor: int | None
    uncertain: Decimal = Field(description="what moved while several areas were counted")
    unnamed: bool = Field(description="nobody counted it")
    asked: list[int] = Field(description="the rounds in which it was to be counted again")
    reason: str | None
    missing_items: list[str] = Field(description="on the books, and not scanned")
    surplus_items: list[str] = Field(description="scanned, and not on the books here")
    counts: list[Count]


def shown(stocktake: Kept) -> Stocktake:
    """A stocktake as it is shown."""
    return Stocktake(
        site=stocktake.site,
        stocktake_id=stocktake.stocktake_id,
        name=stocktake.name,
        state=stocktake.state,
        round=stocktake.round,
        blind=stocktake.blind,
        proposed_by_counter=stocktake.is_from_counter,
        whole_shop=not stocktake.gtins,
        gtins=list(stocktake.gtins),
        departments=list(stocktake.departments),
        recount_limit_quantity=stocktake.limits.quantity,
        recount_limit_minor=stocktake.limits.value_minor,
        started_at=stocktake.started_at,
        started_by=stocktake.started_by,
        ended_at=stocktake.ended_at,
        ended_by=stocktake.ended_by,
        reason=stocktake.reason,
    )


def with_lines(connection: Connection, stocktake: Kept, lines: Sequence[Line]) -> list[StocktakeLine]:
    """Lines with their products' names, their counts, and the codes of items that differ."""
    gtins = [line.gtin for line in lines]
    names: dict[str, str] = dict(
        connection.execute(
            "SELECT gtin, name FROM products WHERE gtin = ANY (%s::bpchar[])", (gtins,)
        ).fetchall()
    )
    naming = counts.naming(connection, stocktake.site, stocktake.stocktake_id, gtins)
    codes = _codes(connection, stocktake, lines, gtins)
    return [
        _line(line, names.get(line.gtin), naming.get(line.gtin, ()), codes.get(line.gtin, Codes()))
        for line in lines
    ]


def _codes(
    connection: Connection, stocktake: Kept, lines: Sequence[Line], gtins: Collection[str]
) -> Mapping[str, Codes]:
    """As the items are now; of a booked line, what was kept with it tells more."""
    now = {line.gtin: line for line in lines if line.state is not LineState.BOOKED}
    found = counts.read(connection, stocktake.site, stocktake.stocktake_id, gtins)
    tallies = tallied(found, {line.gtin: line.asked for line in lines})
    return compared(
        connection, stocktake.site, now, {gtin: rounds[-1].items for gtin, rounds in tallies.items()}
    )


def _line(line: Line, name: str | None, naming: Iterable[Naming], codes: Codes) -> StocktakeLine:
    return StocktakeLine(
        gtin=line.gtin,
        name=name,
        state=line.state,
        round=line.round,
        counted=line.counted,
        counted_at=line.counted_at,
        expected=line.expected,
        variance=line.variance,
        value_minor=line.value_minor,
        uncertain=line.uncertain,
        unnamed=line.is_unnamed,
        asked=list(line.asked),
        reason=line.reason,
        missing_items=list(line.missing) or [one.item for one in codes.missing],
        surplus_items=list(line.surplus) or [one.item for one in codes.surplus],
        counts=[Count(**msgspec.structs.asdict(one)) for one in list(naming)[:SHOWN_COUNTS]],
    )


def as_csv(lines: Iterable[StocktakeLine]) -> str:
    """Lines as a table. Codes of items stand in one cell, with a blank between them."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    for line in lines:
        row = line.model_dump()
        writer.writerow(
            {
                **row,
                "counted_at": line.counted_at.isoformat(),
                "state": line.state.value,
                "missing_items": " ".join(line.missing_items),
                "surplus_items": " ".join(line.surplus_items),
            }
        )
    return text.getvalue()
