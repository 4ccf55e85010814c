"""Prices and discounts in the sales that another till tells."""

from __future__ import annotations

from typing import Any

import pytest

from agent.till.asked import LineAsked, OverrideAsked, ReturnAsked, SaleAsked
from protocol.codes import render_control
from protocol.events import Sale
from protocol.feeds import TillLimits
from tests.agent.shop_kit import MILK, NOW_US, TEA, Counter, D, answer, done, not_done
from tests.agent.till.limited_shop import KEY, PIN, limit, shop

__all__ = ["shop"]


def tell(counter: Counter, *lines: LineAsked, **more: Any) -> Any:
    return counter.parts.sales.post(SaleAsked(lines=lines, **more))


def test_another_till_tells_prices_that_a_person_changed(shop: Counter) -> None:
    override = OverrideAsked(reason="damaged", price_minor=420)
    done(tell(shop, LineAsked(gtin=TEA, quantity=D(2), override=override), LineAsked(gtin=MILK), clerk="Bob"))
    told, sale = shop.bodies()
    assert (told.price_minor, told.list_price_minor, told.reason, told.clerk) == (420, 450, "damaged", "Bob")
    assert [(line.amount_minor, line.override_id) for line in sale.lines] == [
        (840, told.override_id),
        (119, None),
    ]


def test_another_till_is_asked_for_a_supervisor_beyond_the_limits(shop: Counter) -> None:
    cheap = LineAsked(gtin=TEA, override=OverrideAsked(reason="damaged", price_minor=300))
    given_away = LineAsked(gtin=TEA, amount_minor=100, discount_minor=350)
    refused = [not_done(tell(shop, LineAsked(gtin=MILK), line)) for line in (cheap, given_away)]
    assert [(one.key, one.line, one.conflict) for one in refused] == [("needs_authorisation", 2, True)] * 2
    assert shop.events() == []
    done(tell(shop, cheap, given_away, authorisation=PIN))
    first, second, sale = shop.bodies()
    assert [(told.authorised_by, told.reason, told.price_minor) for told in (first, second)] == [
        ("Ann Li", "damaged", 300), ("Ann Li", "discount", 100),
    ]  # fmt: skip
    assert [line.override_id for line in sale.lines] == [first.override_id, second.override_id]


def test_a_wrong_pin_of_another_till_sells_nothing(shop: Counter) -> None:
    refused = not_done(tell(shop, LineAsked(gtin=TEA), authorisation="0000"))
    assert (refused.key, refused.conflict, shop.events()) == ("not_authorised", True, [])


def test_a_supervisors_card_serves_another_till_too(shop: Counter) -> None:
    line = LineAsked(gtin=TEA, amount_minor=100, discount_minor=350)
    done(tell(shop, line, authorisation=render_control("SUPERVISOR", "ANN", KEY)))
    assert shop.bodies()[0].authorised_by == "Ann Li"


def test_what_another_till_tells_late_has_happened_and_comes_back_with_a_warning(shop: Counter) -> None:
    line = LineAsked(gtin=TEA, amount_minor=100, discount_minor=350)
    told = answer(done(tell(shop, line, sold_at="2025-10-08T10:00:00Z")))
    assert [(one["key"], one["line"]) for one in told["warnings"]] == [("beyond_limits", 1)]
    assert [type(body) for body in shop.bodies()] == [Sale]


def test_the_pin_makes_no_difference_to_whether_a_sale_is_the_same(shop: Counter) -> None:
    line = LineAsked(gtin=TEA, amount_minor=100, discount_minor=350)
    first = done(tell(shop, line, sale_id="s-1", authorisation=PIN))
    limit(shop, TillLimits(discount_limit_bp=0))
    again = [done(tell(shop, line, sale_id="s-1", **more)) for more in ({}, {"authorisation": "0000"})]
    assert [(one.repeated, one.answer) for one in again] == [(True, first.answer)] * 2
    assert len(shop.events()) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            LineAsked(gtin=TEA, override=OverrideAsked(reason=" ")),
            "line 1: override: reason: expected 1 to 200",
        ),
        (LineAsked(gtin=TEA, override=OverrideAsked(reason="x", price_minor=-1)), "line 1: amount -1"),
        (
            LineAsked(gtin=TEA, amount_minor=400, override=OverrideAsked(reason="x", price_minor=410)),
            "line 1: override: 1 at 410 less 0 come to 410, and amount_minor is 400",
        ),
    ],
)
def test_an_override_that_cannot_be_understood_is_told_why(shop: Counter, line: LineAsked, says: str) -> None:
    assert not_done(tell(shop, line)).reason.startswith(says)


def test_an_override_belongs_to_a_sale(shop: Counter) -> None:
    line = LineAsked(gtin=TEA, override=OverrideAsked(reason="x", price_minor=1))
    refused = not_done(shop.parts.returns.post(ReturnAsked(lines=(line,))))
    assert refused.reason == "line 1: override: belongs to a sale; a return refunds amount_minor"


def test_when_the_price_was_changed_is_when_the_sale_says(shop: Counter) -> None:
    override = OverrideAsked(reason="damaged", price_minor=420)
    done(tell(shop, LineAsked(gtin=TEA, override=override), sold_at="2025-10-08T10:00:00Z"))
    first, second = (event.at.event_time_us for event in shop.events())
    assert (first == second, first < NOW_US) == (True, True)
