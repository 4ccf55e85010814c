"""How far a clerk may go alone with a price or a discount."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.till.limits import PriceView, beyond
from protocol.feeds import TillLimits

TEN_PERCENT = TillLimits(discount_limit_bp=1000, override_limit_bp=1000)


def view(
    gross_minor: int, discount_minor: int = 0, *, by_hand: bool = False, list_minor: int | None = 1000
) -> PriceView:
    return PriceView(
        list_price_minor=list_minor,
        quantity=Decimal(1),
        gross_minor=gross_minor,
        discount_minor=discount_minor,
        is_overridden=by_hand,
    )


@pytest.mark.parametrize(
    ("seen", "limits", "words"),
    [
        (view(1000), TEN_PERCENT, None),
        (view(1000, 100), TEN_PERCENT, None),
        (view(1000, 101), TEN_PERCENT, "the discount is more than 10%"),
        (view(900, by_hand=True), TEN_PERCENT, None),
        (view(1100, by_hand=True), TEN_PERCENT, None),
        (view(899, by_hand=True), TEN_PERCENT, "the price is more than 10% from the list's"),
        (view(1101, by_hand=True), TEN_PERCENT, "the price is more than 10% from the list's"),
        (view(1, 999), TillLimits(), None),
        (view(999, by_hand=True), TillLimits(override=False), "prices are not overridden here without a supervisor"),
        (view(1000, by_hand=True), TillLimits(override=False), None),
        (view(1000, 1), TillLimits(discount_limit_bp=0), "the discount is more than 0%"),
        (view(1000, 26), TillLimits(discount_limit_bp=250), "the discount is more than 2.5%"),
        (view(678, 68), TEN_PERCENT, "the discount is more than 10%"),  # of what a scale's label says, not of the list
        (view(678, 67), TEN_PERCENT, None),
        (view(500, by_hand=True, list_minor=None), TEN_PERCENT, None),
        (view(500, 51, list_minor=None), TEN_PERCENT, "the discount is more than 10%"),
        (view(1, by_hand=True, list_minor=0), TEN_PERCENT, "the price is more than 10% from the list's"),
    ],
)  # fmt: skip
def test_what_goes_beyond_the_limits_is_told_in_words(
    seen: PriceView, limits: TillLimits, words: str | None
) -> None:
    assert beyond(seen, limits) == words


views = st.builds(
    PriceView,
    list_price_minor=st.integers(0, 10_000),
    quantity=st.sampled_from([Decimal(1), Decimal(3), Decimal("0.250"), Decimal(0)]),
    gross_minor=st.integers(0, 30_000),
    discount_minor=st.integers(0, 5_000),
    is_overridden=st.booleans(),
)
limits_of_a_brand = st.builds(
    TillLimits,
    discount_limit_bp=st.none() | st.integers(0, 10_000),
    override_limit_bp=st.none() | st.integers(0, 10_000),
    override=st.booleans(),
)


@given(views, limits_of_a_brand)
def test_what_was_authorised_is_never_beyond(seen: PriceView, limits: TillLimits) -> None:
    assert (beyond(seen, limits, seen), beyond(seen, TillLimits())) == (None, None)


@given(views, views, limits_of_a_brand)
def test_an_authorisation_never_makes_the_limits_narrower(
    now: PriceView, authorised: PriceView, limits: TillLimits
) -> None:
    if beyond(now, limits) is None:
        assert beyond(now, limits, authorised) is None


def test_a_price_that_was_authorised_leaves_the_discount_its_own_limit() -> None:
    authorised = view(500, by_hand=True)
    assert [beyond(view(500, off, by_hand=True), TEN_PERCENT, authorised) for off in (100, 101)] == [
        None,
        "the discount is more than 10%",
    ]
