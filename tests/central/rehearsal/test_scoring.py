"""What counts as found, as named rightly, and as false."""

from __future__ import annotations

import msgspec

from central.rehearsal.scoring import ANYWHERE, Dark, Expected, Planted, Raised, score

SHORT = Expected(
    discrepancy_class="short_receipt", site="S001", about="despatch-1/0401", causes=("not_loaded",)
)
FAULT = Planted(
    number=1,
    kind="not_loaded",
    day=10,
    expected=(SHORT,),
    links=frozenset({("S001", "0401"), ("", "item-1")}),
)
CASE = Raised(
    site="S001", discrepancy_class="short_receipt", cause_key="despatch-1/0401", day=10, state="open",
    cause="not_loaded", gtin="0401",
)  # fmt: skip


def case(**changes: object) -> Raised:
    return msgspec.structs.replace(CASE, **changes)


def test_a_case_of_its_class_site_and_name_is_found_and_named() -> None:
    found = score([FAULT], [CASE])
    assert (found.overall.recall, found.overall.cause_share, found.passes) == (1.0, 1.0, True)


def test_a_fault_without_a_case_is_missed() -> None:
    assert [one.number for one in score([FAULT], []).missed] == [1]


def test_a_case_at_another_site_is_another_case() -> None:
    found = score([FAULT], [case(site="S002")])
    assert (len(found.missed), len(found.false)) == (1, 1)


def test_a_case_from_before_the_fault_is_not_its_case() -> None:
    assert len(score([FAULT], [case(day=7)]).missed) == 1


def test_another_cause_is_named_wrongly_and_found_all_the_same() -> None:
    found = score([FAULT], [case(cause="wrong_item")])
    assert (found.overall.recall, [one.said for one in found.misnamed]) == (1.0, ["wrong_item"])


def test_a_cause_that_cannot_be_known_is_not_judged() -> None:
    unknown = msgspec.structs.replace(FAULT, expected=(msgspec.structs.replace(SHORT, causes=()),))
    found = score([unknown], [case(cause="whatever")])
    assert (found.overall.judged, found.misnamed) == (0, ())


def test_what_a_fault_brings_to_light_besides_is_no_false_case() -> None:
    also = case(discrepancy_class="stocktake_variance", cause_key="count-7/0401", day=30)
    found = score([FAULT], [CASE, also])
    assert (found.rows["stocktake_variance"].consequences, found.false) == (1, ())


def test_a_linked_item_counts_wherever_it_turns_up() -> None:
    item = case(
        site="S009", discrepancy_class="item_outside_territory", cause_key="item-1", gtin=None, item="item-1"
    )
    assert score([FAULT], [CASE, item]).false == ()


def test_a_case_without_any_fault_is_false() -> None:
    stray = case(cause_key="despatch-2/0402", gtin="0402")
    found = score([FAULT], [CASE, stray])
    assert (found.false, found.rows["short_receipt"].precision) == ((stray,), 0.5)


def test_what_a_site_lacks_while_a_till_is_dark_follows_from_that() -> None:
    stray = case(cause_key="0402", gtin="0402", discrepancy_class="sold_below_zero")
    assert score([FAULT], [CASE, stray], [Dark("S001", 9, 12)]).false == ()
    assert score([FAULT], [CASE, stray], [Dark("S001", 12, 14)]).false == (stray,)


def test_what_must_close_by_itself_is_found_only_when_it_has() -> None:
    closing = msgspec.structs.replace(FAULT, expected=(msgspec.structs.replace(SHORT, closes=True),))
    assert len(score([closing], [CASE]).missed) == 1
    assert score([closing], [case(state="settled")]).missed == ()


def test_one_case_is_found_by_one_fault_alone() -> None:
    again = msgspec.structs.replace(FAULT, number=2)
    assert [one.number for one in score([FAULT, again], [CASE]).missed] == [2]


def test_an_item_may_be_kept_at_any_site() -> None:
    wanted = Expected(discrepancy_class="short_receipt", site=ANYWHERE, about="0401", causes=("not_loaded",))
    assert score([msgspec.structs.replace(FAULT, expected=(wanted,))], [case(site="S005")]).missed == ()
