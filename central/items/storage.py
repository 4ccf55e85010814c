"""Item lives in PostgreSQL: locked in one order, stepped by the rules, traced, told to the sites they concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from central import feeds
from central.containers import feed as container_feed
from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.storage import Cause
from central.items import tables
from central.items.contradictions import gathered
from central.items.issuance import issued_items
from central.items.lives import Life, Step, Trace
from central.items.rules import take
from central.items.signals import Watch
from central.items.tables import First
from central.moments import to_microseconds
from central.sites import storage as sites
from central.sites.places import NOWHERE, Places
from protocol.feeds import Feed, ItemHere, body_encoder
from protocol.items import State


class Steps(msgspec.Struct, frozen=True):
    """Steps that were taken: what they contradict, what they explain, and which sites must hear of which items.

    ``opened`` are the cases that items have left or come into. ``suspects`` are items whose codes may be on several things, each with
    whether the brand ever issued its code.
    """

    raised: tuple[Discrepancy, ...] = ()
    explained: tuple[Cause, ...] = ()
    concerned: Mapping[str, tuple[str, ...]] = {}
    opened: frozenset[str] = frozenset()
    suspects: Mapping[str, bool] = {}


def apply(connection: Connection, steps: Sequence[Step], at: datetime, watch: Watch | None = None) -> None:
    """Take steps with all that follows from them: lives, traces, discrepancies, feeds."""
    taken = take_all(connection, steps, watch)
    discrepancies.raise_all(connection, taken.raised, at)
    discrepancies.explain(connection, taken.explained, at, "a later event explains it")
    container_feed.tell(connection, taken.opened)
    tell(connection, taken.concerned)


def take_all(connection: Connection, steps: Sequence[Step], watch: Watch | None = None) -> Steps:
    """Take steps in their order. The items are locked until the end of the transaction."""
    if not steps:
        return Steps()
    watch = watch or Watch()
    firsts = {step.item: First(step.gtin, step.site) for step in reversed(steps)}
    lives = tables.lock(connection, firsts, lambda items: issued_items(connection, watch.directory, items))
    places = _places(connection, lives, steps)
    raised: list[Discrepancy] = []
    explained: list[Cause] = []
    traces: list[Trace] = []
    concerned: dict[str, set[str]] = {}
    opened: set[str | None] = set()
    for step in steps:
        before = lives[step.item]
        taken = take(before, step, places, watch.signals.travel_speed_kmh)
        lives[step.item] = taken.life
        traces.append(taken.trace)
        if taken.settled is not None:
            traces.append(taken.settled)
        raised += taken.raised
        explained += [(None, name, step.item) for name in taken.explained]
        for site in _sites_of(before, taken.life, step):
            concerned.setdefault(site, set()).add(step.item)
        if before.container != taken.life.container:
            opened |= {before.container, taken.life.container}
    tables.write_lives(connection, lives.values(), steps[-1].recorded_at)
    tables.write_traces(connection, traces)
    return Steps(
        tuple(gathered(raised)),
        tuple(explained),
        {site: tuple(sorted(items)) for site, items in sorted(concerned.items())},
        frozenset(one for one in opened if one is not None),
        {
            one.item: not lives[one.item].unissued
            for one in raised
            if one.item is not None and one.discrepancy_class in _SUSPICIOUS
        },
    )


AS_IF_GENUINE = (State.SELLABLE.value, State.IN_TRANSIT.value, State.COMMISSIONED.value)
"""States in which a counter takes an item for one of the brand's."""
_SUSPICIOUS = (DiscrepancyClass.ITEM_SOLD_TWICE, DiscrepancyClass.UNKNOWN_ITEM)


def _sites_of(before: Life, after: Life, step: Step) -> set[str]:
    """Whose counters must hear of a step: where the item was, is, was sold first, and where the step was taken."""
    sold = [life.sold.site for life in (before, after) if life.sold is not None]
    return {site for site in (before.site, after.site, step.site, *sold) if site is not None}


def _places(connection: Connection, lives: Mapping[str, Life], steps: Sequence[Step]) -> Places:
    """The sites of items that turn up elsewhere than they were; nothing is read while everything is at home."""
    at: dict[str, set[str]] = {}
    for step in steps:
        at.setdefault(step.item, set()).add(step.site)
    wanted: set[str] = set()
    for item, here in at.items():
        life = lives[item]
        known = {life.site, life.seen.site if life.seen else None, *(sale.site for sale in life.sales)}
        together = here | {site for site in known if site is not None}
        if len(together) > 1:
            wanted |= together
    return sites.places(connection, wanted) if wanted else NOWHERE


def tell(connection: Connection, concerned: Mapping[str, Sequence[str]]) -> None:
    """Bring the ``items`` feeds of sites up to date with these items, site by site in their order."""
    if not concerned:
        return
    every = {item for items in concerned.values() for item in items}
    bodies = {life.item: body_encoder.encode(life) for life in read(connection, every)}
    for site in sorted(concerned):
        feeds.publish(
            connection,
            Feed.ITEMS,
            site,
            [(item, bodies.get(item)) for item in concerned[site]],
        )


def read(connection: Connection, items: Iterable[str]) -> list[ItemHere]:
    """Items as their sites' agents see them; one that nobody has heard of is not in the answer.

    Nor is one that nobody has issued, as long as it would pass for genuine: that a forgery was received makes it none of the brand's.
    """
    found = connection.execute(
        """
        SELECT item, gtin, state, site_id, expiry, sold_at, sold_site_id FROM items
         WHERE item = ANY (%s) AND NOT (unissued AND state = ANY (%s))
        """,
        (list(items), list(AS_IF_GENUINE)),
    )
    return [as_feed_row(*row) for row in found]


def as_feed_row(
    item: str,
    gtin: str,
    state: str,
    site: str | None,
    expiry: date | None,
    sold_at: datetime | None,
    sold_site: str | None,
) -> ItemHere:
    """An item from its columns, in this order."""
    return ItemHere(
        item=item,
        gtin=gtin,
        state=state,
        site=site,
        expiry=expiry.isoformat() if expiry else None,
        sold_at_us=to_microseconds(sold_at) if sold_at else None,
        sold_site=sold_site,
    )
