"""A receipt line against the price list valid at its time and the limits of its till."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.discrepancies.price_rules import Finding, Override, Policy, is_plain, judge, price_at
from central.discrepancies.rules import DiscrepancyClass
from protocol.events import SaleLine

MONDAY = datetime(2026, 9, 21, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
NOON = TUESDAY + timedelta(hours=12)
PRICES = ((MONDAY, 200), (TUESDAY, 250))
POLICY = Policy(
    price_list="default",
    currency="EUR",
    price_tolerance_bp=100,
    discount_limit_bp=1000,
    override_limit_bp=2000,
)


def line(amount: int, quantity: str = "1", discount: int = 0, override: str | None = None) -> SaleLine:
    return SaleLine(
        gtin="0" * 14,
        quantity=Decimal(quantity),
        amount_minor=amount,
        discount_minor=discount,
        override_id=override,
    )


def causes(
    one: SaleLine, policy: Policy = POLICY, override: Override | None = None, at: datetime = NOON
) -> list[str]:
    return [finding.cause for finding in judge(one, PRICES, at, policy, override)]


def test_the_price_is_that_of_its_time() -> None:
    moments = (MONDAY - timedelta(seconds=1), MONDAY, TUESDAY - timedelta(seconds=1), TUESDAY)
    assert [price_at(PRICES, at) for at in moments] == [None, 200, 200, 250]


def test_a_line_at_the_list_price_is_within_policy() -> None:
    assert causes(line(250)) == []
    assert causes(line(750, "3")) == []


def test_an_earlier_price_of_the_list_was_not_heard_of() -> None:
    assert judge(line(400, "2"), PRICES, NOON, POLICY) == [
        Finding(
            discrepancy_class=DiscrepancyClass.PRICE_OUTSIDE_POLICY,
            cause="price_not_heard",
            off_minor=-100,
            charged="200",
            list_price_minor=250,
        )
    ]


def test_the_earlier_price_was_right_in_its_time() -> None:
    assert causes(line(200), at=MONDAY + timedelta(hours=1)) == []


def test_a_price_that_no_list_ever_had_and_no_reason_is_an_override_without_one() -> None:
    assert causes(line(120)) == ["override_without_reason"]


def test_an_override_within_its_limit_is_policy_and_one_beyond_it_is_not() -> None:
    assert causes(line(200, override="o"), override=Override(200, None)) == []
    assert causes(line(199, override="o"), override=Override(199, None)) == ["override_beyond_limit"]


def test_somebody_who_may_can_go_beyond_the_limit() -> None:
    assert causes(line(100, override="o"), override=Override(100, "manager")) == []


def test_an_override_that_was_never_heard_of_or_says_another_price_is_none() -> None:
    assert causes(line(240, override="o")) == ["override_without_reason"]
    assert causes(line(200, override="o"), override=Override(240, None)) == ["override_without_reason"]


def test_where_overrides_are_forbidden_every_one_is_beyond_the_limit() -> None:
    strict = Policy(price_list="default", currency="EUR", price_tolerance_bp=0, override=False)
    assert causes(line(240, override="o"), strict, Override(240, None)) == ["override_beyond_limit"]


def test_the_tolerance_is_of_the_line() -> None:
    assert causes(line(1010, "4")) == []
    assert causes(line(1011, "4")) == ["override_without_reason"]


def test_a_discount_is_measured_against_the_line_before_it() -> None:
    assert causes(line(225, discount=25)) == []
    assert causes(line(221, discount=29)) == ["discount_beyond_limit"]


def test_a_discount_does_not_make_a_price_wrong() -> None:
    assert causes(line(1, discount=249)) == ["discount_beyond_limit"]


def test_a_discount_that_somebody_allowed_is_no_case() -> None:
    allowed, not_allowed = Override(125, "manager"), Override(125, None)
    discounted = line(125, discount=125, override="o")
    assert (causes(discounted, override=allowed), causes(discounted, override=not_allowed)) == (
        [],
        ["discount_beyond_limit"],
    )


def test_without_a_tolerance_prices_are_not_judged_and_without_a_limit_discounts_are_not() -> None:
    assert causes(line(1), Policy(price_list="p", currency="EUR", discount_limit_bp=1000)) == []
    assert causes(line(125, discount=125), Policy(price_list="p", currency="EUR", price_tolerance_bp=0)) == []


def test_a_product_without_a_price_is_not_judged() -> None:
    assert judge(line(1), (), NOON, POLICY) == []


def test_what_comes_back_in_a_sale_is_not_judged() -> None:
    assert causes(line(-100, "-1")) == []
    assert causes(line(100, "0")) == []


@given(st.integers(1, 100_000), st.integers(1, 30_000))
def test_weighed_goods_rounded_to_the_cent_are_never_outside_the_policy(price: int, grams: int) -> None:
    quantity = Decimal(grams) / 1000
    amount = int((price * quantity).quantize(Decimal(1)))
    weighed = SaleLine(gtin="0" * 14, quantity=quantity, amount_minor=amount)
    strict = Policy(price_list="p", currency="EUR", price_tolerance_bp=0)
    assert judge(weighed, ((MONDAY, price),), NOON, strict) == []


@given(st.integers(0, 2000), st.integers(1, 5), st.integers(0, 300))
def test_what_is_passed_over_without_a_judgement_would_have_been_found_within_policy(
    amount: int, quantity: int, discount: int
) -> None:
    one = line(amount, str(quantity), discount)
    if is_plain(one, 250):
        assert judge(one, PRICES, NOON, POLICY) == []


@pytest.mark.parametrize(("first", "second"), [(line(360, "0.9"), line(361, "0.902"))])
def test_the_same_wrong_price_of_weighed_goods_is_one_cause(first: SaleLine, second: SaleLine) -> None:
    strict = Policy(price_list="p", currency="EUR", price_tolerance_bp=0)
    charged = {
        finding.charged for one in (first, second) for finding in judge(one, ((MONDAY, 250),), NOON, strict)
    }
    assert charged == {"~160%"}
