"""Counting checks: gathered in bounded memory, written down every half minute in one transaction.

A check itself writes nothing, so that a flood of them does not stand in the way of what counters report. What is gathered and not yet
written goes with a crash: a few checks are counted too few. A number that is in no book is counted only once several
networks have asked for it, since anybody can invent numbers; how many such are remembered is bounded.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
import structlog

from central.database import Connection, Database, DatabaseFault
from central.discrepancies.storage import raise_all
from central.resolver.clients import hashed
from central.resolver.counts import NETWORKS_KEPT, Count, Sighting, Thresholds, added, is_sign
from central.resolver.signals import repeated_checks

WAITING_ITEMS = 10_000
"""Items gathered at once; further ones are not counted until the next writing."""
STRANGERS = 5_000
STRANGERS_FROM = 2
"""Networks that must have asked for an unknown number before it is written down."""
STRANGERS_KEPT = timedelta(days=90)
_SALT_BYTES = 16
_COUNT_LOCK = 0x50434843  # any number that only this uses: 'PCHC'

log = structlog.get_logger(__name__)


class Checks:
    """The checks of this process. Any thread may call it."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._lock = threading.Lock()
        self._waiting: dict[str, Sighting] = {}
        self._strangers: OrderedDict[str, Sighting] = OrderedDict()
        self._salts: dict[date, bytes] = {}
        self.uncounted = 0

    def network(self, database: Database, network: str, today: date) -> str:
        """A network as it is counted today. Asks the database for the day's salt once a day."""
        salt = self._salts.get(today)
        if salt is None:
            salt = database.run(lambda connection: salt_of(connection, today))
            self._salts = {today: salt}
        return hashed(network, salt)

    def waiting(self, item: str) -> Sighting | None:
        """Checks of an item that are not written down yet."""
        with self._lock:
            return self._waiting.get(item)

    def note(self, item: str, network: str, now: datetime, *, known: bool, kept: bool = False) -> None:
        """Count one check. ``known``: the item is in the books, or its number was issued; ``kept``: it has been counted before."""
        seen = Sighting(known=known, checks=1, first_seen=now, last_seen=now, networks=frozenset({network}))
        with self._lock:
            gathered = self._waiting.get(item)
            if gathered is not None:
                self._waiting[item] = _together(gathered, seen)
                return
            if not known and not kept:
                seen = _together(self._strangers.pop(item, None), seen)
                if len(seen.networks) < STRANGERS_FROM:
                    self._strangers[item] = seen
                    if len(self._strangers) > STRANGERS:
                        self._strangers.popitem(last=False)
                    return
            if len(self._waiting) >= WAITING_ITEMS:
                self.uncounted += 1
                return
            self._waiting[item] = seen

    def write(self, database: Database, now: datetime) -> int:
        """Write down what was gathered, and raise what it is a sign of; how many items. What the database refuses is lost, and said."""
        with self._lock:
            gathered, self._waiting = self._waiting, {}
            uncounted, self.uncounted = self.uncounted, 0
        if uncounted:
            log.warning("public checks were not counted: too many at once", checks=uncounted)
        if not gathered:
            return 0
        try:
            database.run(lambda connection: _write(connection, gathered, now, self._thresholds))
        except DatabaseFault:
            log.warning("public checks are lost: the database is away", items=len(gathered))
            raise
        return len(gathered)


def forget(connection: Connection, now: datetime) -> None:
    """Throw away the salts of past days, the networks hashed with them, and numbers nobody knows or asks for any more."""
    today = now.astimezone(UTC).date()
    connection.execute("DELETE FROM public_check_salts WHERE day < %s", (today,))
    connection.execute(
        "UPDATE public_checks SET networks = '{}' WHERE day < %s AND networks <> '{}'", (today,)
    )
    connection.execute(
        "DELETE FROM public_checks WHERE NOT known AND last_seen < %s", (now - STRANGERS_KEPT,)
    )


def salt_of(connection: Connection, day: date) -> bytes:
    """The salt of a day, the same for every process."""
    connection.execute(
        "INSERT INTO public_check_salts (day, salt) VALUES (%s, %s) ON CONFLICT (day) DO NOTHING",
        (day, secrets.token_bytes(_SALT_BYTES)),
    )
    row = connection.execute("SELECT salt FROM public_check_salts WHERE day = %s", (day,)).fetchone()
    assert row is not None
    return bytes(row[0])


def _together(one: Sighting | None, other: Sighting) -> Sighting:
    if one is None:
        return other
    networks = one.networks | other.networks
    return Sighting(
        known=one.known or other.known,
        checks=one.checks + other.checks,
        first_seen=min(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
        networks=networks if len(networks) <= NETWORKS_KEPT else one.networks,
    )


def _write(
    connection: Connection, gathered: dict[str, Sighting], now: datetime, thresholds: Thresholds
) -> None:
    # One process at a time: two that add to one row would each forget what the other has added.
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_COUNT_LOCK,))
    today = now.astimezone(UTC).date()
    before = _read(connection, list(gathered))
    after = {item: added(before.get(item), seen, today) for item, seen in gathered.items()}
    _keep(connection, after)
    signs = [item for item, count in after.items() if is_sign(before.get(item), count, thresholds)]
    if signs:
        _raise(connection, {item: after[item] for item in signs}, now)


def _read(connection: Connection, items: Sequence[str]) -> dict[str, Count]:
    rows = connection.execute(
        """
        SELECT item, known, checks, visits, first_seen, last_seen, day, networks FROM public_checks WHERE item = ANY(%s)
        """,
        (items,),
    ).fetchall()
    return {
        item: Count(
            known=known, checks=checks, visits=visits, first_seen=first, last_seen=last, day=day, networks=frozenset(networks)
        )
        for item, known, checks, visits, first, last, day, networks in rows
    }  # fmt: skip


def _keep(connection: Connection, counts: dict[str, Count]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO public_checks (item, known, checks, visits, first_seen, last_seen, day, networks)
            VALUES (%(item)s, %(known)s, %(checks)s, %(visits)s, %(first_seen)s, %(last_seen)s, %(day)s, %(networks)s)
            ON CONFLICT (item) DO UPDATE
               SET known = excluded.known, checks = excluded.checks, visits = excluded.visits, first_seen = excluded.first_seen,
                   last_seen = excluded.last_seen, day = excluded.day, networks = excluded.networks
            """,
            [
                msgspec.structs.asdict(count) | {"item": item, "networks": sorted(count.networks)}
                for item, count in sorted(counts.items())
            ],
        )


def _raise(connection: Connection, counts: dict[str, Count], now: datetime) -> None:
    rows = connection.execute(
        "SELECT item, state, coalesce(sold_site_id, site_id) FROM items WHERE item = ANY(%s)", (list(counts),)
    ).fetchall()
    books = {item: (state, site) for item, state, site in rows}
    raise_all(
        connection,
        [
            repeated_checks(item, item[2:16], count, *books.get(item, (None, None)))
            for item, count in counts.items()
        ],
        now,
    )
