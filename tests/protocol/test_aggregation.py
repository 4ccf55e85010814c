"""Cases and pallets: one parent a thing, no rings, and what may not be packed says why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.aggregation import (
    CHILDREN_LIMIT,
    LEVELS,
    Known,
    Packing,
    contents,
    packing,
    sscc_fault,
    unpacking,
)
from protocol.codes.check_digits import check_digit
from protocol.items import State


def sscc(number: int) -> str:
    """An SSCC with its check digit."""
    body = f"0{4012345:07}{number:09}"
    return body + check_digit(body)


PALLET, CASE, OTHER = sscc(1), sscc(2), sscc(3)
ITEM, SECOND = "010401234567890121A", "010401234567890121B"


def known(
    *, parents: dict[str, str] | None = None, state: State | None = State.COMMISSIONED, holds: int = 0
) -> Known:
    states = {} if state is None else {ITEM: state, SECOND: state}
    return Known(parents=parents or {}, states=states, holds=holds)


def reason(found: Packing) -> str:
    [said] = found.refused.values()
    return said


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (PALLET, None),
        ("1" * 17, f"SSCC '{'1' * 17}': expected 18 digits"),
        ("٠" * 18, f"SSCC '{'٠' * 18}': expected 18 digits"),
        ("000000000000000001", "SSCC 000000000000000001: its check digit is 1, expected 0"),
    ],
)
def test_an_sscc_has_eighteen_digits_and_the_last_one_fits(text: str, fault: str | None) -> None:
    assert sscc_fault(text) == fault


def test_items_and_cases_go_into_a_container_once_each() -> None:
    found = packing(PALLET, (ITEM, SECOND, ITEM), (CASE, CASE), known())
    assert found == Packing((ITEM, SECOND, CASE), {})


def test_what_is_in_it_already_is_accepted_again_even_when_it_is_full() -> None:
    found = packing(CASE, (ITEM,), (), known(parents={ITEM: CASE}, holds=CHILDREN_LIMIT))
    assert found.accepted == (ITEM,)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            packing(CASE, (ITEM,), (), known(parents={ITEM: OTHER})),
            f"it is packed in {OTHER}; unpack it there first",
        ),
        (packing(CASE, (), (CASE,), known()), "nothing is packed into itself"),
        (
            packing(CASE, (), (PALLET,), known(parents={CASE: PALLET})),
            f"{CASE} is in it: two containers cannot lie in each other",
        ),
        (
            packing(CASE, (), (PALLET,), known(parents={CASE: OTHER, OTHER: PALLET})),
            f"{CASE} is in it: two containers cannot lie in each other",
        ),
        (packing(CASE, (), ("123",), known()), "SSCC '123': expected 18 digits"),
        (packing(CASE, (ITEM,), (), known(state=None)), "nobody has registered this item"),
        (packing(CASE, (ITEM,), (), known(state=State.SOLD)), "cannot pack this item: it has been sold"),
        (
            packing(CASE, (ITEM,), (), known(holds=CHILDREN_LIMIT)),
            f"{CASE} holds {CHILDREN_LIMIT} things already; pack them into smaller cases",
        ),
    ],
)
def test_what_may_not_be_packed_says_why(found: Packing, said: str) -> None:
    assert (found.accepted, reason(found)) == ((), said)


def test_containers_lie_in_each_other_only_so_deep() -> None:
    chain = {sscc(level): sscc(level + 1) for level in range(1, LEVELS)}
    assert reason(packing(sscc(1), (), (sscc(99),), known(parents=chain))).endswith(
        f"expected at most {LEVELS}"
    )


def test_a_ring_in_old_data_does_not_stop_the_packer() -> None:
    ring = {CASE: PALLET, PALLET: CASE}
    assert packing(CASE, (ITEM,), (), known(parents=ring)).accepted == (ITEM,)


def test_only_what_lies_directly_in_a_case_is_taken_out_of_it() -> None:
    found = unpacking(CASE, (ITEM, SECOND, OTHER), {ITEM: CASE, SECOND: OTHER})
    assert found == Packing(
        (ITEM,), {SECOND: f"it is not in {CASE}, but in {OTHER}", OTHER: f"it is not in {CASE}"}
    )


def test_a_pallet_holds_what_its_cases_hold() -> None:
    assert contents(PALLET, {PALLET: (CASE, OTHER), CASE: (ITEM,), OTHER: (SECOND,)}) == [
        CASE,
        OTHER,
        ITEM,
        SECOND,
    ]


def test_a_ring_of_containers_is_gone_round_once() -> None:
    assert contents(PALLET, {PALLET: (CASE,), CASE: (PALLET, ITEM)}) == [CASE, ITEM]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=60))
def test_however_one_packs_nothing_ever_holds_itself_and_everything_has_one_parent(
    pairs: list[tuple[int, int]],
) -> None:
    parents: dict[str, str] = {}
    for outer, inner in pairs:
        found = packing(sscc(outer), (), (sscc(inner),), Known(parents=parents))
        parents |= dict.fromkeys(found.accepted, sscc(outer))
    children: dict[str, list[str]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    assert all(one not in contents(one, children) for one in children)
