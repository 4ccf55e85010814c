"""Facts about cases and pallets, taken into the books: before everything else, since what lies in a case is what the rest is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from central.containers import storage
from central.containers.rules import named_in, packed_together, unfold
from central.containers.stowage import Handled, Received
from central.containers.unfolding import Unfolded
from central.database import Connection
from central.discrepancies.rules import Discrepancy
from central.journals.facts import Fact
from protocol.events import GoodsDespatched

RECEIVE = "receive"


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Facts with their containers opened on paper.

    ``packed_in``: by (journal, seq), the items that came or left in a case, each with it. ``touched`` are the containers that have changed,
    ``left`` (site, sscc) of those that are no longer there.
    """

    facts: Sequence[Fact]
    packed_in: Mapping[tuple[int, int], Mapping[str, str]] = {}
    raised: Sequence[Discrepancy] = ()
    touched: Collection[str] = ()
    left: Collection[tuple[str, str]] = ()


def open_all(connection: Connection, facts: Sequence[Fact], at: datetime) -> Opened:
    """Take what facts say of containers into the books, in their order. Asks the database nothing where they say nothing."""
    named = [named_in(fact) for fact in facts]
    ssccs = {sscc for some, _ in named for sscc in some}
    if not ssccs:
        return Opened(facts=facts)
    items = {item for _, some in named for item in some}
    stowage = storage.read(connection, ssccs, items, lock=True)
    received = storage.received(connection, _despatched(facts))
    unfolded: list[Unfolded] = []
    for fact in facts:
        one = unfold(stowage, fact, received)
        received += [taken_in(done) for done in one.handled if done.action == RECEIVE]
        unfolded.append(one)
    storage.write(connection, stowage, [done for one in unfolded for done in one.handled], at)
    return Opened(
        facts=[one.fact for one in unfolded],
        packed_in=packed_together(unfolded),
        raised=[case for one in unfolded for case in one.raised],
        touched=stowage.touched,
        left=sorted(stowage.left),
    )


def taken_in(done: Handled) -> Received:
    """A container as this fact took it in."""
    return Received(
        sscc=done.sscc, site=done.site, event_time=done.event_time, items=done.items, lines=done.lines
    )


def _despatched(facts: Sequence[Fact]) -> set[str]:
    """Containers that leave: their receipts may have been heard of before."""
    return {
        one.sscc for fact in facts if isinstance(fact.body, GoodsDespatched) for one in fact.body.containers
    }
