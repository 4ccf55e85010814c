"""An empty database becomes the brand of a rehearsal: its tree, its goods, its tills."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from central import migrations
from central.costs import storage as costs
from central.costs.rules import CostRow
from central.database import Connection, Database
from central.errors import CentralError
from central.prices import storage as prices
from central.prices.rules import PriceRow
from central.rehearsal.journal import Journal
from central.rehearsal.trade import Trade
from central.rehearsal.world import BRAND, CURRENCY, TIME_ZONE

DISCOUNT_LIMIT_BP = 6000
OVERRIDE_LIMIT_BP = 2000
PRICE_TOLERANCE_BP = 50


class NotEmpty(CentralError):
    """The database has something in it."""


def prepare(database: Database) -> None:
    """Migrate an empty database. Raises :class:`NotEmpty` where there is anything in it."""
    with database.transaction() as connection:
        tables = connection.execute(
            """
            SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%%'
            """
        ).fetchone()
    if tables is not None and tables[0]:
        raise NotEmpty(
            f"the database has {tables[0]} tables already: a rehearsal fills a database with invented trade; name an empty one, "
            f"or none for one of its own"
        )
    migrations.migrate(database)


def lay_out(database: Database, trade: Trade, now: datetime) -> None:
    """Put in what stands before the first day."""
    with database.transaction() as connection:
        _sites(connection, trade)
        _products(connection, trade, now)
        for site in trade.world.sites:
            for lane, till in enumerate(site.tills, 1):
                _agent(connection, trade.journals[till], site.site, lane, now)
        connection.execute(
            """
            INSERT INTO till_limits (site_id, discount_limit_bp, override_limit_bp, override, price_tolerance_bp, updated_at, actor)
            VALUES ('', %s, %s, true, %s, %s, 'rehearsal')
            """,
            (DISCOUNT_LIMIT_BP, OVERRIDE_LIMIT_BP, PRICE_TOLERANCE_BP, now),
        )


def _sites(connection: Connection, trade: Trade) -> None:
    for one in trade.world.dealers:
        connection.execute(
            """
            INSERT INTO dealers (dealer_id, parent_id, name, path) VALUES (%s, %s, %s, %s)
            ON CONFLICT (dealer_id) DO UPDATE SET path = excluded.path
            """,
            (one.dealer, one.parent, "The brand" if one.dealer == BRAND else one.dealer, one.path),
        )
    for site in trade.world.sites:
        connection.execute(
            """
            INSERT INTO sites (site_id, dealer_id, kind, name, time_zone, currency, serving_site_id, latitude, longitude)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            (
                site.site, site.dealer.dealer, site.kind, site.site, TIME_ZONE, CURRENCY,
                site.warehouse if site.is_shop else None, site.latitude, site.longitude,
            ),
        )  # fmt: skip


def _products(connection: Connection, trade: Trade, now: datetime) -> None:
    goods = trade.world.goods
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO products (gtin, name, unit, department, category, serialised) VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (one.gtin, one.name, "kg" if one.weighed else "each", one.department, one.category, one.coded)
                for one in goods
            ],
        )
    rows = [
        PriceRow(
            price_list="default",
            gtin=one.gtin,
            price_minor=one.price_minor,
            currency=CURRENCY,
            valid_from=now,
        )
        for one in goods
    ]
    prices.put(connection, rows, now)
    costs.put(
        connection,
        [
            CostRow(gtin=one.gtin, currency=CURRENCY, valid_from=now, cost_minor=Decimal(one.cost_minor))
            for one in goods
        ],
    )


def _agent(connection: Connection, journal: Journal, site: str, lane: int, now: datetime) -> None:
    connection.execute(
        """
        INSERT INTO agents (agent_id, site_id, lane, public_key_pem, enrolled_at, boot_id, booted_at, clock_synced)
        VALUES (%s, %s, %s, '', %s, %s, %s, true)
        """,
        (journal.agent, site, str(lane), now, journal.boot_id, now),
    )
    connection.execute(
        "INSERT INTO epochs (agent_id, epoch, opening_hash, head_hash, cause, granted_at) VALUES (%s, %s, %s, %s, 'enrolled', %s)",
        (journal.agent, journal.epoch, journal.head, journal.head, now),
    )
