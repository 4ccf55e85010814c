"""Central's books for tests: a migrated database with a few sites and agents, an intake whose answers are kept, and machines.

A machine is the simulation's: the real sender over a journal in memory. Between it and the intake lie real frames.
"""

from __future__ import annotations

import itertools
import queue
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from central import migrations
from central.database import Database
from central.embedded.database import EmbeddedDatabase
from central.intake import Intake, Limits
from central.reconciliation.rebuild import compare_months, rebuild, zero_sum
from protocol.chain import genesis, links
from protocol.codec import encode
from protocol.delivery.vocabulary import Pace
from protocol.errors import Malformed
from protocol.events import (
    Body,
    Event,
    Moment,
    Sale,
    SaleLine,
    SaleReturned,
    SaleVoided,
    decode_event,
    encode_event,
)
from protocol.messages import (
    Ack,
    Batch,
    DownMessage,
    EpochGranted,
    HelloWanted,
    Message,
    Welcome,
)
from protocol.topics import topic
from tests.simulation.disk import Disk
from tests.simulation.machine import Machine

NOW_US = 1_790_000_000_000_000  # a Monday in September 2026
MILK, BREAD, CHEESE = "04012345678901", "05901234123457", "07622210449283"
_numbers = itertools.count(1)


def epoch_id(number: int) -> str:
    """A UUID for an epoch."""
    return f"00000000-0000-4000-8000-{number:012d}"


class Clock:
    """Central's clock: moves on by a millisecond with every look."""

    def __init__(self) -> None:
        self.now_us = NOW_US

    def __call__(self) -> int:
        self.now_us += 1_000
        return self.now_us


def event(body: Body, *, at_us: int = NOW_US, boot: str = "boot") -> bytes:
    """The bytes of an event; no two are alike."""
    number = next(_numbers)
    moment = Moment(
        event_time_us=at_us, record_time_us=at_us, monotonic_us=number, boot_id=boot, clock_synced=True
    )
    return encode_event(Event(at=moment, body=body))


def line(gtin: str = MILK, quantity: str = "1", amount_minor: int = 199, item: str | None = None) -> SaleLine:
    """One line of a receipt."""
    return SaleLine(gtin=gtin, quantity=Decimal(quantity), amount_minor=amount_minor, item=item)


def sale(*lines: SaleLine, sale_id: str | None = None) -> Sale:
    """A sale of these lines, or of one piece of milk."""
    number = next(_numbers)
    return Sale(
        sale_id=sale_id or f"sale-{number}", receipt=f"1-{number}", currency="EUR", lines=lines or (line(),)
    )


def void(of: Sale) -> SaleVoided:
    """The void of a sale."""
    return SaleVoided(
        void_id=f"void-{of.sale_id}", sale_id=of.sale_id, receipt=of.receipt, currency=of.currency, lines=of.lines,
        reason="changed mind",
    )  # fmt: skip


def returned(of: Sale, disposition: str = "restock") -> SaleReturned:
    """The return of all of a sale."""
    return SaleReturned(
        return_id=f"return-{of.sale_id}", receipt=f"r-{of.receipt}", currency=of.currency, lines=of.lines,
        disposition=disposition, sale_id=of.sale_id,
    )  # fmt: skip


def batch(epoch: str, first_seq: int, previous_hash: bytes, bodies: Sequence[bytes]) -> Batch:
    """A batch whose hashes fit."""
    hashes = links(previous_hash, first_seq, bodies)
    return Batch(
        epoch=epoch,
        first_seq=first_seq,
        previous_hash=previous_hash,
        head_hash=hashes[-1],
        bodies=tuple(bodies),
    )


def lay_out(
    database: Database, sites: Sequence[str] = ("north", "south"), agents_a_site: int = 1
) -> dict[str, str]:
    """Migrate, and put in dealers, sites, products and agents with their first epochs; agent -> its epoch."""
    migrations.migrate(database)
    epochs: dict[str, str] = {}
    with database.transaction() as connection:
        for site in sites:
            connection.execute(
                "INSERT INTO dealers (dealer_id, name, path) VALUES (%s, %s, %s)",
                (f"d-{site}", site, f"d-{site}/"),
            )
            connection.execute(
                """
                INSERT INTO sites (site_id, dealer_id, kind, name, currency, time_zone)
                VALUES (%s, %s, 'store', %s, 'EUR', 'Europe/Berlin')
                """,
                (site, f"d-{site}", site),
            )
            for lane in range(1, agents_a_site + 1):
                agent = f"{site}-{lane}"
                epochs[agent] = epoch_id(len(epochs) + 1)
                opening = genesis(agent, epochs[agent])
                connection.execute(
                    "INSERT INTO agents (agent_id, site_id, lane, public_key_pem) VALUES (%s, %s, %s, '')",
                    (agent, site, str(lane)),
                )
                connection.execute(
                    """
                    INSERT INTO epochs (agent_id, epoch, opening_hash, head_hash, cause)
                    VALUES (%s, %s, %s, %s, 'enrolled')
                    """,
                    (agent, epochs[agent], opening, opening),
                )
        for gtin, name in ((MILK, "Milk"), (BREAD, "Bread"), (CHEESE, "Cheese")):
            connection.execute("INSERT INTO products (gtin, name) VALUES (%s, %s)", (gtin, name))
            connection.execute("INSERT INTO prices VALUES ('default', %s, '2020-01-01', 250, 'EUR')", (gtin,))
    return epochs


_TEMPLATE = "books_template"


@contextmanager
def laid_out(server: EmbeddedDatabase) -> Iterator[str]:
    """The URL of a database as :func:`lay_out` makes it; copied from one that is made once, which is many times faster."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        made = connection.execute("SELECT FROM pg_database WHERE datname = %s", (_TEMPLATE,)).fetchone()
        if made is None:
            with Database(server.ensure_database(_TEMPLATE)) as database:
                lay_out(database)
        name = f"books_{uuid.uuid4().hex}"
        copy_database(server, _TEMPLATE, name)
    yield server.url(name)
    server.drop_database(name)


def copy_database(server: EmbeddedDatabase, source: str, target: str) -> None:
    """A copy of a database to which nobody is connected."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(command.format(sql.Identifier(target), sql.Identifier(source)))


class Central:
    """An intake over a database. Its answers wait in ``answers`` until a test delivers them, or does not."""

    def __init__(
        self, url: str, clock: Callable[[], int] | None = None, limits: Limits | None = None
    ) -> None:
        self.database = Database(url, pool_size=6)
        self.clock = clock or Clock()
        self.answers: queue.Queue[tuple[str, DownMessage]] = queue.Queue()
        self.intake = Intake(
            self.database, lambda agent, message: self.answers.put((agent, message)), self.clock, limits
        )

    def offer(self, agent: str, message: Message, channel: str = "up") -> None:
        """Hand a message to the intake as the link does."""
        name = topic("ask" if channel == "ask" else "up", agent)
        assert self.intake.offer(agent, channel, encode(message, name), NOW_US)

    def tell(self, agent: str, message: Message, channel: str = "up") -> list[DownMessage]:
        """Hand over one message, work it off, and return the answers to this agent."""
        self.offer(agent, message, channel)
        self.intake.drain()
        return [answer for to, answer in self.take_answers() if to == agent]

    def take_answers(self) -> list[tuple[str, DownMessage]]:
        """All answers so far."""
        taken = []
        while not self.answers.empty():
            taken.append(self.answers.get_nowait())
        return taken

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.database.transaction() as connection:
            return connection.execute(query, values).fetchall()


@contextmanager
def central(
    url: str, clock: Callable[[], int] | None = None, limits: Limits | None = None
) -> Iterator[Central]:
    """A central that lets go of its database at the end."""
    made = Central(url, clock, limits)
    try:
        yield made
    finally:
        made.close()


def machine(agent: str, epoch: str) -> Machine:
    """A machine with an empty journal."""
    return Machine(agent, Disk(agent, epoch), Pace())


def deliver(to: Machine, message: DownMessage) -> None:
    """Give a machine an answer."""
    if isinstance(message, Ack | Welcome | HelloWanted | EpochGranted):
        to.tell(message, NOW_US)


def exchange(central: Central, machines: Sequence[Machine], rounds: int = 60) -> None:
    """Let machines and central talk until nothing is left to send."""
    for one in machines:
        if not one.online:
            one.connect(NOW_US)
    for _ in range(rounds):
        for one in machines:
            letters, one.outbox = one.outbox, []
            for letter in letters:
                central.offer(one.agent, letter)
        central.intake.drain()
        for agent, answer in central.take_answers():
            for one in machines:
                if one.agent == agent:
                    deliver(one, answer)
        if all(one.quiet for one in machines):
            return
    raise AssertionError(f"not quiet: {[(one.name, one.state.phase) for one in machines]}")


def reconnect(one: Machine) -> None:
    """Lose the connection and come back, as any machine does now and then."""
    one.disconnect(NOW_US)
    one.connect(NOW_US)


def effects(central: Central) -> Counter[bytes]:
    """How often each fact has taken effect or stands in the quarantine. It should be once."""
    found = central.rows(
        "SELECT body FROM events WHERE repeats IS NULL UNION ALL SELECT body FROM quarantine"
    )
    return Counter(bytes(body) for (body,) in found)


def sold_by_hand(bodies: Sequence[bytes]) -> dict[str, Decimal]:
    """What the facts say was sold, per product, worked out without any of central's code."""
    sold: dict[str, Decimal] = {}
    for body in bodies:
        try:
            fact = decode_event(body).body
        except Malformed:
            continue
        if isinstance(fact, Sale | SaleVoided | SaleReturned):
            sign = 1 if isinstance(fact, Sale) else -1
            for one in fact.lines:
                sold[one.gtin] = sold.get(one.gtin, Decimal(0)) + sign * one.quantity
    return {gtin: quantity for gtin, quantity in sold.items() if quantity}


def sold_at_central(central: Central) -> dict[str, Decimal]:
    """What the balances say was sold, per product over all sites."""
    found = central.rows(
        "SELECT gtin, sum(quantity) FROM stock WHERE location = 'customer' GROUP BY gtin HAVING sum(quantity) <> 0"
    )
    return {str(gtin): Decimal(str(quantity)) for gtin, quantity in found}


def assert_books_hold(central: Central, accepted: Sequence[bytes]) -> None:
    """Every accepted fact once, and every figure the sum of its facts."""
    assert effects(central) == Counter(set(accepted))
    assert sold_at_central(central) == sold_by_hand(list(set(accepted)))
    with central.database.transaction() as connection:
        assert rebuild(connection) == []
        assert zero_sum(connection) == {}
    assert_values_hold(central)
    uneven = central.rows(
        """
        SELECT journal FROM epochs
        WHERE applied + repeated <> (SELECT count(*) FROM events WHERE events.journal = epochs.journal)
           OR quarantined <> (SELECT count(*) FROM quarantine WHERE quarantine.journal = epochs.journal)
        """
    )
    assert uneven == []


def assert_values_hold(central: Central) -> None:
    """At every site nothing is made or lost, in quantity and in value, and days and months are what their movements and receipts say."""
    with central.database.transaction() as connection:
        sites = [site for (site,) in connection.execute("SELECT site_id FROM sites")]
        assert compare_months(connection, sites) == []
    made_or_lost = """
    SELECT site_id, gtin FROM stock GROUP BY site_id, gtin HAVING sum(quantity) <> 0 OR sum(value_minor) <> 0
    """
    assert central.rows(made_or_lost) == []
    assert central.rows(_DAYS_AGAINST_MOVEMENTS) == []


_DAYS_AGAINST_MOVEMENTS: LiteralString = """
WITH told AS (
    SELECT site_id, business_day, gtin, flow_of(source, destination, cause) AS flow,
           sense_of(source, destination, cause) * quantity AS quantity,
           sense_of(source, destination, cause) * value_minor AS value_minor, 0 AS amount_minor
      FROM movements
    UNION ALL
    SELECT site_id, business_day, gtin, CASE sale_lines.kind WHEN 'return' THEN 'returned' ELSE 'sold' END, 0, 0,
           CASE sale_lines.kind WHEN 'return' THEN -amount_minor ELSE amount_minor END
      FROM sale_lines JOIN sites USING (site_id, currency)
), summed AS (
    SELECT site_id, business_day, gtin, flow, sum(quantity) AS quantity, sum(value_minor) AS value_minor, sum(amount_minor) AS amount_minor
      FROM told WHERE flow IS NOT NULL GROUP BY site_id, business_day, gtin, flow
)
SELECT site_id, business_day, gtin, flow, kept, summed FROM stock_days AS kept FULL JOIN summed USING (site_id, business_day, gtin, flow)
 WHERE (coalesce(kept.quantity, 0), coalesce(kept.value_minor, 0), coalesce(kept.amount_minor, 0))
    <> (coalesce(summed.quantity, 0), coalesce(summed.value_minor, 0), coalesce(summed.amount_minor, 0))
"""


def discrepancies(central: Central) -> list[tuple[str, str]]:
    """(class, site) of all discrepancies, in order."""
    return [
        (row[0], row[1]) for row in central.rows("SELECT class, site_id FROM discrepancies ORDER BY 1, 2")
    ]
