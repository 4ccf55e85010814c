"""Receipts of despatches that central had not heard of: the receiver was online, the sender was not.

Such goods are booked as from a supplier, for they are there, and stand as a case. When the despatch is heard of, the receipt is turned over:
the goods came from their way, and nothing of the case remains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from central.database import Connection
from central.despatches import storage
from central.despatches.rules import Despatch
from central.despatches.storage import ReceiptOutcome
from central.journals.facts import Fact
from central.ledger.rules import ON_HAND, SUPPLIER, Movement, Posting
from protocol.events import GoodsLine, GoodsReceived

_encoder = msgspec.json.Encoder(decimal_format="string")


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that has found its despatch: the fact, what it means now, and what turns its movements over."""

    fact: Fact
    outcome: ReceiptOutcome
    postings: tuple[Posting, ...]


def keep(
    connection: Connection, facts: Iterable[Fact], outcomes: Mapping[tuple[int, int], ReceiptOutcome]
) -> None:
    """Keep the receipts whose despatch is not known, until it is."""
    early = [
        fact
        for fact in facts
        if (outcome := outcomes.get((fact.journal, fact.seq))) is not None and outcome.unknown_despatch
    ]
    for fact in early:
        body = fact.body
        assert isinstance(body, GoodsReceived)
        connection.execute(
            """
            INSERT INTO early_receipts (site_id, despatch_id, journal, seq, receipt_advice_id, lines, complete, event_time, business_day)
            VALUES (%s, %s, %s, %s, %s, %s::text::jsonb, %s, %s, %s)
            """,
            (
                fact.site, body.despatch_id, fact.journal, fact.seq, body.receipt_advice_id,
                _encoder.encode(body.lines).decode(), body.complete, fact.event_time, fact.business_day,
            ),
        )  # fmt: skip


def waiting(connection: Connection, to_site: str, despatch_id: str, at: datetime) -> list[Fact]:
    """The receipts that wait for a despatch, in the order of their time; they wait no longer. The name of the despatch is locked."""
    found = connection.execute(
        """
        WITH joined AS (
            UPDATE early_receipts SET joined_at = %s WHERE site_id = %s AND despatch_id = %s AND joined_at IS NULL
            RETURNING journal, seq, receipt_advice_id, lines::text, complete, event_time, business_day
        )
        SELECT agent_id, epoch::text, joined.* FROM joined JOIN epochs USING (journal) ORDER BY event_time, journal, seq
        """,
        (at, to_site, despatch_id),
    )
    return [
        Fact(
            site=to_site,
            agent=agent,
            epoch=epoch,
            journal=journal,
            seq=seq,
            event_time=event_time,
            recorded_at=at,
            business_day=day,
            body=GoodsReceived(
                receipt_advice_id=receipt,
                lines=msgspec.json.decode(lines, type=tuple[GoodsLine, ...]),
                despatch_id=despatch_id,
                complete=complete,
            ),
        )
        for agent, epoch, journal, seq, receipt, lines, complete, event_time, day in found
    ]


def join(connection: Connection, despatch: Despatch, receipts: Sequence[Fact]) -> list[Joined]:
    """Set receipts that came early against their despatch, one after the other."""
    joined = []
    for fact in receipts:
        body = fact.body
        assert isinstance(body, GoodsReceived)
        outcome = storage.take_in(connection, despatch, body, fact.event_time, actor=f"agent:{fact.agent}")
        assert outcome.despatch is not None, "a receipt of a despatch names it"
        despatch = outcome.despatch
        joined.append(Joined(fact=fact, outcome=outcome, postings=tuple(_turned_over(fact, outcome))))
    return joined


def _turned_over(fact: Fact, outcome: ReceiptOutcome) -> Iterable[Posting]:
    """What was booked as from a supplier goes back there, and comes from its way."""
    for number, line in enumerate(outcome.lines):
        if line.from_transit <= 0:
            continue
        worth = line.value_minor if outcome.is_valued else None
        for movement in (
            Movement(2 * number + 1, line.gtin, line.from_transit, ON_HAND, SUPPLIER, "receipt"),
            Movement(2 * number, line.gtin, line.from_transit, outcome.source, ON_HAND, "receipt", worth),
        ):
            yield Posting(
                site=fact.site,
                movement=movement,
                event_time=fact.event_time,
                recorded_at=fact.recorded_at,
                business_day=fact.business_day,
                journal=fact.journal,
                seq=fact.seq,
            )
