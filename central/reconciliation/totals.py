"""Totals over many sites, up the tree of dealers, from days and months."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from central.database import Connection
from central.reconciliation.flows import closings
from central.reconciliation.periods import By, Span
from central.reconciliation.ranges import refuse
from central.reconciliation.statement import UnknownSite
from central.reconciliation.tree import (
    DealerNode,
    NodeValues,
    SiteFlow,
    SiteNode,
    above,
    of_sites,
    roll_up,
)


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: one site, or the subtree of a dealer, or all that may be seen. ``root`` is the dealer at the root of what the caller may
    see, where it is one."""

    root: str | None = None
    sees_dealers: bool = True
    dealer: str | None = None
    site: str | None = None


class TreeTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of a range, a page of them: dealers and sites in the order of the tree."""

    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    by: By
    gtin: str | None
    items: tuple[NodeValues, ...]
    next: str | None = None


def tree_totals(
    connection: Connection, scope: Scope, span: Span, by: By, gtin: str | None = None
) -> list[NodeValues]:
    """Every node of the tree that is asked for and may be seen. Raises :class:`UnknownSite` for a dealer or site that may not."""
    refuse(connection, span, by)
    prefix = _prefix(connection, scope)
    sites = _sites(connection, scope, prefix)
    if scope.site is not None and not sites:
        raise UnknownSite(
            f"site {scope.site!r}: there is none of this id; GET /v1/sites lists those you may see"
        )
    shows_dealers = scope.sees_dealers and scope.site is None
    dealers = _dealers(connection, prefix, sites) if shows_dealers else []
    names = [site.site for site in sites]
    pieces = list(span.pieces(by))
    sums = of_sites(
        sites,
        _flows(connection, names, span, by, gtin),
        closings(connection, names, span.last, gtin),
        pieces,
    )
    nodes = roll_up(dealers, sites, sums, pieces, with_quantities=gtin is not None)
    # Who stands above what may be seen is nobody's business.
    hidden = len(_above_root(prefix)) if scope.sees_dealers else None
    return [
        msgspec.structs.replace(node, path=node.path[hidden:] if hidden is not None else f"{node.dealer}/")
        for node in nodes
    ]


def _prefix(connection: Connection, scope: Scope) -> str:
    """The path of the subtree that is asked for, within what the caller may see; '' for all of it."""
    root = _path(connection, scope.root) if scope.root is not None else ""
    assert root is not None
    if scope.dealer is None:
        return root
    asked = _path(connection, scope.dealer) if scope.sees_dealers else None
    if asked is None or not asked.startswith(root):
        raise UnknownSite(f"dealer {scope.dealer!r}: not known here; GET /v1/dealers lists those you may see")
    return asked


def _path(connection: Connection, dealer: str) -> str | None:
    row = connection.execute("SELECT path FROM dealers WHERE dealer_id = %s", (dealer,)).fetchone()
    return None if row is None else str(row[0])


def _above_root(prefix: str) -> str:
    """What stands before the last name of a path."""
    return (above(prefix)[-2:-1] or [""])[0] if prefix else ""


def _sites(connection: Connection, scope: Scope, prefix: str) -> list[SiteNode]:
    found = connection.execute(
        """
        SELECT site_id, path, sites.name, currency FROM sites JOIN dealers USING (dealer_id)
        WHERE starts_with(path, %(prefix)s) AND (%(site)s::text IS NULL OR site_id = %(site)s) ORDER BY site_id
        """,
        {"prefix": prefix, "site": scope.site},
    )
    return [
        SiteNode(site=site, path=path, name=name, currency=currency) for site, path, name, currency in found
    ]


def _dealers(connection: Connection, prefix: str, sites: Sequence[SiteNode]) -> list[DealerNode]:
    """The dealers of the subtree with a site in theirs."""
    wanted = {path for site in sites for path in above(site.path) if path.startswith(prefix)}
    found = connection.execute(
        "SELECT dealer_id, path, name FROM dealers WHERE path = ANY (%s)", (sorted(wanted),)
    )
    return [DealerNode(dealer=dealer, path=path, name=name) for dealer, path, name in found]


def _flows(
    connection: Connection, sites: Sequence[str], span: Span, by: By, gtin: str | None
) -> list[SiteFlow]:
    months_from, months_to = (span.first, span.first) if by is By.DAY else span.whole_months
    found = connection.execute(
        """
        WITH flows AS (
            SELECT site_id, CASE WHEN %(by)s = 'total' THEN %(first)s ELSE month END AS first, flow, quantity, value_minor, amount_minor
            FROM stock_months
            WHERE site_id = ANY (%(sites)s) AND month >= %(months_from)s AND month < %(months_to)s
              AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
            UNION ALL
            SELECT site_id, CASE %(by)s WHEN 'day' THEN business_day WHEN 'total' THEN %(first)s
                            ELSE greatest(date_trunc('month', business_day)::date, %(first)s) END,
                   flow, quantity, value_minor, amount_minor
            FROM stock_days
            WHERE site_id = ANY (%(sites)s) AND business_day BETWEEN %(first)s AND %(last)s
              AND (business_day < %(months_from)s OR business_day >= %(months_to)s)
              AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
        )
        SELECT site_id, first, flow, sum(value_minor)::bigint, sum(amount_minor)::bigint,
               CASE WHEN %(gtin)s::bpchar IS NOT NULL THEN sum(quantity) END
        FROM flows GROUP BY site_id, first, flow
        """,
        {
            "sites": list(sites),
            "first": span.first,
            "last": span.last,
            "months_from": months_from,
            "months_to": months_to,
            "by": by.value,
            "gtin": gtin,
        },
    )
    return [
        SiteFlow(site=site, first=first, flow=flow, value_minor=value, amount_minor=amount, quantity=quantity)
        for site, first, flow, value, amount, quantity in found
    ]
