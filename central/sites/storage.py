"""Sites and dealers in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg.rows import dict_row

from central.database import Connection
from central.despatches import destinations
from central.imports.rules import Fault, Numbered
from central.sites.places import Place, Places
from central.sites.rules import SiteRow, child_path

_SITE = """
SELECT site_id AS site, name, kind, dealer_id AS dealer, time_zone, currency, price_list, serving_site_id AS serving_site,
       latitude, longitude, closed_at, created_at
  FROM sites
"""


def find(connection: Connection, site: str) -> dict[str, Any] | None:
    """A site, None if there is none that this transaction may see."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SITE + "WHERE site_id = %s", (site,)).fetchone()


def page(connection: Connection, *, kind: str | None, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Sites by their ids, after ``after``."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _SITE
            + """
            WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) AND (%(after)s::text IS NULL OR site_id > %(after)s)
            ORDER BY site_id LIMIT %(limit)s
            """,
            {"kind": kind, "after": after, "limit": limit},
        ).fetchall()


def places(connection: Connection, sites: Iterable[str]) -> Places:
    """Where sites are, on the map and in the tree of dealers."""
    found = connection.execute(
        "SELECT site_id, path, latitude, longitude FROM sites JOIN dealers USING (dealer_id) WHERE site_id = ANY (%s)",
        (sorted(set(sites)),),
    )
    return Places(
        {
            site: Place(path=path, latitude=latitude, longitude=longitude)
            for site, path, latitude, longitude in found
        }
    )


def dealers(connection: Connection, *, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Dealers by their ids, after ``after``: those whose subtree holds a site that this transaction may see."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT d.dealer_id AS dealer, d.parent_id AS parent, d.name, d.path FROM dealers d
             WHERE (%(after)s::text IS NULL OR d.dealer_id > %(after)s)
               AND (may_see('*') OR EXISTS (SELECT FROM sites s WHERE s.dealer_id = d.dealer_id))
             ORDER BY d.dealer_id LIMIT %(limit)s
            """,
            {"after": after, "limit": limit},
        ).fetchall()


def dealer_path(connection: Connection, dealer: str) -> str | None:
    """Where a dealer stands in the tree, None for one that is not there."""
    row = connection.execute("SELECT path FROM dealers WHERE dealer_id = %s", (dealer,)).fetchone()
    return None if row is None else str(row[0])


def put_dealer(connection: Connection, dealer: str, name: str | None, parent: str | None) -> str | None:
    """Add a dealer, or rename it; None if done, else why not. A dealer stays where it is in the tree."""
    kept = connection.execute(
        "SELECT parent_id FROM dealers WHERE dealer_id = %s FOR UPDATE", (dealer,)
    ).fetchone()
    if kept is not None:
        if parent is not None and parent != kept[0]:
            return f"dealer {dealer!r} stands below {kept[0] or 'nobody'!r} and cannot be moved"
        connection.execute(
            "UPDATE dealers SET name = coalesce(%s, name) WHERE dealer_id = %s", (name, dealer)
        )
        return None
    parent_path = dealer_path(connection, parent) if parent is not None else ""
    if parent_path is None:
        return f"dealer {parent!r}, its parent: not known here; add it first"
    connection.execute(
        """
        INSERT INTO dealers (dealer_id, parent_id, name, path) VALUES (%s, %s, %s, %s) ON CONFLICT (dealer_id) DO NOTHING
        """,
        (dealer, parent, name or dealer, child_path(parent_path, dealer)),
    )
    return None


def put_sites(connection: Connection, rows: Sequence[Numbered[SiteRow]]) -> list[Fault]:
    """Add or change sites and the dealers they name; the rows that could not be written. Dealers come first, then sites,
    then who serves whom, so that the order of the lines does not matter."""
    faults: list[Fault] = []
    good = []
    for numbered in _parents_first(rows):
        row = numbered.row
        why_not = put_dealer(connection, row.dealer, row.dealer_name, row.dealer_parent)
        if why_not is not None:
            faults.append(
                Fault(numbered.line, "dealer", row.dealer, f"a dealer that fits the tree: {why_not}")
            )
        else:
            good.append(numbered)
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO sites (site_id, dealer_id, kind, name, time_zone, currency, price_list, latitude, longitude)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (site_id) DO UPDATE
               SET dealer_id = excluded.dealer_id, kind = excluded.kind, name = excluded.name, time_zone = excluded.time_zone,
                   currency = excluded.currency, price_list = excluded.price_list,
                   latitude = coalesce(excluded.latitude, sites.latitude),
                   longitude = coalesce(excluded.longitude, sites.longitude)
            """,
            [
                (
                    row.site,
                    row.dealer,
                    row.kind,
                    row.name,
                    row.time_zone,
                    row.currency,
                    row.price_list,
                    row.latitude,
                    row.longitude,
                )
                for row in (numbered.row for numbered in good)
            ],
        )
    faults += _serve(connection, good)
    destinations.announce_changes(connection, [numbered.row.site for numbered in good])
    return faults


def _serve(connection: Connection, rows: Sequence[Numbered[SiteRow]]) -> list[Fault]:
    wanted = {numbered.row.serving_site for numbered in rows} - {None}
    found = connection.execute(
        "SELECT site_id FROM sites WHERE site_id = ANY(%s)", (list(wanted),)
    ).fetchall()
    known = {site for (site,) in found}
    faults = []
    for numbered in rows:
        serving = numbered.row.serving_site
        if serving is not None and serving not in known:
            faults.append(
                Fault(
                    numbered.line, "serving_site", serving, "a site that exists; the site itself was imported"
                )
            )
            continue
        connection.execute(
            "UPDATE sites SET serving_site_id = %s WHERE site_id = %s AND serving_site_id IS DISTINCT FROM %s",
            (serving, numbered.row.site, serving),
        )
    return faults


def _parents_first(rows: Iterable[Numbered[SiteRow]]) -> list[Numbered[SiteRow]]:
    """Rows whose dealer is the parent of another's come first; a ring stays as it is and is found when it is written."""
    waiting, ordered, placed = list(rows), [], set()
    own = {numbered.row.dealer for numbered in waiting}
    while waiting:
        ready = [
            numbered
            for numbered in waiting
            if numbered.row.dealer_parent not in own or numbered.row.dealer_parent in placed
        ] or waiting
        ordered += ready
        placed |= {numbered.row.dealer for numbered in ready}
        waiting = [numbered for numbered in waiting if numbered not in ready]
    return ordered
