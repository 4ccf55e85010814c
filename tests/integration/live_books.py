"""Books of the schema before partitions, tens of thousands of rows in them, and an intake that goes on writing as the version of that schema did."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from central.database import Database

SITES = ("north", "south", "west")
ROWS = 20_000
GTIN = "04012345678901"

# One sale of one piece each, everywhere it leaves a trace. Every fourth by a document of central's instead of an event.
_FILL = """
INSERT INTO dealers (dealer_id, name, path) VALUES ('d', 'd', 'd/');
INSERT INTO sites (site_id, dealer_id, kind, name, currency)
SELECT site, 'd', 'store', site, 'EUR' FROM unnest(ARRAY['north', 'south', 'west']) AS site;
INSERT INTO products (gtin, name) VALUES ('04012345678901', 'Milk');
CREATE TEMP TABLE done ON COMMIT DROP AS
SELECT n, (ARRAY['north', 'south', 'west'])[1 + n %% 3] AS site, now() - (20000 - n) * interval '20 minutes' AS at
FROM generate_series(1, 20000) AS n;
INSERT INTO events (site_id, journal, seq, hash, kind, event_time, received_at, body)
SELECT site, 1, n, sha256(n::text::bytea), 'sale', at, at, repeat(n::text, 40)::bytea FROM done;
INSERT INTO movements (site_id, gtin, quantity, source, destination, cause, journal, seq, document, line, event_time, recorded_at, business_day)
SELECT site, '04012345678901', 1, 'on_hand', 'customer', 'sale', CASE WHEN n %% 4 > 0 THEN 1 END, CASE WHEN n %% 4 > 0 THEN n END,
       CASE WHEN n %% 4 = 0 THEN 'document:' || n END, 0, at, at, at::date FROM done;
INSERT INTO stock (site_id, gtin, location, quantity)
SELECT site, '04012345678901', location, sum(sign) FROM done, (VALUES ('on_hand', -1), ('customer', 1)) AS leg (location, sign)
GROUP BY site, location;
INSERT INTO sale_lines (site_id, journal, seq, line, kind, sale_id, receipt, gtin, quantity, amount_minor, discount_minor, currency, event_time,
    business_day)
SELECT site, 1, n, 0, 'sale', n::text, n::text, '04012345678901', 1, 199, 0, 'EUR', at, at::date FROM done;
INSERT INTO payments (site_id, business_day, journal, seq, line, kind, sale_id, method, amount_minor, currency, event_time)
SELECT site, at::date, 1, n, 0, 'sale', n::text, 'cash', 199, 'EUR', at FROM done;
INSERT INTO item_trace (item, action, to_state, legal, site_id, journal, seq, event_time, recorded_at)
SELECT 'item-' || n, 'sell', 'sold', true, site, 1, n, at, at FROM done;
INSERT INTO stock_days (site_id, business_day, gtin, flow, quantity)
SELECT site, at::date, '04012345678901', 'sold', count(*) FROM done GROUP BY 1, 2;
INSERT INTO stock_months (site_id, month, gtin, flow, quantity)
SELECT site, date_trunc('month', at)::date, '04012345678901', 'sold', count(*) FROM done GROUP BY 1, 2;
"""

# What the intake of that version sends for one sale: by name, without any word of partitions.
_SALE = (
    """
    INSERT INTO sale_lines (site_id, journal, seq, line, kind, sale_id, receipt, gtin, quantity, amount_minor, discount_minor, currency,
        event_time, business_day)
    VALUES (%(site)s, %(journal)s, %(seq)s, 0, 'sale', %(seq)s::text, 'r', %(gtin)s, 1, 199, 0, 'EUR', now(), now()::date)
    """,
    """
    INSERT INTO payments (site_id, business_day, journal, seq, line, kind, sale_id, method, amount_minor, currency, event_time)
    VALUES (%(site)s, now()::date, %(journal)s, %(seq)s, 0, 'sale', %(seq)s::text, 'cash', 199, 'EUR', now())
    """,
    """
    INSERT INTO item_trace (item, action, to_state, legal, site_id, journal, seq, event_time, recorded_at)
    VALUES ('new-' || %(journal)s || '-' || %(seq)s, 'sell', 'sold', true, %(site)s, %(journal)s, %(seq)s, now(), now())
    """,
    """
    INSERT INTO movements (site_id, gtin, quantity, source, destination, cause, journal, seq, document, line, event_time, recorded_at,
        business_day)
    VALUES (%(site)s, %(gtin)s, 1, 'on_hand', 'customer', 'sale', %(journal)s, %(seq)s, NULL, 0, now(), now(), now()::date)
    """,
    """
    INSERT INTO stock AS balance (site_id, gtin, location, quantity)
    VALUES (%(site)s, %(gtin)s, 'customer', 1), (%(site)s, %(gtin)s, 'on_hand', -1)
    ON CONFLICT (site_id, gtin, location) DO UPDATE SET quantity = balance.quantity + EXCLUDED.quantity
    """,
    """
    INSERT INTO stock_days AS day (site_id, business_day, gtin, flow, quantity) VALUES (%(site)s, now()::date, %(gtin)s, 'sold', 1)
    ON CONFLICT (site_id, business_day, gtin, flow) DO UPDATE SET quantity = day.quantity + 1
    """,
    """
    INSERT INTO stock_months AS month (site_id, month, gtin, flow, quantity)
    VALUES (%(site)s, date_trunc('month', now())::date, %(gtin)s, 'sold', 1)
    ON CONFLICT (site_id, month, gtin, flow) DO UPDATE SET quantity = month.quantity + 1
    """,
    "SELECT count(*) FROM filter_changes WHERE written_by = pg_current_xact_id()",
    """
    INSERT INTO events (site_id, journal, seq, hash, kind, event_time, received_at, body)
    VALUES (%(site)s, %(journal)s, %(seq)s, sha256(%(seq)s::text::bytea), 'sale', now(), now(), '\\x00')
    """,
)


def fill(database: Database) -> None:
    """Tens of thousands of rows of the last months, consistent in every table."""
    with database.transaction() as connection:
        connection.execute(_FILL.replace("%%", "%").encode())


class OldIntake:
    """Two threads that book sale after sale, each with connections and prepared statements of its own, as the program of the old schema does.

    ``failed`` has what went wrong: a lock that was waited for longer than ``patience_s``, a statement that the schema no longer takes.
    """

    def __init__(self, database: Database, patience_s: float) -> None:
        self.failed: list[psycopg.Error] = []
        self.committed: dict[int, int] = {}
        self._database = database
        self._patience_ms = int(patience_s * 1000)
        self._ended = threading.Event()
        self._moved = threading.Condition()
        self._threads = [
            threading.Thread(target=self._book, args=(site, journal))
            for journal, site in enumerate(SITES[:2], 11)
        ]

    @property
    def count(self) -> int:
        """Sales committed so far."""
        return sum(self.committed.values())

    def wait_for_more(self, sales: int, within_s: float = 60.0) -> None:
        """Wait until so many more have been committed."""
        with self._moved:
            wanted = self.count + sales
            assert self._moved.wait_for(lambda: self.count >= wanted or bool(self.failed), within_s)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """The intake at work for as long as the block lasts."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()

    def _book(self, site: str, journal: int) -> None:
        with self._database.connect() as connection:
            connection.execute("SELECT set_config('countermark.sites', '*', false)")
            connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{self._patience_ms}ms",))
            connection.commit()
            seq = 0
            while not self._ended.is_set():
                seq += 1
                try:
                    with connection.transaction():
                        for statement in _SALE:
                            connection.execute(
                                statement, {"site": site, "journal": journal, "seq": seq, "gtin": GTIN}
                            )
                except psycopg.Error as error:
                    self.failed.append(error)
                    return
                finally:
                    with self._moved:
                        self._moved.notify_all()
                self.committed[journal] = seq
