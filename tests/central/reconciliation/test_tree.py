"""Every node of the tree is the sum of what is below it, whatever the tree."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from central.ledger.flows import EFFECT, Flow
from central.reconciliation.periods import By, Span
from central.reconciliation.rules import VALUE_FIELDS
from central.reconciliation.tree import (
    DealerNode,
    NodeValues,
    SiteFlow,
    SiteNode,
    above,
    of_sites,
    roll_up,
)

SPAN = Span(date(2026, 1, 20), date(2026, 3, 5))
PIECES = list(SPAN.pieces(By.MONTH))


@st.composite
def forests(draw: st.DrawFn) -> tuple[list[DealerNode], list[SiteNode]]:
    """Dealers below each other, and their sites."""
    paths: list[str] = []
    for number in range(draw(st.integers(1, 6))):
        parent = draw(st.sampled_from(["", *paths]))
        paths.append(f"{parent}d{number}/")
    dealers = [DealerNode(dealer=path.rstrip("/").rsplit("/", 1)[-1], path=path, name=path) for path in paths]
    sites = [
        SiteNode(
            site=f"s{number}", path=draw(st.sampled_from(paths)), name="", currency=draw(st.sampled_from(["EUR", "CNY"]))
        )
        for number in range(draw(st.integers(0, 6)))
    ]  # fmt: skip
    return dealers, sites


@st.composite
def trades(draw: st.DrawFn, sites: list[SiteNode]) -> list[SiteFlow]:
    return [
        SiteFlow(
            site=site.site, first=piece.first, flow=flow.value, value_minor=draw(st.integers(-99, 99)),
            amount_minor=draw(st.integers(0, 99)), quantity=Decimal(draw(st.integers(-9, 9))),
        )
        for site in sites
        for piece in PIECES
        for flow in EFFECT
        if draw(st.booleans())
    ]  # fmt: skip


def values(node: NodeValues) -> list[int | Decimal | None]:
    return [
        *(getattr(node, name) for name in VALUE_FIELDS),
        node.sites,
        node.opening,
        node.sold,
        node.closing,
    ]


@given(forests(), st.data())
def test_every_dealer_is_the_sum_of_the_sites_below_it(
    forest: tuple[list[DealerNode], list[SiteNode]], data: st.DataObject
) -> None:
    dealers, sites = forest
    flows = data.draw(trades(sites))
    closings = {
        site.site: (data.draw(st.integers(0, 999)), Decimal(data.draw(st.integers(0, 99))))
        for site in sites[1:]
    }
    nodes = roll_up(dealers, sites, of_sites(sites, flows, closings, PIECES), PIECES, with_quantities=True)
    of_site = {(node.site, node.first): node for node in nodes if node.site is not None}
    for node in nodes:
        if node.site is not None:
            continue
        below = [
            values(of_site[site.site, node.first])
            for site in sites
            if site.path.startswith(node.path) and site.currency == node.currency
        ]
        assert values(node) == [sum(column) for column in zip(*below, strict=True)]
    expected = {
        (path, site.currency, piece.first) for site in sites for path in above(site.path) for piece in PIECES
    }
    assert {(node.path, node.currency, node.first) for node in nodes if node.site is None} == expected


@given(forests(), st.data())
def test_every_node_adds_up_and_opens_where_the_period_before_closed(
    forest: tuple[list[DealerNode], list[SiteNode]], data: st.DataObject
) -> None:
    dealers, sites = forest
    flows = data.draw(trades(sites))
    nodes = roll_up(dealers, sites, of_sites(sites, flows, {}, PIECES), PIECES, with_quantities=True)
    last: dict[tuple[str, str | None, str], NodeValues] = {}
    for node in nodes:
        into = sum(EFFECT[flow] * getattr(node, f"{flow}_value_minor") for flow in Flow)
        assert node.closing_value_minor == node.opening_value_minor + into
        before = last.get((node.path, node.site, node.currency))
        if before is not None:
            assert (node.opening_value_minor, node.opening) == (before.closing_value_minor, before.closing)
        last[node.path, node.site, node.currency] = node


def test_a_dealer_stands_before_its_sites_and_they_before_the_dealers_below_it() -> None:
    dealers = [
        DealerNode(dealer=name, path=path, name=name)
        for name, path in (("a", "a/"), ("b", "a/b/"), ("c", "c/"))
    ]
    sites = [
        SiteNode(site=name, path=path, name="", currency="EUR")
        for name, path in (("z", "a/"), ("y", "a/b/"), ("x", "c/"))
    ]
    whole = [Span(SPAN.first, SPAN.last)]
    nodes = roll_up(dealers, sites, of_sites(sites, [], {}, whole), whole, with_quantities=False)
    assert [(node.dealer, node.site, node.parent) for node in nodes] == [
        ("a", None, None),
        ("a", "z", "a"),
        ("b", None, "a"),
        ("b", "y", "b"),
        ("c", None, None),
        ("c", "x", "c"),
    ]


def test_without_dealers_a_site_stands_alone() -> None:
    site = SiteNode(site="s", path="a/b/", name="Shop", currency="EUR")
    whole = [Span(SPAN.first, SPAN.last)]
    (node,) = roll_up([], [site], of_sites([site], [], {}, whole), whole, with_quantities=False)
    assert (node.dealer, node.site, node.parent, node.opening) == ("b", "s", None, None)
