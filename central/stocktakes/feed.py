"""The ``stocktakes`` feed: what is being counted at a site, for its counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from central import feeds
from central.database import Connection
from central.feeds.rules import ROW_LIMIT_BYTES
from central.moments import to_microseconds
from central.stocktakes import books, counts, tables
from central.stocktakes.counting import areas_of
from central.stocktakes.documents import COUNTED_NOW, Line, LineState, Stocktake, StocktakeState
from central.stocktakes.rules import order_of
from protocol.feeds import Feed, StocktakeHere, body_encoder

_ROOM_BYTES = ROW_LIMIT_BYTES - 256
"""For a row; the rest is for its key."""
RECOUNT_LIMIT = 2_000
"""Products in one recount: what one row can name, and more than a shop counts twice in a day. The others wait for the next round."""


def tell(connection: Connection, stocktakes: Iterable[Stocktake]) -> None:
    """Bring the feeds of the sites up to date with these stocktakes; one that is not being counted is gone."""
    rows: dict[str, dict[str, bytes | None]] = {}
    for stocktake in stocktakes:
        rows.setdefault(stocktake.site, {})[stocktake.stocktake_id] = _body(connection, stocktake)
    for site in sorted(rows):
        feeds.publish(connection, Feed.STOCKTAKES, site, sorted(rows[site].items()))


def _body(connection: Connection, stocktake: Stocktake) -> bytes | None:
    if stocktake.state not in COUNTED_NOW:
        return None
    found = counts.read(connection, stocktake.site, stocktake.stocktake_id, ())
    areas = {area: to_microseconds(at) for area, at in areas_of(found, stocktake.round).items()}
    recount: list[str] = []
    if stocktake.state is StocktakeState.RECOUNTING:
        lines = tables.lines(connection, stocktake)
        recount = [line.gtin for line in sorted(_to_count_again(stocktake, lines), key=order_of)]
    wanted = recount or list(stocktake.gtins)
    expected = {} if stocktake.blind else books.expected_now(connection, stocktake.site, wanted)
    return row(stocktake, areas=areas, recount=recount, expected=expected)


def _to_count_again(stocktake: Stocktake, lines: Mapping[str, Line]) -> list[Line]:
    """The list of a round stays as it was when the round began, so that several scanners work on the same one."""
    return [
        line
        for line in lines.values()
        if stocktake.round in line.asked and line.state is not LineState.BOOKED
    ]


def row(
    stocktake: Stocktake, *, areas: dict[str, int], recount: list[str], expected: dict[str, Decimal]
) -> bytes:
    """The body of a row, which must fit a message.

    What is beyond that is left out, the least needed first: ``expected`` (a counter has its own copy of the books), then the names of areas.
    The lists always fit: :func:`fits` and :data:`RECOUNT_LIMIT` see to it.
    """
    here = StocktakeHere(
        stocktake_id=stocktake.stocktake_id,
        name=stocktake.name,
        blind=stocktake.blind,
        round=stocktake.round,
        started_at_us=to_microseconds(stocktake.started_at),
        gtins=stocktake.gtins,
        recount=tuple(recount),
        expected=expected,
        areas=areas,
    )
    body = body_encoder.encode(here)
    if len(body) > _ROOM_BYTES and here.expected:
        here = msgspec.structs.replace(here, expected={})
        body = body_encoder.encode(here)
    if len(body) > _ROOM_BYTES and here.areas:
        body = body_encoder.encode(msgspec.structs.replace(here, areas={}))
    return body


def fits(stocktake: Stocktake) -> bool:
    """Whether the list of what is to be counted fits a row, beside that of a recount."""
    return len(row(stocktake, areas={}, recount=[], expected={})) <= _ROOM_BYTES // 2
