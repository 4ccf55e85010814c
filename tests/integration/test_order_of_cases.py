"""Facts that explain each other leave no case open, in whatever order they are heard of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from central.despatches import storage as despatches
from central.despatches.rules import Despatch, DespatchState, Line
from central.discrepancies.watching.rounds import CaseRounds
from central.embedded.database import EmbeddedDatabase
from central.ledger.booking import post
from central.ledger.rules import ON_HAND, SUPPLIER, Movement, Posting, in_transit
from protocol.chain import genesis
from protocol.events import Body, GoodsLine, GoodsReceived
from tests.integration.books import (
    MILK,
    NOW_US,
    Central,
    batch,
    central,
    epoch_id,
    event,
    laid_out,
    line,
    sale,
    void,
)

NOW = datetime.fromtimestamp(NOW_US / 1e6, UTC)
LEFT = NOW - timedelta(days=9)
ITEMS = ("010401234567890121A", "010401234567890121B")
WAY = in_transit("south", "north")
_TWICE = sale(line(MILK, item=ITEMS[1]), sale_id="twice")
FACTS: tuple[Body, ...] = (
    sale(line(MILK, "3", 600)),
    sale(line(MILK, item=ITEMS[0])),
    sale(line(MILK, item=ITEMS[1])),
    _TWICE,
    void(_TWICE),
    GoodsReceived(
        receipt_advice_id="r1",
        despatch_id="d1",
        lines=(GoodsLine(gtin=MILK, quantity=Decimal(4), items=ITEMS[:1]),),
        complete=False,
    ),
    GoodsReceived(
        receipt_advice_id="r2",
        despatch_id="d1",
        lines=(GoodsLine(gtin=MILK, quantity=Decimal(5), items=ITEMS[1:]),),
    ),
    GoodsReceived(
        receipt_advice_id="r3", despatch_id="d1", lines=(GoodsLine(gtin=MILK, quantity=Decimal(1)),)
    ),
)
"""Ten pieces come in three parts, two of them coded; five are sold, one of them twice by mistake."""


def announce(books: Central) -> None:
    """South has sent ten pieces to north, nine days ago."""
    with books.database.transaction() as connection:
        sent = [
            Movement(0, MILK, Decimal(10), SUPPLIER, ON_HAND, "opening"),
            Movement(1, MILK, Decimal(10), ON_HAND, WAY, "despatch"),
        ]
        postings = [
            Posting(
                site="south",
                movement=one,
                event_time=LEFT,
                recorded_at=LEFT,
                business_day=LEFT.date(),
                document="d1",
            )
            for one in sent
        ]
        post(connection, postings, LEFT)
        connection.execute(
            "INSERT INTO items (item, gtin, site_id, state) SELECT item, %s, 'north', 'in_transit' FROM unnest(%s::text[]) AS item",
            (MILK, list(ITEMS)),
        )
        despatches.send(
            connection,
            Despatch(
                to_site="north",
                despatch_id="d1",
                from_site="south",
                order_id=None,
                state=DespatchState.IN_TRANSIT,
                despatched_at=LEFT,
                lines=(Line(line=1, gtin=MILK, quantity=Decimal(10), items=ITEMS),),
            ),
        )


def open_cases(books: Central) -> list[tuple[str, ...]]:
    return books.rows(
        "SELECT class, site_id, cause_key FROM discrepancies WHERE state IN ('open', 'assigned') ORDER BY 1, 2, 3"
    )


@settings(
    max_examples=6,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # each example is a database: none is made smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(range(len(FACTS))), rounds=st.sets(st.integers(0, len(FACTS) - 1), max_size=3))
def test_when_everything_has_arrived_nothing_is_left_open(
    embedded_database: EmbeddedDatabase, order: list[int], rounds: set[int]
) -> None:
    with laid_out(embedded_database) as url, central(url) as books:
        announce(books)
        head = genesis("north-1", epoch_id(1))
        for seq, number in enumerate(order, 1):
            body = event(FACTS[number], at_us=NOW_US - (len(FACTS) - number) * 60_000_000)
            one = batch(epoch_id(1), seq, head, [body])
            books.tell("north-1", one)
            head = one.head_hash
            if number in rounds:
                CaseRounds(books.database).quick(NOW)
                CaseRounds(books.database).slow(NOW)
        CaseRounds(books.database).quick(NOW)
        assert open_cases(books) == []
        assert books.rows("SELECT quantity FROM stock WHERE site_id = 'north' AND location = 'on_hand'") == [
            (Decimal(5),)
        ]
