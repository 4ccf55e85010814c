"""Which likely cause the evidence and the books around a case speak for, in coded items, machines and the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from central.discrepancies.causes import RULES, Surroundings, likely_cause, named
from central.discrepancies.causes.machines import has_check_digit
from central.discrepancies.causes.surroundings import Awaited
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.settlements import Line, Settlement
from central.ledger.rules import CUSTOMER

MILK = "04012345678901"
ITEM = f"01{MILK}21A"
NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
C = DiscrepancyClass


def fact(site: str = "north", minutes: int = 0, **more: Any) -> dict[str, Any]:
    at = NOON + timedelta(minutes=minutes)
    return {
        "event": "sale",
        "site": site,
        "journal": 1,
        "seq": minutes + 1,
        "event_time": at.isoformat(),
        **more,
    }


def case(name: DiscrepancyClass, *facts: dict[str, Any], gtin: str = MILK) -> Discrepancy:
    return Discrepancy(
        site="north",
        discrepancy_class=name,
        cause_key=ITEM,
        likely_cause="as it was raised",
        proposal="as it was raised",
        evidence=facts or (fact(),),
        gtin=gtin,
        item=ITEM,
        quantity=Decimal(1),
    )


def cause(one: Discrepancy, **around: Any) -> str:
    found = likely_cause(one, Surroundings(**around))
    assert found is not None
    return found.cause


@pytest.mark.parametrize(
    ("sales", "expected"),
    [
        ([fact()], "double_scan"),
        ([fact(), fact(minutes=3)], "double_scan"),
        ([fact(), fact(minutes=600)], "return_not_booked"),
        ([fact(), fact("south", minutes=600)], "code_copied"),
        ([fact(), fact("south", minutes=600, provisional=True)], "late_till"),
    ],
)
def test_two_sales_of_one_item_are_told_apart_by_where_when_and_how_they_were_made(
    sales: list[dict[str, Any]], expected: str
) -> None:
    assert cause(case(C.ITEM_SOLD_TWICE, *sales)) == expected


def test_a_journey_that_cannot_be_made_says_that_the_code_was_copied_even_if_a_till_was_late() -> None:
    twice = case(C.ITEM_SOLD_TWICE, fact(), fact("south", minutes=9, provisional=True))
    assert cause(twice, other_classes=frozenset({C.IMPOSSIBLE_TRAVEL})) == "code_copied"


def test_the_second_sale_of_one_piece_puts_one_back_where_it_was_sold_last() -> None:
    found = likely_cause(case(C.ITEM_SOLD_TWICE, fact(), fact("south", minutes=600)))
    assert found is not None
    assert found.settlement == Settlement(
        reason="code_copied",
        lines=(Line(gtin=MILK, quantity=Decimal(1), source=CUSTOMER, destination="on_hand", site="south"),),
    )


def test_an_item_sold_before_its_receipt_has_lost_it_if_it_was_sent_here() -> None:
    sent = Awaited(
        despatch="d", from_site="w", despatched_at=NOON, quantity=Decimal(5), gtin=MILK, items=(ITEM,)
    )
    one = case(C.SOLD_WITHOUT_RECEIPT)
    assert cause(one, awaited=(sent,)) == "lost_receipt"
    assert cause(one, late_agents=("north-1",)) == "late_till"
    assert cause(one, home_site="south") == "not_despatched"
    assert cause(one, home_site="north") == "lost_receipt"


def test_an_item_that_strays_within_one_house_was_moved_else_it_is_diverted() -> None:
    one = case(C.ITEM_OUTSIDE_TERRITORY)
    assert cause(one, same_house=True) == "transfer_not_booked"
    assert cause(one) == "diversion"
    assert cause(one, other_classes=frozenset({C.ITEM_CODE_COPIED})) == "code_copied"


def test_a_transfer_that_nobody_booked_is_booked_by_its_settlement() -> None:
    found = likely_cause(case(C.ITEM_OUTSIDE_TERRITORY), Surroundings(same_house=True, home_site="south"))
    assert found is not None
    assert found.settlement is not None
    assert [(one.site, one.source, one.destination) for one in found.settlement.lines] == [
        ("south", "on_hand", "in_transit:south>north"),
        ("north", "in_transit:south>north", "on_hand"),
    ]


def test_a_wrong_clock_makes_impossible_journeys() -> None:
    one = case(C.IMPOSSIBLE_TRAVEL)
    assert cause(one, other_classes=frozenset({C.CLOCK_STEP})) == "wrong_clock"
    assert cause(one) == "code_copied"


def test_a_code_among_many_that_nobody_issued_is_forged() -> None:
    one = case(C.UNKNOWN_ITEM)
    assert cause(one, other_classes=frozenset({C.UNKNOWN_CODES_BURST})) == "forged"
    assert cause(one) == "not_registered"


def test_a_burst_of_what_is_no_code_at_all_is_a_scanner() -> None:
    assert cause(case(C.UNKNOWN_CODES_BURST, fact(event="unknown"))) == "scanner_fault"
    assert cause(case(C.UNKNOWN_CODES_BURST, fact(event="unknown", item=ITEM))) == "forged"


def test_a_number_without_its_check_digit_was_mistyped() -> None:
    assert [has_check_digit(one) for one in ("04012345678901", "04012345678902")] == [True, False]
    causes = [cause(case(C.UNKNOWN_PRODUCT, gtin=one)) for one in ("04012345678901", "04012345678902")]
    assert causes == ["not_in_catalogue", "mistyped"]


def test_who_raises_a_case_may_name_its_cause_himself() -> None:
    own = Discrepancy(
        site="north", discrepancy_class=C.STOCKTAKE_VARIANCE, cause_key="k", likely_cause="w", proposal="p", evidence=(), cause="theft"
    )  # fmt: skip
    assert named(own) == own


@pytest.mark.parametrize("name", sorted(set(RULES)))
def test_a_cause_is_one_word_with_a_probability(name: DiscrepancyClass) -> None:
    found = likely_cause(case(name, fact(despatch="d", from_site="s", why="others_heard")))
    assert found is not None
    assert found.cause.replace("_", "").isalpha()
    assert 0 < found.probability < 1
