"""Signals: territory, impossible travel, copied labels, bursts of unknown codes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from central.discrepancies.rules import DiscrepancyClass
from central.items.contradictions import gathered
from central.items.rules import take
from central.items.signals import Signals, Spotted, UnknownCode, bursts, copied
from central.sites.places import Place, Places
from protocol.items import Action, State
from tests.central.facts import ITEM, MILK, NOON, life, step

SHANGHAI, HANGZHOU, NEXT_DOOR = (31.2304, 121.4737), (30.2741, 120.1551), (31.2305, 121.4737)


def place(path: str, at: tuple[float, float] | None = None) -> Place:
    return Place(path=path, latitude=at[0] if at else None, longitude=at[1] if at else None)


PLACES = Places(
    {
        "north": place("acme/", SHANGHAI),
        "south": place("zeta/", HANGZHOU),
        "below": place("acme/county/", None),
        "door": place("zeta/door/", NEXT_DOOR),
    }
)


# -- territory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "territory", "is_home"),
    [
        ("north", "north", True),
        ("below", "north", True),
        ("north", "below", False),
        ("south", "north", False),
        ("nowhere", "north", False),
        ("north", "nowhere", False),
        ("nowhere", "nowhere", True),
    ],
)
def test_a_territory_is_a_dealer_with_all_dealers_below_it(site: str, territory: str, is_home: bool) -> None:
    assert PLACES.is_within(site, territory) is is_home


@pytest.mark.parametrize(("site", "diverted"), [("below", False), ("south", True)])
@pytest.mark.parametrize("action", [Action.SELL, Action.RECEIVE])
def test_goods_are_diverted_where_the_dealer_is_not_below_the_one_they_were_sent_to(
    site: str, diverted: bool, action: Action
) -> None:
    taken = take(life(State.SELLABLE), step(action, site=site), PLACES)
    assert [one.discrepancy_class for one in taken.raised] == (
        [DiscrepancyClass.ITEM_OUTSIDE_TERRITORY] if diverted else []
    )


def test_items_that_travel_in_one_case_are_one_cause() -> None:
    one = take(life(State.SELLABLE), step(Action.RECEIVE, site="south", container="X"), PLACES)
    [case] = gathered([*one.raised, *one.raised])
    assert (case.cause_key, case.item, case.gtin, case.quantity) == ("X", None, MILK, Decimal(2))


# -- travel -----------------------------------------------------------------------------------------------------------


def classes(
    minutes: int, *, site: str = "south", uncertainty_us: int = 0, speed_kmh: float = 900.0
) -> list[str]:
    first = take(life(State.SELLABLE), step(Action.SELL), PLACES).life
    second = step(Action.SELL, site=site, minutes=minutes, uncertainty_us=uncertainty_us)
    return [one.discrepancy_class.value for one in take(first, second, PLACES, speed_kmh).raised]


def test_shanghai_and_hangzhou_are_about_165_kilometres_apart() -> None:
    distance = PLACES.distance_km("north", "south")
    assert distance is not None
    assert 160 < distance < 170


@pytest.mark.parametrize(
    ("one", "other"), [("north", "below"), ("below", "north"), ("north", "nowhere"), ("nowhere", "north")]
)
def test_a_distance_that_nobody_can_know_is_none(one: str, other: str) -> None:
    assert PLACES.distance_km(one, other) is None


def test_a_sale_that_no_journey_explains_is_impossible_travel() -> None:
    assert classes(5) == ["item_sold_twice", "impossible_travel"]


@pytest.mark.parametrize(
    "found",
    [
        classes(60),
        classes(5, uncertainty_us=3_600_000_000),
        classes(5, speed_kmh=9_000),
        classes(0, site="door"),
        classes(5, site="below"),
    ],
)
def test_what_can_be_explained_is_no_travel(found: list[str]) -> None:
    assert found == ["item_sold_twice"]


def test_the_evidence_of_a_journey_tells_both_ends_and_the_figures() -> None:
    first = take(life(State.SELLABLE), step(Action.SELL), PLACES).life
    raised = take(first, step(Action.SELL, site="south", minutes=5), PLACES).raised
    [before, after] = raised[-1].evidence
    assert (before["site"], after["site"], before["minutes_apart"]) == ("north", "south", 5.0)
    assert before["minutes_needed"] == pytest.approx(11, abs=1)


def test_a_return_far_away_minutes_after_the_sale_is_impossible_too() -> None:
    sold = take(life(State.SELLABLE), step(Action.SELL), PLACES).life
    back = take(sold, step(Action.RESTOCK, site="south", minutes=5, takes_back_sale=True), PLACES)
    assert [one.discrepancy_class for one in back.raised] == [DiscrepancyClass.IMPOSSIBLE_TRAVEL]


# -- copied -----------------------------------------------------------------------------------------------------------


def spotted(*sites: str) -> list[Spotted]:
    return [
        Spotted(
            item=ITEM,
            gtin=MILK,
            site=site,
            event_time=NOON + timedelta(minutes=number),
            journal=number,
            seq=1,
            action="scan_refused",
        )
        for number, site in enumerate(sites)
    ]


@pytest.mark.parametrize(
    ("sites", "issued", "is_copied"),
    [
        (("a",), False, False),
        (("a", "a"), False, False),
        (("a", "b"), False, True),
        (("a", "b"), True, False),
        (("a", "b", "c"), True, True),
        (("a", "b", "b", "a"), True, False),
    ],
)
def test_a_code_at_more_sites_than_one_thing_can_be_is_copied(
    sites: tuple[str, ...], issued: bool, is_copied: bool
) -> None:
    found = copied(spotted(*sites), {ITEM: issued}, Signals())
    assert bool(found) is is_copied


def test_the_case_of_a_copied_code_tells_how_many_sites_and_each_time() -> None:
    [case] = copied(spotted("a", "b", "a"), {ITEM: False}, Signals())
    assert (case.cause_key, case.quantity, [fact["site"] for fact in case.evidence]) == (
        ITEM,
        Decimal(2),
        ["a", "b", "a"],
    )


# -- bursts -----------------------------------------------------------------------------------------------------------


def unknown(*minutes: float, site: str = "north") -> list[UnknownCode]:
    return [
        UnknownCode(
            site=site,
            event_time=NOON + timedelta(minutes=minute),
            journal=1,
            seq=number,
            line=0,
            verdict="unknown",
        )
        for number, minute in enumerate(minutes)
    ]


LIMITS = Signals(burst_codes=3, burst_minutes=10)


@pytest.mark.parametrize(
    ("codes", "evidence"),
    [
        (unknown(0, 5), 0),
        (unknown(0, 5, 10), 3),
        (unknown(0, 5, 10.1), 0),
        (unknown(0, 20, 40, 45, 50, 90), 3),
        (unknown(0, 5) + unknown(7, 9, site="south"), 0),
    ],
)
def test_a_burst_is_so_many_codes_at_one_site_within_the_window(
    codes: list[UnknownCode], evidence: int
) -> None:
    assert [len(case.evidence) for case in bursts(codes, LIMITS)] == ([evidence] if evidence else [])


def test_bursts_of_one_day_at_one_site_are_one_cause() -> None:
    [case] = bursts(unknown(0, 1, 2, 30, 31, 32), LIMITS)
    assert (case.site, case.cause_key) == ("north", "2026-09-21")
