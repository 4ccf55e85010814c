"""What the brand does to items: hold, release, recall, stolen, recovered, destroyed; and what the calendar does: expired.

One thing to many items at a time: a batch of a million changes in a handful of statements, and the feeds of all sites concerned with
them, within one transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from central import feeds
from central.actors import By
from central.containers import feed as container_feed
from central.database import Connection
from central.items import issuance, recalls
from central.ledger import booking
from central.ledger.rules import ON_HAND, QUARANTINE, Movement, Posting, adjustment
from protocol.feeds import Feed
from protocol.items import LEAVES_ITS_CASE, RETURNS_TO, Action, State, legal_from

_SQL = Path(__file__).parent / "sql"
_ACT = (_SQL / "act.sql").read_bytes()
_SCOPES = (_SQL / "tell_scopes.sql").read_bytes()
_TELL = (_SQL / "tell.sql").read_bytes()
_MARKED = "marked"
EXPIRY_LOOK_BACK = timedelta(days=60)
"""Dates that passed longer ago were seen to, or are of items that came in with them: their counters go by the date itself."""
EXPIRY_LIMIT = 50_000


class Deed(StrEnum):
    """What the brand can do to items, as it is asked for."""

    HOLD = "hold"
    RELEASE = "release"
    RECALL = "recall"
    STOLEN = "stolen"
    RECOVER = "recover"
    DESTROY = "destroy"


_ACTIONS = {
    Deed.HOLD: Action.HOLD,
    Deed.RELEASE: Action.RELEASE,
    Deed.RECALL: Action.RECALL,
    Deed.STOLEN: Action.STEAL,
    Deed.RECOVER: Action.RECOVER,
    Deed.DESTROY: Action.DESTROY,
}


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Items by their ids, or all of one batch of a product."""

    items: tuple[str, ...] = ()
    gtin: str | None = None
    batch: str | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it. ``refused``: state -> how many items are in it, to which this cannot be done. ``marked`` are sold items that are
    recalled when they come back (or no longer). ``unknown`` of the named items are not known here."""

    document: str
    changed: int
    marked: int
    refused: dict[str, int]
    unknown: int
    sites: int


class _Group(msgspec.Struct, frozen=True):
    """Items that were alike, as ``act.sql`` counts them; without ``to_state`` nothing was done to them."""

    from_state: str
    to_state: str | None
    site: str | None
    gtin: str | None
    next_state: str | None
    count: int
    opened: list[str] | None


def act(connection: Connection, deed: Deed, which: Which, by: By, directory: Path | None = None) -> Done:
    """Do it, with all that follows: traces, stock, feeds, and for a batch that it stays so for what comes later.

    ``directory``: ``authority.directory``. With it, labels that are on no product yet can be stolen and destroyed too.
    """
    if deed in (Deed.STOLEN, Deed.DESTROY):
        issuance.begin_lives(connection, directory, which.items, by.at)
    if which.gtin is not None and which.batch is not None and deed in (Deed.RECALL, Deed.RELEASE):
        recalls.note(connection, which.gtin, which.batch, by, is_recalled=deed is Deed.RECALL)
    return _do(connection, _ACTIONS[deed], which, by)


def expire_due(connection: Connection, now: datetime) -> int:
    """Expire what is past its date at its site; how many. Set-based; at most so many at a time, the next round takes the rest."""
    found = connection.execute(
        """
        SELECT item FROM items LEFT JOIN sites USING (site_id)
         WHERE expiry BETWEEN %(now)s::date - %(back)s AND %(now)s::date + 1
           AND items.expiry < (%(now)s::timestamptz AT TIME ZONE coalesce(time_zone, 'UTC'))::date
           AND state = ANY (%(states)s)
         ORDER BY item LIMIT %(limit)s
        """,
        {
            "now": now,
            "back": EXPIRY_LOOK_BACK.days,
            "states": list(legal_from(Action.EXPIRE)),
            "limit": EXPIRY_LIMIT,
        },
    ).fetchall()
    if not found:
        return 0
    which = Which(items=tuple(item for (item,) in found))
    return _do(
        connection, Action.EXPIRE, which, By(actor="calendar", at=now, reason="its date has passed")
    ).changed


def _do(connection: Connection, action: Action, which: Which, by: By) -> Done:
    legal = legal_from(action)
    document = f"{action}:{uuid.uuid4()}"
    chosen = {"items": list(which.items), "gtin": which.gtin, "batch": which.batch}
    rows = connection.execute(
        _ACT,
        {
            **chosen,
            "from_states": list(legal),
            "to_states": list(legal.values()),
            "returns_to": list(RETURNS_TO),
            "leaves_its_case": action in LEAVES_ITS_CASE,
            "action": action.value,
            "reason": by.reason,
            "document": document,
            "at": by.at,
        },
    ).fetchall()
    groups = [_Group(*row) for row in rows]
    done = [group for group in groups if group.to_state is not None]
    _move_stock(connection, action, done, document, by)
    opened = {sscc for group in done for sscc in group.opened or ()}
    container_feed.tell(connection, opened)
    told = _tell(connection, which) if done else 0
    changed = sum(group.count for group in done)
    untouched = [group for group in groups if group.to_state is None]
    marked = sum(group.count for group in untouched if group.next_state == _MARKED)
    refused: dict[str, int] = {}
    for group in untouched:
        if group.next_state != _MARKED:
            refused[group.from_state] = refused.get(group.from_state, 0) + group.count
    known = changed + marked + sum(refused.values())
    return Done(
        document=document,
        changed=changed,
        marked=marked,
        refused=refused,
        unknown=max(0, len(set(which.items)) - known) if which.items else 0,
        sites=told,
    )


def _move_stock(
    connection: Connection, action: Action, done: Sequence[_Group], document: str, by: By
) -> None:
    """What is stolen, destroyed or found again leaves or enters the stock of its site, so that codes and quantities go on agreeing.

    Goods on the way are nobody's stock: they are missed when they are received.
    """
    reason = {Action.STEAL: "theft", Action.RECOVER: "theft", Action.DESTROY: "destroyed"}.get(action)
    moved: dict[tuple[str, str, str, str], int] = {}
    for group in done:
        ends = None if reason is None else _ends(action, group, adjustment(reason))
        if ends is not None and group.site is not None and group.gtin is not None:
            key = (group.site, group.gtin, *ends)
            moved[key] = moved.get(key, 0) + group.count
    if not moved:
        return
    found = connection.execute(
        "SELECT site_id, time_zone FROM sites WHERE site_id = ANY (%s)", (sorted({key[0] for key in moved}),)
    )
    zones: dict[str, str] = dict(found.fetchall())
    postings = [
        Posting(
            site=site,
            movement=Movement(number, gtin, Decimal(count), source, destination, "adjustment"),
            event_time=by.at,
            recorded_at=by.at,
            business_day=by.at.astimezone(ZoneInfo(zones[site])).date(),
            document=document,
        )
        for number, ((site, gtin, source, destination), count) in enumerate(sorted(moved.items()), 1)
        if site in zones
    ]
    booking.post(connection, postings, by.at)


def _ends(action: Action, group: _Group, lost: str) -> tuple[str, str] | None:
    """(source, destination) of the stock of a group; None for what is in nobody's stock."""
    if action is Action.RECOVER:
        return lost, QUARANTINE
    was = group.next_state if group.from_state in (State.HELD, State.RECALLED) else group.from_state
    if was in (State.IN_TRANSIT, State.ISSUED, State.STOLEN):
        return None
    return QUARANTINE if was == State.QUARANTINED else ON_HAND, lost


def _tell(connection: Connection, which: Which) -> int:
    """Bring the ``items`` feeds of all sites that know these items up to date; how many sites."""
    chosen = {"items": list(which.items), "gtin": which.gtin, "batch": which.batch}
    scopes = sorted(site for (site,) in connection.execute(_SCOPES, chosen).fetchall())
    feeds.lock_heads(connection, Feed.ITEMS, scopes)
    moved = connection.execute(_TELL, {**chosen, "feed": Feed.ITEMS.value}).fetchall()
    feeds.announce(connection, Feed.ITEMS, dict(moved))
    return len(moved)
