"""What may leave, and where to: rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from agent.despatching import rules
from agent.despatching.rules import Hindrance, Leaving
from agent.tallying.rules import NotTallied, Scanned, Tally, count
from agent.verification.rules import LocalItem
from protocol.feeds import ItemHere, SiteHere
from protocol.verdicts import Act, Finding, Verdict

WATCH = "09506000134352"
ITEM = f"01{WATCH}21SN0001"
HERE = "site-1"
SHOP = SiteHere(site="site-2", name="Store two", kind="store")
WAREHOUSE = SiteHere(site="w-1", name="Warehouse", kind="warehouse")
D = Decimal


def finding(verdict: Verdict, rests_on: str = "replica", **more: Any) -> Finding:
    return Finding(verdict=verdict, act=Act.ASK, reason=f"because {verdict}", rests_on=rests_on, **more)


def local(state: str) -> LocalItem:
    return LocalItem(item=ITEM, gtin=WATCH, state=state, at_us=1, receipt="1-X")


def known(state: str, site: str | None = HERE) -> ItemHere:
    return ItemHere(item=ITEM, gtin=WATCH, state=state, site=site)


def hindered(
    verdict: Verdict, state: str | None, rests_on: str = "replica", by: LocalItem | None = None
) -> Hindrance | None:
    return rules.hindrance(finding(verdict, rests_on), by, known(state) if state else None, HERE)


def test_an_item_in_stock_here_is_free_to_go() -> None:
    assert hindered(Verdict.GENUINE, "sellable") is None


def test_knowledge_that_is_old_holds_nothing_back() -> None:
    old = finding(Verdict.GENUINE, certain=False, age_us=10**13)
    assert rules.hindrance(old, None, known("sellable"), HERE) is None


@pytest.mark.parametrize(
    ("verdict", "state", "rests_on", "key"),
    [
        (Verdict.GENUINE, None, "signature", "not_known_here"),
        (Verdict.UNVERIFIED, None, "policy", "not_known_here"),
        (Verdict.ALREADY_SOLD, None, "filter", "not_known_here"),
        (Verdict.EXPIRED, None, "label", "not_known_here"),
        (Verdict.FORGED, None, "signature", "verdict"),
        (Verdict.UNKNOWN, None, "central", "verdict"),
        (Verdict.NOT_RECEIVED, "in_transit", "replica", "not_received"),
        (Verdict.WRONG_SITE, "sellable", "replica", "not_received"),
        (Verdict.ALREADY_SOLD, "sold", "replica", "already_sold"),
        (Verdict.STOLEN, "stolen", "replica", "stolen"),
        (Verdict.HELD, "held", "replica", "held"),
        (Verdict.DESTROYED, "destroyed", "replica", "destroyed"),
        (Verdict.HELD, "quarantined", "replica", "held"),
    ],
)
def test_what_stays(verdict: Verdict, state: str | None, rests_on: str, key: str) -> None:
    found = hindered(verdict, state, rests_on)
    assert found is not None
    assert (found.key, found.may_go_back) == (key, False)
    assert rules.refused(found, WAREHOUSE) is not None


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.RECALLED, "recalled"),
        (Verdict.EXPIRED, "expired"),
        (Verdict.EXPIRED, "sellable"),
    ],
)
def test_what_may_not_be_sold_goes_back_to_a_warehouse_and_nowhere_else(verdict: Verdict, state: str) -> None:
    found = hindered(verdict, state)
    assert found is not None
    refused = rules.refused(found, SHOP)
    assert rules.refused(found, WAREHOUSE) is None
    assert refused is not None
    assert "may go back to a warehouse, and nowhere else" in refused.reason


def test_a_recalled_item_of_another_site_is_not_here() -> None:
    found = rules.hindrance(finding(Verdict.RECALLED), None, known("recalled", "site-9"), HERE)
    assert found is not None
    assert (found.key, found.may_go_back) == ("not_received", False)


@pytest.mark.parametrize(("state", "key"), [("sold", "sold"), ("in_transit", "left")])
def test_what_this_till_did_to_an_item_stops_it(state: str, key: str) -> None:
    found = hindered(Verdict.GENUINE, "sellable", by=local(state))
    assert found is not None
    assert (found.key, "1-X" in found.reason) == (key, True)


def test_an_item_that_was_set_aside_here_stays() -> None:
    found = hindered(Verdict.HELD, None, "journal", by=local("quarantined"))
    assert found == Hindrance("held", "it was set aside")


@pytest.mark.parametrize(
    ("state", "key", "back"),
    [
        (None, None, False), ("sellable", None, False), ("recalled", "recalled", True), ("quarantined", "quarantined", False),
        ("stolen", "stolen", False), ("held", "held", False), ("sold", "sold", False),
    ],
)  # fmt: skip
def test_what_an_item_does_to_the_case_it_lies_in(state: str | None, key: str | None, back: bool) -> None:
    found = rules.hindrance_in_case(state)
    assert (found and found.key, bool(found and found.may_go_back)) == (key, back)


def test_what_may_only_go_back_keeps_the_goods_from_going_to_a_shop() -> None:
    tally = count(Tally(), Scanned(gtin=WATCH, item=ITEM, at_us=1))
    assert isinstance(tally, Tally)
    leaving = rules.loaded(Leaving(despatch_id="d", to=WAREHOUSE), tally, ITEM)
    assert isinstance(leaving, Leaving)
    refused = rules.bound_for(leaving, SHOP, None)
    emptied = rules.loaded(leaving, Tally())
    assert isinstance(refused, NotTallied)
    assert refused.key == "back_only"
    assert isinstance(emptied, Leaving)
    assert isinstance(rules.bound_for(emptied, SHOP, None), Leaving)


def test_a_despatch_is_full_before_its_event_is_too_large() -> None:
    items = tuple(f"01{WATCH}21{'Z' * 20}{number:05d}" for number in range(2_200))
    tally = Tally()
    leaving = Leaving(despatch_id="d", to=SHOP)
    loaded: Leaving | NotTallied = leaving
    for item in items:
        grown = count(tally, Scanned(gtin=WATCH, item=item, at_us=1))
        assert isinstance(grown, Tally)
        loaded = rules.loaded(leaving, grown)
        if isinstance(loaded, NotTallied):
            break
        tally, leaving = grown, loaded
    assert isinstance(loaded, NotTallied)
    assert (loaded.key, 1_800 < len(tally.lines[0].items) < 2_100) == ("full", True)
