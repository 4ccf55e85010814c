"""Movements and balances in PostgreSQL.

The ``on_hand`` row of a product at a site is the lock of all its balances there: whoever moves any of them holds it, from before their
worth is worked out until the end of the transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from central.database import Connection
from central.database.bulk import Bulk, load, text_of
from central.ledger.counts import Counts
from central.ledger.entries import Entry, ProductKey, Site, Sum, changed
from central.ledger.rules import ON_HAND, QUARANTINE, BalanceKey
from central.ledger.valuation import Kept, Shelf, found

_MOVEMENTS = Bulk(
    "movements",
    """
    COPY movements (site_id, gtin, quantity, value_minor, source, destination, cause, journal, seq, document, line, event_time,
        recorded_at, business_day)
    FROM STDIN
    """,
    """
    INSERT INTO movements (site_id, gtin, quantity, value_minor, source, destination, cause, journal, seq, document, line, event_time,
        recorded_at, business_day)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)
_SEPARATOR = "\x1f"


def texts(*columns: Iterable[str]) -> tuple[str, ...]:
    """One text a column, for ``string_to_array(…, E'\\x1f')``: a list would be quoted element by element, which costs more than the rows
    themselves. No text of the ledger holds this sign: see :mod:`central.intake.bookable`."""
    return tuple(_SEPARATOR.join(column) for column in columns)


def sites_of(connection: Connection, sites: Collection[str]) -> dict[str, Site]:
    """What the ledger needs to know of sites."""
    rows = connection.execute(
        "SELECT site_id, currency, time_zone FROM sites WHERE site_id = ANY (%s)", (sorted(sites),)
    )
    return {site: Site(currency, time_zone) for site, currency, time_zone in rows}


def lock(
    connection: Connection, products: Collection[ProductKey], quarantined: Collection[ProductKey] = ()
) -> dict[ProductKey, Kept]:
    """Products as they are on the shelf, locked in the order of (site, gtin); with the quarantine of those that concern it.

    A product that a site never had gets its row here, so that two transactions that both bring it wait for each other as well.
    """
    wanted = sorted(products)
    kept = _lock(connection, wanted)
    missing = [key for key in wanted if key not in kept]
    if missing:
        connection.execute(
            """
            INSERT INTO stock (site_id, gtin, location, quantity)
            SELECT site_id, gtin, 'on_hand', 0
            FROM unnest(string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::bpchar[]) AS wanted (site_id, gtin)
            ON CONFLICT (site_id, gtin, location) DO NOTHING
            """,
            texts(*zip(*missing, strict=True)),
        )
        kept |= _lock(connection, missing)
    for (site, gtin), shelf in _quarantine(connection, sorted(quarantined)).items():
        kept[site, gtin].quarantine = shelf
    return kept


def _lock(connection: Connection, wanted: Sequence[ProductKey]) -> dict[ProductKey, Kept]:
    if not wanted:
        return {}
    # Row by row through the key: a join would rather read the whole table, which grows with every site.
    rows = connection.execute(
        """
        SELECT n, shelf.*
        FROM unnest(string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::bpchar[])
             WITH ORDINALITY AS wanted (site_id, gtin, n)
        CROSS JOIN LATERAL (
            SELECT quantity, value_minor, unit_cost_minor, counted_at, counted_in FROM stock
            WHERE stock.site_id = wanted.site_id AND stock.gtin = wanted.gtin AND location = 'on_hand'
            LIMIT 1 FOR NO KEY UPDATE
        ) AS shelf
        """,
        texts(*zip(*wanted, strict=True)),
    ).fetchall()
    return {
        wanted[n - 1]: Kept(
            on_hand=found(quantity, value_minor),
            quarantine=Shelf(),
            unit_cost_minor=unit_cost_minor,
            counted_at=counted_at,
            counted_in=counted_in,
            found_unit_cost_minor=unit_cost_minor,
        )
        for n, quantity, value_minor, unit_cost_minor, counted_at, counted_in in rows
    }


def _quarantine(connection: Connection, wanted: Sequence[ProductKey]) -> dict[ProductKey, Shelf]:
    if not wanted:
        return {}
    rows = connection.execute(
        """
        SELECT n, shelf.*
        FROM unnest(string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::bpchar[])
             WITH ORDINALITY AS wanted (site_id, gtin, n)
        CROSS JOIN LATERAL (
            SELECT quantity, value_minor FROM stock
            WHERE stock.site_id = wanted.site_id AND stock.gtin = wanted.gtin AND location = 'quarantine'
            LIMIT 1
        ) AS shelf
        """,
        texts(*zip(*wanted, strict=True)),
    )
    return {wanted[n - 1]: found(quantity, value_minor) for n, quantity, value_minor in rows}


def counts_of(connection: Connection, products: Collection[ProductKey]) -> Counts:
    """The counts of products that have been booked."""
    wanted = sorted(products)
    if not wanted:
        return Counts()
    rows = connection.execute(
        """
        SELECT site_id, gtin, lines.counted_at, stocktake_id
        FROM unnest(string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::bpchar[]) AS wanted (site_id, gtin)
        JOIN stocktake_lines AS lines USING (site_id, gtin)
        WHERE lines.state = 'booked'
        """,
        texts(*zip(*wanted, strict=True)),
    )
    return Counts(rows.fetchall())


def note_unit_costs(connection: Connection, site: str, unit_costs_minor: Mapping[str, Decimal]) -> None:
    """Remember what a unit of products (gtin -> minor units) is worth at a site. Their shelves are locked."""
    connection.execute(
        """
        UPDATE stock SET unit_cost_minor = worth.cost FROM unnest(%s::bpchar[], %s::numeric[]) AS worth (gtin, cost)
        WHERE site_id = %s AND stock.gtin = worth.gtin AND location = 'on_hand'
        """,
        (list(unit_costs_minor), list(unit_costs_minor.values()), site),
    )


def append(connection: Connection, movements: Sequence[Entry]) -> None:
    """Append movements. A ``document`` that has been booked before is refused by the database (UniqueViolation): whoever books documents
    asks first."""
    _book_documents(connection, movements)
    load(
        connection,
        _MOVEMENTS,
        (
            (
                posting.site,
                posting.movement.gtin,
                posting.movement.quantity,
                entry.value_minor,
                posting.movement.source,
                posting.movement.destination,
                posting.movement.cause,
                posting.journal,
                posting.seq,
                posting.document,
                posting.movement.line,
                text_of(posting.event_time),
                text_of(posting.recorded_at),
                text_of(posting.business_day),
            )
            for entry in movements
            for posting in (entry.posting,)
        ),
    )


def _book_documents(connection: Connection, movements: Sequence[Entry]) -> None:
    """A document is booked once, and in one go. What an event is behind is booked once because the event is."""
    documents = {
        (entry.posting.site, entry.posting.document): entry.posting.recorded_at
        for entry in movements
        if entry.posting.document is not None and entry.posting.journal is None
    }
    if not documents:
        return
    keys = sorted(documents)
    connection.execute(
        """
        INSERT INTO booked_documents (site_id, document, recorded_at)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[])
        """,
        ([site for site, _ in keys], [document for _, document in keys], [documents[key] for key in keys]),
    )


def carry(
    connection: Connection, balances: Mapping[BalanceKey, Sum], kept: Mapping[ProductKey, Kept]
) -> None:
    """Carry balances along with what has changed in them. The shelves among them are locked."""
    rows = changed(balances)
    if not rows:
        return
    connection.execute(
        """
        INSERT INTO stock AS balance (site_id, gtin, location, quantity, value_minor, unit_cost_minor)
        SELECT site_id, gtin, location, quantity, value_minor, nullif(unit_cost, '')::numeric
        FROM unnest(string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::bpchar[], string_to_array(%s, E'\x1f'),
                    string_to_array(%s, E'\x1f')::numeric[], string_to_array(%s, E'\x1f')::bigint[], string_to_array(%s, E'\x1f'))
             AS changed (site_id, gtin, location, quantity, value_minor, unit_cost)
        ON CONFLICT (site_id, gtin, location) DO UPDATE
           SET quantity = balance.quantity + EXCLUDED.quantity,
               value_minor = balance.value_minor + EXCLUDED.value_minor,
               unit_cost_minor = coalesce(EXCLUDED.unit_cost_minor, balance.unit_cost_minor)
        """,
        texts(
            [site for (site, _, _), _ in rows],
            [gtin for (_, gtin, _), _ in rows],
            [location for (_, _, location), _ in rows],
            [str(change.quantity) for _, change in rows],
            [str(change.value_minor) for _, change in rows],
            [_new_unit_cost(key, kept) for key, _ in rows],
        ),
    )


def _new_unit_cost(key: BalanceKey, kept: Mapping[ProductKey, Kept]) -> str:
    """What a unit on a shelf is worth now, if that has changed."""
    site, gtin, location = key
    if location != ON_HAND:
        return ""
    product = kept[site, gtin]
    same = product.unit_cost_minor == product.found_unit_cost_minor
    return "" if same or product.unit_cost_minor is None else str(product.unit_cost_minor)


def concerns_quarantine(source: str, destination: str) -> bool:
    """Whether a movement needs to know what lies in quarantine."""
    return QUARANTINE in (source, destination)
