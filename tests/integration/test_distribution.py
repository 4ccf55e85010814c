"""The schema can be spread over several machines: from the catalogue of a migrated database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from central.database import Connection, Database
from central.database.distribution import DISTRIBUTED, EVERYWHERE, KNOWN_BY_KEY

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
_KEYS = """
SELECT t.relname, i.relname, (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = t.oid AND attnum = ANY (indkey))
  FROM pg_index JOIN pg_class t ON t.oid = indrelid JOIN pg_class i ON i.oid = indexrelid
 WHERE indisunique AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition ORDER BY 1, 2
"""
_REFERENCES = """
SELECT conname, conrelid::regclass::text, confrelid::regclass::text,
       ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (n, place) JOIN pg_attribute ON attrelid = conrelid AND attnum = n
             ORDER BY place),
       ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k (n, place) JOIN pg_attribute ON attrelid = confrelid AND attnum = n
             ORDER BY place)
  FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conparentid = 0 ORDER BY 1
"""
_BY_SITE = """
SELECT polrelid::regclass::text, (regexp_match(pg_get_expr(polwithcheck, polrelid), 'may_see\\((\\w+)\\)'))[1]
  FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid WHERE NOT relispartition
"""


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with Database(database_url) as database, database.transaction() as opened:
        yield opened


def faults(connection: Connection) -> list[str]:
    """Everything that would be in the way, in sentences that name the table and its key."""
    return [
        *_of_the_list(connection),
        *_of_keys(connection),
        *_of_references(connection),
        *_of_what_keys_tell(connection),
    ]


def _of_the_list(connection: Connection) -> Iterator[str]:
    there = {name for (name,) in connection.execute(_TABLES)}
    listed = {*DISTRIBUTED, *EVERYWHERE}
    for table in sorted(there - listed):
        yield f"table {table} is not in central/database/distribution.py: say by which column it is spread, or why it stands everywhere"
    for table in sorted(listed - there):
        yield f"table {table} is in central/database/distribution.py and not in the schema"
    for table in sorted(DISTRIBUTED.keys() & EVERYWHERE.keys()):
        yield f"table {table} cannot be both spread and everywhere"


def _of_keys(connection: Connection) -> Iterator[str]:
    for table, key, columns in connection.execute(_KEYS):
        column = DISTRIBUTED.get(table)
        if column is not None and column not in columns:
            yield f"table {table}: its key {key} ({', '.join(columns)}) does not contain {column}, by which its rows are spread"


def _of_references(connection: Connection) -> Iterator[str]:
    for name, table, other, columns, others in connection.execute(_REFERENCES):
        if other in EVERYWHERE:
            continue
        if table in EVERYWHERE:
            yield f"table {table}: {name} leads from a table that stands everywhere to {other}, whose rows are spread"
        elif (DISTRIBUTED[table], DISTRIBUTED[other]) not in zip(columns, others, strict=True):
            yield f"table {table}: {name} ({', '.join(columns)}) does not lead to {other} by the columns by which both are spread"


def _of_what_keys_tell(connection: Connection) -> Iterator[str]:
    site_of: dict[str, str] = dict(connection.execute(_BY_SITE).fetchall())
    for table, key, columns in connection.execute(_KEYS):
        if table in site_of and table not in KNOWN_BY_KEY and site_of[table] not in columns:
            yield f"table {table}: its key {key} ({', '.join(columns)}) tells a dealer that another site has such a row"
    for table in sorted(KNOWN_BY_KEY.keys() - site_of.keys()):
        yield f"table {table} is excused by KNOWN_BY_KEY, and no row-level security divides it by site"


def test_every_table_can_be_spread_by_a_column_of_all_its_keys(connection: Connection) -> None:
    assert faults(connection) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "ALTER TABLE stock ADD CONSTRAINT one_place UNIQUE (gtin, location)",
            [
                "table stock: its key one_place (gtin, location) does not contain site_id, by which its rows are spread",
                "table stock: its key one_place (gtin, location) tells a dealer that another site has such a row",
            ],
        ),
        (
            "ALTER TABLE invoices ADD CONSTRAINT of_it FOREIGN KEY (site_id, despatch_id) REFERENCES despatches (to_site_id, despatch_id)",
            [],
        ),
        (
            "ALTER TABLE invoices ADD CONSTRAINT of_it FOREIGN KEY (from_site_id, despatch_id) REFERENCES despatches (to_site_id, despatch_id)",
            [
                "table invoices: of_it (from_site_id, despatch_id) does not lead to despatches by the columns by which both are spread"
            ],
        ),
        (
            "ALTER TABLE products ADD COLUMN item text CONSTRAINT one_of_it REFERENCES items",
            [
                "table products: one_of_it leads from a table that stands everywhere to items, whose rows are spread"
            ],
        ),
        (
            "CREATE TABLE novelties (site_id text PRIMARY KEY)",
            [
                "table novelties is not in central/database/distribution.py: say by which column it is spread, or why it stands everywhere"
            ],
        ),
        (
            "CREATE UNIQUE INDEX two_sites_one_day ON day_closings (business_day)",
            [
                "table day_closings: its key two_sites_one_day (business_day) does not contain site_id, by which its rows are spread",
                "table day_closings: its key two_sites_one_day (business_day) tells a dealer that another site has such a row",
            ],
        ),
    ],
)
def test_what_is_in_the_way_is_named_with_its_table_and_key(
    connection: Connection, change: str, said: list[str]
) -> None:
    connection.execute(change.encode())
    assert faults(connection) == said
