"""When filters are built: every few minutes, and at once when an item is recalled or reported stolen.

A thread of its own, beside the housekeeping: the last layer of a set of millions takes many seconds, and prices must not wait for it.
Several processes look; only one of them builds at a time, and the others find that nothing is due any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import structlog

from central.codes.keys import signer
from central.database import Connection, Database
from central.errors import CentralError
from central.filters import storage
from central.filters.build import Built, build
from protocol.filters import FilterKind

LOOK_S = 5.0
"""How soon a recall is on its way. Looking costs two reads of an index."""
AT_ONCE = (FilterKind.RECALLED, FilterKind.STOLEN)
PURPOSE = "filters"

_log = structlog.get_logger("central.filters")


class Rounds:
    """Builds what is due, from :meth:`start` to :meth:`stop`. ``directory`` holds the private halves of the keys."""

    def __init__(
        self,
        database: Database,
        directory: Path,
        now: Callable[[], datetime],
        *,
        interval: timedelta,
        limit_items: int,
    ) -> None:
        self._database = database
        self._directory = directory
        self._now = now
        self._interval = interval
        self._limit_items = limit_items
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="filters", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a build that is under way is given up."""
        self._ended.set()
        self._thread.join()

    def once(self) -> list[Built]:
        """Build what is due. Raises :class:`~central.errors.CentralError` when that cannot be; the next round tries again."""
        built = (self._database.run(partial(self._due, kind)) for kind in FilterKind)
        return [one for one in built if one is not None]

    def _due(self, kind: FilterKind, connection: Connection) -> Built | None:
        now = self._now()
        is_due = storage.is_due(connection, kind, now - self._interval)
        if not is_due and not (kind in AT_ONCE and storage.awaited(connection, kind)):
            return None
        if not storage.lock(connection, wait=False) or (
            is_due and not storage.is_due(connection, kind, now - self._interval)
        ):
            return None  # another process is at it, or has just been
        signs = signer(connection, self._directory, PURPOSE, now.date())
        built = build(
            connection, kind, signs, now, limit_items=self._limit_items, is_ending=self._ended.is_set
        )
        _tell(built)
        return built

    def _run(self) -> None:
        said = ""
        while not self._ended.is_set():
            try:
                self.once()
                said = ""
            except (CentralError, psycopg.OperationalError) as error:  # the latter: a server that went away
                cause = " ".join(str(error).split())
                if cause != said:
                    said = cause
                    _log.warning("filters are put off", cause=said)
            self._ended.wait(LOOK_S)


def build_all(
    connection: Connection,
    directory: Path,
    now: datetime,
    *,
    limit_items: int,
    kinds: Iterable[FilterKind] = FilterKind,
    from_nothing: bool = False,
) -> list[Built]:
    """Build sets now, whether or not they are due; waits for a process that is at it."""
    storage.lock(connection, wait=True)
    signs = signer(connection, directory, PURPOSE, now.date())
    return [
        build(connection, kind, signs, now, limit_items=limit_items, from_nothing=from_nothing)
        for kind in kinds
    ]


def _tell(built: Built) -> None:
    if built.evicted:
        _log.warning("a filter is full: its oldest items were left out", kind=built.kind, items=built.evicted)
    if built.rows:
        _log.info("filter", kind=built.kind, came=built.came, went=built.went, rows=built.rows)
