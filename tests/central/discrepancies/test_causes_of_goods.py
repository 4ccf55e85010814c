"""Which likely cause the evidence and the books around a case speak for, in goods."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from central.discrepancies.causes import Surroundings, likely_cause, named
from central.discrepancies.causes.surroundings import Awaited, Difference, Sibling, Spotted
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.settlements import Kind, Line, Settlement, read

D = Decimal
MILK, BREAD = "04012345678901", "05901234123457"
NOON = datetime(2026, 9, 21, 12, tzinfo=UTC)
FACT = {"event": "goods_received", "site": "north", "despatch": "d1", "from_site": "south"}
SHORT, OVER = DiscrepancyClass.SHORT_RECEIPT, DiscrepancyClass.OVER_RECEIPT
BELOW, OVERDUE = DiscrepancyClass.SOLD_BELOW_ZERO, DiscrepancyClass.IN_TRANSIT_TOO_LONG
WAY = "in_transit:south>north"


def case(name: DiscrepancyClass, quantity: str = "3", **fact: Any) -> Discrepancy:
    return Discrepancy(
        site="north",
        discrepancy_class=name,
        cause_key="d1" if name is OVERDUE else f"d1/{MILK}",
        likely_cause="?",
        proposal="?",
        evidence=({**FACT, "event_time": NOON.isoformat(), **fact},),
        gtin=MILK,
        quantity=D(quantity),
    )


def awaited(quantity: str = "10", *, hours: int = -24, despatch: str = "d9") -> Awaited:
    at = datetime(2026, 9, 21 + hours // 24, 12, tzinfo=UTC)
    return Awaited(despatch=despatch, from_site="south", despatched_at=at, quantity=D(quantity), gtin=MILK)


def differs(site: str, quantity: str = "3", *, is_short: bool = False, gtin: str = MILK) -> Difference:
    return Difference(
        site=site, gtin=gtin, quantity=D(quantity), is_short=is_short, cause_key=f"d1/{gtin}", despatch="d1", from_site="south"
    )  # fmt: skip


def cause(one: Discrepancy, **around: Any) -> str:
    found = likely_cause(one, Surroundings(**around))
    assert found is not None
    return found.cause


def settlement(one: Discrepancy, **around: Any) -> Settlement | None:
    found = likely_cause(one, Surroundings(**around))
    assert found is not None
    return found.settlement


def test_goods_that_are_sold_while_their_despatch_is_awaited_have_a_lost_receipt() -> None:
    assert cause(case(BELOW, "-3"), on_hand=D(-3), awaited=(awaited(),)) == "lost_receipt"


def test_a_despatch_that_left_after_the_sale_does_not_explain_it() -> None:
    assert cause(case(BELOW, "-3"), on_hand=D(-3), awaited=(awaited(hours=24),)) == "stock_too_low"


def test_settling_a_lost_receipt_takes_in_the_whole_line_of_the_despatch() -> None:
    assert settlement(case(BELOW, "-3"), on_hand=D(-3), awaited=(awaited(),)) == Settlement(
        reason="lost_receipt", kind=Kind.RECEIPT, despatch="d9", lines=(Line(gtin=MILK, quantity=D(10)),)
    )


def test_what_was_short_and_is_sold_was_not_scanned() -> None:
    assert (
        cause(case(BELOW, "-2"), on_hand=D(-2), differences=(differs("north", is_short=True),))
        == "not_scanned"
    )


def test_below_zero_at_a_site_whose_machine_is_silent_is_a_late_till() -> None:
    assert cause(case(BELOW, "-2"), on_hand=D(-2), late_agents=("north-2",)) == "late_till"


def test_a_surplus_of_the_sibling_is_a_wrong_item_and_swaps_the_two() -> None:
    around = {"on_hand": D(-2), "siblings": (Sibling(gtin=BREAD, surplus=D(2)),)}
    assert cause(case(BELOW, "-2"), **around) == "wrong_item"
    assert settlement(case(BELOW, "-2"), **around) == Settlement(
        reason="wrong_item", lines=(Line(gtin=MILK, quantity=D(2)), Line(gtin=BREAD, quantity=D(-2)))
    )


def test_a_smaller_surplus_of_the_sibling_explains_nothing() -> None:
    assert (
        cause(case(BELOW, "-5"), on_hand=D(-5), siblings=(Sibling(gtin=BREAD, surplus=D(2)),))
        == "stock_too_low"
    )


def test_as_much_as_a_delivery_below_zero_is_an_unbooked_receipt() -> None:
    causes = [cause(case(BELOW, "-1"), on_hand=D(n), usual_receipt=D(24)) for n in (-11, -12)]
    assert causes == ["stock_too_low", "unbooked_receipt"]


def test_a_product_that_never_came_in_has_an_unbooked_receipt() -> None:
    assert cause(case(BELOW, "-1"), on_hand=D(-1), ever_came=False) == "unbooked_receipt"


def test_the_settlement_follows_what_is_below_zero_now_and_not_the_first_fact() -> None:
    found = settlement(case(BELOW, "-1"), on_hand=D(-7))
    assert found == Settlement(reason="stock_too_low", lines=(Line(gtin=MILK, quantity=D(7)),))


def spotted(site: str) -> dict[str, Any]:
    return {"spotted": (Spotted(item="i", site=site, at=NOON, action="sell"),)}


def test_where_a_missing_code_turns_up_says_why_it_was_missing() -> None:
    short = case(SHORT, items=["i"])
    causes = [cause(short, **spotted(site)) for site in ("north", "south", "west")]
    assert causes == ["not_scanned", "not_loaded", "sent_elsewhere"]


def test_an_over_receipt_elsewhere_from_the_same_sender_is_where_the_goods_went() -> None:
    assert cause(case(SHORT), differences=(differs("west"),)) == "sent_elsewhere"


def test_goods_that_went_elsewhere_are_booked_there_and_the_other_case_is_explained() -> None:
    found = settlement(case(SHORT), differences=(differs("west"),))
    assert found is not None
    assert [(one.site, one.source, one.destination) for one in found.lines] == [
        ("south", WAY, "in_transit:south>west"),
        ("west", "in_transit:south>west", "supplier"),
    ]
    assert [(one.site, one.discrepancy_class) for one in found.explains] == [("west", "over_receipt")]


def test_the_sender_has_what_it_did_not_load() -> None:
    found = settlement(case(SHORT), surplus_at_sender=D(3))
    assert found == Settlement(
        reason="not_loaded",
        despatch="d1",
        lines=(Line(gtin=MILK, quantity=D(3), source=WAY, destination="on_hand", site="south"),),
    )
    assert cause(case(SHORT), surplus_at_sender=D(3)) == "not_loaded"


def test_what_a_count_at_the_receiver_finds_too_much_was_not_scanned() -> None:
    found = settlement(case(SHORT), surplus_here=D(3))
    assert cause(case(SHORT), surplus_here=D(3)) == "not_scanned"
    assert found is not None
    assert [one.source for one in found.lines] == [WAY]


def test_another_quantity_at_another_site_is_another_matter() -> None:
    assert cause(case(SHORT), differences=(differs("west", "2"),)) == "not_loaded"
    assert cause(case(OVER), differences=(differs("west", "2", is_short=True),)) == "loaded_too_much"


def test_a_count_that_finds_a_delivery_says_that_its_receipt_was_lost() -> None:
    assert cause(case(OVERDUE), awaited=(awaited(),), surplus_here=D(10)) == "lost_receipt"
    assert cause(case(OVERDUE), awaited=(awaited(),)) == "lost_on_the_way"


def test_a_smaller_surplus_at_the_receiver_says_nothing_of_what_was_missing() -> None:
    assert cause(case(SHORT), surplus_here=D(2)) == "not_loaded"


def test_as_many_of_another_product_in_the_same_despatch_were_loaded_for_it() -> None:
    assert cause(case(SHORT), differences=(differs("north", gtin=BREAD),)) == "wrong_item"


def test_missing_cases_are_lost_on_the_way_and_written_off_at_the_receiver() -> None:
    short = case(SHORT, containers=["040123450000000016"])
    assert cause(short) == "lost_on_the_way"
    found = settlement(short)
    assert found is not None
    assert [(one.site, one.source, one.destination) for one in found.lines] == [
        ("north", WAY, "adjustment:lost_in_transit")
    ]


def test_a_shelf_below_zero_after_a_short_receipt_says_that_it_was_there() -> None:
    assert cause(case(SHORT), is_below_zero=True) == "not_scanned"


def test_a_short_receipt_of_which_nothing_is_known_is_most_likely_not_loaded() -> None:
    assert cause(case(SHORT)) == "not_loaded"


def test_exactly_twice_the_announced_was_scanned_twice_and_leaves_the_shelf_again() -> None:
    assert cause(case(OVER, "10"), announced=D(10), counted=D(20)) == "double_scan"
    assert settlement(case(OVER, "10"), announced=D(10), counted=D(20)) == Settlement(
        reason="double_scan", lines=(Line(gtin=MILK, quantity=D(-10)),)
    )


def test_over_receipts_are_told_apart_by_what_is_missing_and_where() -> None:
    over = case(OVER)
    assert cause(over, differences=(differs("west", is_short=True),)) == "sent_elsewhere"
    assert cause(over, differences=(differs("north", is_short=True, gtin=BREAD),)) == "wrong_item"
    assert cause(over) == "loaded_too_much"


def test_a_despatch_that_is_not_for_this_site_is_named_so() -> None:
    unknown = case(OVER, from_site=None)
    assert cause(unknown) == "unknown_despatch"
    assert cause(unknown, despatch_went_to="west") == "sent_elsewhere"


def test_what_came_too_much_leaves_the_shelf_of_its_sender() -> None:
    found = settlement(case(OVER))
    assert found is not None
    assert [(one.site, one.source, one.destination) for one in found.lines] == [
        ("south", "on_hand", WAY),
        ("north", WAY, "supplier"),
    ]


def test_an_overdue_despatch_whose_goods_are_sold_has_a_lost_receipt_even_if_a_machine_is_silent() -> None:
    late = {"awaited": (awaited(despatch="d1"),), "late_agents": ("north-1",)}
    assert cause(case(OVERDUE), **late, is_below_zero=True) == "lost_receipt"
    assert cause(case(OVERDUE), **late, **spotted("north")) == "lost_receipt"
    assert cause(case(OVERDUE), **late) == "late_till"
    assert cause(case(OVERDUE), awaited=(awaited(despatch="d1"),)) == "lost_on_the_way"


def test_writing_an_overdue_despatch_off_empties_its_way() -> None:
    found = settlement(case(OVERDUE), awaited=(awaited("4", despatch="d1"),))
    assert found is not None
    assert (found.despatch, [(one.quantity, one.source) for one in found.lines]) == ("d1", [(D(4), WAY)])


def test_a_settlement_is_read_as_it_was_kept() -> None:
    for one in (case(SHORT), case(OVER), case(BELOW, "-3")):
        found = settlement(one, differences=(differs("west"), differs("west", is_short=True)))
        assert found is not None
        assert read(found.kept()) == found


def test_what_speaks_for_a_cause_is_added_to_the_evidence_once() -> None:
    around = Surroundings(on_hand=D(-3), awaited=(awaited(),))
    first = named(case(BELOW, "-3"), around)
    assert [fact["event"] for fact in first.evidence] == ["despatch", "goods_received"]
    assert named(first, around) == first


def test_no_words_of_a_cause_name_another_site() -> None:
    every: list[tuple[Discrepancy, dict[str, Any]]] = [
        (case(SHORT, items=["i"]), spotted("west")),
        (case(SHORT), {"differences": (differs("west"),)}),
        (case(OVER), {"differences": (differs("west", is_short=True),)}),
        (case(SHORT), {"surplus_at_sender": D(1)}),
        (case(OVERDUE), {"awaited": (awaited(),)}),
    ]
    for one, around in every:
        told = named(one, Surroundings(**around))
        assert not any(site in told.likely_cause + told.proposal for site in ("west", "south"))
