"""Books of many millions of movements, for the benches that ask how cost grows: made by set-based SQL, the same in every table as if each sale
had been taken in, month by month, each month a partition.

One piece costs 100 minor units everywhere, so the moving average is 100 and every value follows from its quantity. Every sale has three lines
and one payment; one line in fifty sells an item with a code of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from bench.intake import GTINS, LINES_A_SALE, PRICES, epoch
from bench.surroundings import Progress, temporary_place
from central import migrations
from central.database import Connection, Database
from central.embedded.database import start_database
from central.partitions.rules import Table, months_later
from central.partitions.storage import partitions
from protocol.chain import genesis

FILL_SETTINGS: Mapping[str, str] = {
    # What is made anew in one transaction needs no log then, and nothing is worth keeping before the fill is done.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "off",
    "max_wal_size": "8GB",
    "maintenance_work_mem": "768MB",
    "max_parallel_maintenance_workers": "0",
    "autovacuum": "off",
    "work_mem": "256MB",
}
MEASURE_SETTINGS: Mapping[str, str] = {"autovacuum": "off"}
"""A vacuum of what was just filled would be measured with whatever it falls upon."""
OPENING = 10_000_000
COST_MINOR = 100
_HISTORY = 1_000_000  # numbers of the journals that brought the past

# The line number n tells all of a line; its sale is n / 3. All other tables follow from the movements of the month.
_MOVEMENTS = """
    INSERT INTO :partition (site_id, movement_id, gtin, quantity, value_minor, source, destination, cause, journal, seq, line, event_time,
        recorded_at, business_day)
    SELECT 'site-' || sale % :sites, 1000000000 + n, '0' || (4000000000000 + product)::text, 1 + n % 3, 100 * (1 + n % 3), 'on_hand', 'customer',
           'sale', :journal + sale % :sites, sale / :sites + 1, n % 3, at, at, at::date
      FROM (:numbers) AS numbered (n),
           LATERAL (SELECT n / 3 AS sale, floor(1000 * ((hashint8(n) & 16777215) / 16777216.0::float8) ^ 2)::bigint AS product) AS made,
           LATERAL (SELECT to_timestamp(:from_s + (sale - :first / 3) * :step_s) AS at) AS timed
"""
_AS_THEY_CAME = ("SELECT generate_series(:first, :last - 1)",)
"""Every site's sales among those of the others."""
_FOLLOWING: dict[Table, str] = {
    Table.STOCK_DAYS: """
        INSERT INTO :partition (site_id, business_day, gtin, flow, quantity, value_minor, amount_minor)
        SELECT site_id, business_day, gtin, 'sold', sum(quantity), sum(value_minor), sum(99 + movement_id * 7 % 900)
          FROM :movements GROUP BY site_id, business_day, gtin ORDER BY business_day, site_id, gtin
    """,
    Table.SALE_LINES: """
        INSERT INTO :partition (site_id, journal, seq, line, kind, sale_id, receipt, gtin, quantity, amount_minor, discount_minor, currency, item,
            event_time, business_day)
        SELECT site_id, journal, seq, line, 'sale', 'h' || movement_id / 3, seq::text, gtin, quantity, 99 + movement_id * 7 % 900, 0, 'EUR',
               CASE WHEN movement_id % 50 = 0 THEN '01' || gtin || '21h' || movement_id END, event_time, business_day
          FROM :movements
    """,
    Table.EVENTS: """
        INSERT INTO :partition (site_id, journal, seq, hash, kind, event_time, received_at, body)
        SELECT site_id, journal, seq, sha256(int8send(movement_id)), 'sale', event_time, recorded_at,
               convert_to(repeat(md5(movement_id::text), 12), 'UTF8')
          FROM :movements WHERE line = 0
    """,
    Table.PAYMENTS: """
        INSERT INTO :partition (site_id, business_day, journal, seq, line, kind, sale_id, method, amount_minor, currency, event_time)
        SELECT site_id, business_day, journal, seq, 0, 'sale', 'h' || movement_id / 3, 'cash',
               297 + movement_id * 7 % 900 + (movement_id + 1) * 7 % 900 + (movement_id + 2) * 7 % 900, 'EUR', event_time
          FROM :movements WHERE line = 0
    """,
    Table.ITEM_TRACE: """
        INSERT INTO :partition (item, trace_id, action, from_state, to_state, legal, site_id, journal, seq, event_time, recorded_at)
        SELECT '01' || gtin || '21h' || movement_id, movement_id, 'sell', 'sellable', 'sold', true, site_id, journal, seq, event_time, recorded_at
          FROM :movements WHERE movement_id % 50 = 0
    """,
}
_CARRIED = """
    INSERT INTO items (item, gtin, state, site_id, sold_at, sold_site_id, sold_journal, sold_seq, standing_sales)
    SELECT '01' || gtin || '21h' || movement_id, gtin, 'sold', site_id, event_time, site_id, journal, seq, 1
      FROM :movements WHERE movement_id % 50 = 0 ORDER BY 1;
    INSERT INTO stock_months (site_id, month, gtin, flow, quantity, value_minor, amount_minor)
    SELECT site_id, ':month', gtin, flow, sum(quantity), sum(value_minor), sum(amount_minor)
      FROM stock_days WHERE business_day >= ':month' AND business_day < ':until' AND flow = 'sold'
     GROUP BY site_id, gtin, flow ORDER BY site_id, gtin;
    INSERT INTO stock AS kept (site_id, gtin, location, quantity, value_minor)
    SELECT site_id, gtin, location, sign * quantity, sign * value_minor
      FROM stock_months, (VALUES ('on_hand', -1), ('customer', 1)) AS leg (location, sign) WHERE month = ':month' AND flow = 'sold'
    ON CONFLICT (site_id, gtin, location) DO UPDATE
       SET quantity = kept.quantity + excluded.quantity, value_minor = kept.value_minor + excluded.value_minor;
    UPDATE epochs SET next_seq = :last / 3 / :sites + 1, applied = :last / 3 / :sites WHERE journal >= :journal AND journal < :journal + :sites;
"""


NAME = "countermark"
"""The database of the filled books."""


@contextmanager
def filled(kept: Path | None, millions: int, sites: int) -> Iterator[Path]:
    """A directory with a database of ``millions`` of movements, not running, as a vacuum would have left it long ago. In ``kept`` it stays, and is
    used again."""
    if kept is None:
        with temporary_place() as place:
            _fill(place / "database", millions, sites)
            yield place
        return
    kept.mkdir(parents=True, exist_ok=True)
    kept.chmod(0o711)
    done = kept / f"filled-{millions}-{sites}"
    if not done.exists():
        _fill(kept / "database", millions, sites)
        done.touch()
    yield kept.resolve()


def _fill(directory: Path, millions: int, sites: int) -> None:
    with (
        start_database(directory, settings=FILL_SETTINGS) as server,
        Database(server.ensure_database(NAME)) as database,
    ):
        books = GrownBooks(database, sites)
        books.lay_out()
        books.grow(millions * 1_000_000, 12)
        with database.connect() as connection:
            connection.autocommit = True
            connection.execute("VACUUM (ANALYZE)")


class GrownBooks:
    """Books that grow, month after month, up to the present one."""

    def __init__(self, database: Database, sites: int, months: int = 12, *, by_site: bool = False) -> None:
        """``by_site`` puts the rows of a month down site by site: its indexes are then made in half the time, and reading a day finds its rows
        closer together than it would in books that were kept."""
        self.database = database
        self.sites = sites
        self._by_site = by_site
        self._months = months
        self._lines = 0
        self._month = months_later(datetime.now(UTC).date(), -months)

    def lay_out(self) -> None:
        """The schema, products, sites with an agent each, and what they had on the shelf at the beginning."""
        migrations.migrate(self.database)
        with self.database.transaction() as connection:
            _one_partition_a_month(connection, self._month)
            connection.execute("INSERT INTO dealers (dealer_id, name, path) VALUES ('d', 'd', 'd/')")
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO products (gtin, name) VALUES (%s, 'x')", [(gtin,) for gtin in GTINS]
                )
                cursor.executemany(
                    "INSERT INTO prices VALUES ('default', %s, '2020-01-01', %s, 'EUR')", list(PRICES.items())
                )
            for number in range(self.sites):
                _lay_out_site(connection, number)
            # First those that brought the past, so that their journals are numbered in a row; then one a site that has brought nothing yet.
            for number in range(self.sites):
                _lay_out_agent(connection, number, f"past-{number}", "1", epoch(_HISTORY + number))
            for number in range(self.sites):
                _lay_out_agent(connection, number, f"agent-{number}", "2", epoch(number))
            self._journal = _value(
                connection, "SELECT min(journal) FROM epochs WHERE agent_id LIKE 'past-%%'"
            )
            connection.execute(_opening(self._month))

    def grow(self, lines: int, months: int) -> None:
        """Sales of the next ``months`` months, until there have been ``lines`` of their lines altogether."""
        step = LINES_A_SALE * self.sites
        first, wanted = self._lines, lines // step * step
        bar = Progress(f"{lines:,} movements", months)
        following: threading.Thread | None = None
        for number in range(1, months + 1):
            last = wanted if number == months else first + (wanted - first) * number // months // step * step
            words = self._words(self._lines, last)
            self._make(Table.MOVEMENTS, _MOVEMENTS, words, self._numbers())
            if following is not None:
                following.join()
            following = threading.Thread(target=self._follow, args=(words,))
            following.start()  # beside the movements of the next month
            self._lines, self._month = last, months_later(self._month, 1)
            bar.show(number)
        if following is not None:
            following.join()

    def _words(self, first: int, last: int) -> Mapping[str, str]:
        """What is put into the SQL for the month that is next."""
        month, until = self._month, months_later(self._month, 1)
        from_s = datetime(month.year, month.month, 1, tzinfo=UTC).timestamp()
        until_s = datetime(until.year, until.month, 1, tzinfo=UTC).timestamp()
        return {
            ":movements": f"movements_{month:%Y_%m}",
            ":sites": str(self.sites),
            ":journal": str(self._journal),
            ":first": f"{first}::bigint",
            ":last": f"{last}::bigint",
            ":from_s": f"{from_s}::float8",
            ":step_s": f"{(until_s - from_s) / ((last - first) / LINES_A_SALE)}::float8",
            ":month": str(month),
            ":until": str(until),
        }

    def _follow(self, words: Mapping[str, str]) -> None:
        """Everything that follows from the movements of a month."""
        for table, made in _FOLLOWING.items():
            self._make(table, made, words)
        with self.database.transaction() as connection:
            connection.execute(_filled_in(_CARRIED, words).encode())

    def _numbers(self) -> Sequence[str]:
        """Where the numbers of lines come from, statement by statement."""
        if not self._by_site:
            return _AS_THEY_CAME
        in_order = sorted(range(self.sites), key=str)  # as the index has them
        return [
            f"SELECT n FROM generate_series(:first / 3 + {place}, :last / 3 - 1, :sites) AS sale, LATERAL generate_series(sale * 3, sale * 3 + 2) AS n"
            for place in in_order
        ]

    def _make(
        self, table: Table, made: str, words: Mapping[str, str], numbers: Sequence[str] = ("",)
    ) -> None:
        name = f"{table}_{words[':month'][:7].replace('-', '_')}"
        create = f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        attach = f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (':month') TO (':until')"
        with self.database.transaction() as connection:
            connection.execute(create.encode())
            for one in numbers:
                connection.execute(_filled_in(made, {":partition": name, ":numbers": one, **words}).encode())
            connection.execute("SELECT isolate_by_site(%s)", (name,))
            connection.execute(_filled_in(attach, words).encode())


def _filled_in(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _value(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _one_partition_a_month(connection: Connection, first: date) -> None:
    """As in books that have been divided for years: nothing older than the first month, and the present one with its own."""
    present = datetime.now(UTC).date().replace(day=1)
    for table, there in partitions(connection).items():
        oldest = there[0]
        assert oldest.end is not None
        connection.execute(f"DROP TABLE {oldest.name}".encode())
        month = present
        while month < oldest.end:
            connection.execute("SELECT make_partition(%s, %s)", (table, month))
            month = months_later(month, 1)
        connection.execute("SELECT make_partition(%s, %s)", (table, months_later(first, -1)))


def _lay_out_site(connection: Connection, number: int) -> None:
    """A site."""
    connection.execute(
        "INSERT INTO sites (site_id, dealer_id, kind, name, currency) VALUES (%s, 'd', 'store', 'x', 'EUR')",
        (f"site-{number}",),
    )


def _lay_out_agent(connection: Connection, number: int, agent: str, lane: str, of: str) -> None:
    """A machine of a site, with an empty journal."""
    opening = genesis(agent, of)
    connection.execute(
        "INSERT INTO agents (agent_id, site_id, lane, public_key_pem, seen_at) VALUES (%s, %s, %s, '', now())",
        (agent, f"site-{number}", lane),
    )
    connection.execute(
        "INSERT INTO epochs (agent_id, epoch, opening_hash, head_hash, cause) VALUES (%s, %s, %s, %s, 'enrolled')",
        (agent, of, opening, opening),
    )


def _opening(month: date) -> bytes:
    """Goods enough for all sales, received on the last day before the first month."""
    return f"""
        CREATE TEMP TABLE opened ON COMMIT DROP AS
        SELECT site_id, gtin, '{month}'::timestamptz - interval '1 hour' AS at, row_number() OVER () AS n FROM sites, products;
        INSERT INTO movements (site_id, gtin, quantity, value_minor, source, destination, cause, document, line, event_time, recorded_at,
            business_day)
        SELECT site_id, gtin, {OPENING}, {OPENING * COST_MINOR}, 'supplier', 'on_hand', 'opening', 'opening:' || site_id, n, at, at, at::date
          FROM opened;
        INSERT INTO booked_documents SELECT DISTINCT site_id, 'opening:' || site_id, at FROM opened;
        INSERT INTO stock (site_id, gtin, location, quantity, value_minor, unit_cost_minor)
        SELECT site_id, gtin, location, sign * {OPENING}, sign * {OPENING * COST_MINOR}, CASE WHEN sign > 0 THEN {COST_MINOR} END
          FROM opened, (VALUES ('on_hand', 1), ('supplier', -1)) AS leg (location, sign);
        INSERT INTO stock_days (site_id, business_day, gtin, flow, quantity, value_minor)
        SELECT site_id, at::date, gtin, 'received', {OPENING}, {OPENING * COST_MINOR} FROM opened;
        INSERT INTO stock_months (site_id, month, gtin, flow, quantity, value_minor)
        SELECT site_id, date_trunc('month', at)::date, gtin, 'received', {OPENING}, {OPENING * COST_MINOR} FROM opened;
    """.encode()
