"""Totals up the tree of dealers: each node is the sum of what is below it, per currency. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from central.ledger.flows import EFFECT, Flow
from central.reconciliation.periods import Span
from central.reconciliation.rules import VALUE_FIELDS, Values


class DealerNode(msgspec.Struct, frozen=True, kw_only=True):
    """A dealer in the tree. ``path`` joins the ids from the root down, each ended by ``/``."""

    dealer: str
    path: str
    name: str


class SiteNode(msgspec.Struct, frozen=True, kw_only=True):
    """A site, and the path of its dealer."""

    site: str
    path: str
    name: str
    currency: str


class SiteFlow(msgspec.Struct, frozen=True, kw_only=True):
    """What a flow came to at a site in one period. ``quantity`` is told where one product alone was asked for."""

    site: str
    first: date
    flow: str
    value_minor: int
    amount_minor: int
    quantity: Decimal | None = None


class NodeValues(Values, frozen=True, kw_only=True):
    """A dealer with all that is below it, or a single site (``site``), over one period and in one currency.

    ``sites`` is how many are in the sum. ``parent`` is the dealer above, where that may be seen. Quantities are told for one product
    alone: pieces and kilograms make no sum.
    """

    dealer: str
    site: str | None
    parent: str | None
    name: str
    path: str
    sites: int
    first: date
    last: date
    opening: Decimal | None = None
    sold: Decimal | None = None
    closing: Decimal | None = None


class Sums:
    """Values and quantities that are being added up."""

    def __init__(self) -> None:
        self.values = dict.fromkeys(VALUE_FIELDS, 0)
        self.opening, self.sold, self.closing = Decimal(0), Decimal(0), Decimal(0)
        self.sites = 0

    def add(self, other: Sums) -> None:
        """Add a site, or a part of the tree."""
        for name in VALUE_FIELDS:
            self.values[name] += other.values[name]
        self.opening += other.opening
        self.sold += other.sold
        self.closing += other.closing
        self.sites += other.sites


Closings = Mapping[str, tuple[int, Decimal]]
"""site -> (value, quantity) on hand at the end of the range."""


def of_sites(
    sites: Iterable[SiteNode], flows: Iterable[SiteFlow], closings: Closings, pieces: Sequence[Span]
) -> dict[tuple[str, date], Sums]:
    """(site, first day of a period) -> its sums: from what is there at the end back to what was there at the beginning."""
    by_place: dict[tuple[str, date], list[SiteFlow]] = {}
    for one in flows:
        by_place.setdefault((one.site, one.first), []).append(one)
    found: dict[tuple[str, date], Sums] = {}
    for site in sites:
        value, quantity = closings.get(site.site, (0, Decimal(0)))
        for piece in reversed(pieces):
            sums = Sums()
            sums.sites = 1
            sums.closing, sums.values["closing_value_minor"] = quantity, value
            for one in by_place.get((site.site, piece.first), ()):
                effect = EFFECT[Flow(one.flow)]
                value -= effect * one.value_minor
                quantity -= effect * (one.quantity or Decimal(0))
                sums.values[f"{one.flow}_value_minor"] += one.value_minor
                if one.flow == Flow.SOLD:
                    sums.values["amount_minor"] += one.amount_minor
                    sums.sold += one.quantity or Decimal(0)
                elif one.flow == Flow.RETURNED:
                    sums.values["refunded_minor"] += one.amount_minor
            sums.opening, sums.values["opening_value_minor"] = quantity, value
            found[site.site, piece.first] = sums
    return found


def roll_up(
    dealers: Sequence[DealerNode],
    sites: Sequence[SiteNode],
    sums: Mapping[tuple[str, date], Sums],
    pieces: Sequence[Span],
    *,
    with_quantities: bool,
) -> list[NodeValues]:
    """Every dealer as the sum of the sites below it, and every site, in the order of the tree; of a dealer a line for each currency and period."""
    by_path = {dealer.path: dealer for dealer in dealers}
    below: dict[tuple[str, str, date], Sums] = {}
    for site in sites:
        for path in above(site.path):
            if path not in by_path:
                continue
            for piece in pieces:
                below.setdefault((path, site.currency, piece.first), Sums()).add(sums[site.site, piece.first])
    nodes = [
        _node(by_path[path], None, currency, piece, total, by_path, with_quantities=with_quantities)
        for (path, currency, first), total in below.items()
        for piece in pieces
        if piece.first == first
    ]
    for site in sites:
        # A store is shown its own site alone, without the dealer whose it is.
        dealer = by_path.get(site.path) or DealerNode(dealer=_last(site.path), path=site.path, name="")
        nodes += [
            _node(
                dealer,
                site,
                site.currency,
                piece,
                sums[site.site, piece.first],
                by_path,
                with_quantities=with_quantities,
            )
            for piece in pieces
        ]
    return sorted(nodes, key=place_of)


def place_of(node: NodeValues) -> tuple[str, str, str, date]:
    """Where a node stands in the list: a dealer before its sites, and those before the dealers below it."""
    return node.path, node.site or "", node.currency, node.first


def above(path: str) -> list[str]:
    """A path and those above it, from the root down.

    >>> above("a/b/")
    ['a/', 'a/b/']
    """
    names = path.split("/")[:-1]
    return ["/".join(names[: count + 1]) + "/" for count in range(len(names))]


def _node(
    dealer: DealerNode,
    site: SiteNode | None,
    currency: str,
    piece: Span,
    sums: Sums,
    by_path: Mapping[str, DealerNode],
    *,
    with_quantities: bool,
) -> NodeValues:
    over = above(dealer.path)[-2:-1]
    parent = dealer.path if site is not None else (over[0] if over else "")
    return NodeValues(
        dealer=dealer.dealer,
        site=None if site is None else site.site,
        parent=by_path[parent].dealer if parent in by_path else None,
        name=dealer.name if site is None else site.name,
        path=dealer.path,
        sites=sums.sites,
        first=piece.first,
        last=piece.last,
        currency=currency,
        opening=sums.opening if with_quantities else None,
        sold=sums.sold if with_quantities else None,
        closing=sums.closing if with_quantities else None,
        **sums.values,
    )


def _last(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]
