"""What a shift comes to, whatever was done in it and in whatever order it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.shifts import rules
from agent.shifts.rules import Method, Moved, Shift
from agent.till.rules import NotAllowed
from protocol.events import (
    Body,
    CashMoved,
    Payment,
    PriceOverridden,
    Sale,
    SaleLine,
    SaleReturned,
    SaleVoided,
)
from tests.agent.shop_kit import TEA

FLOAT = 10_000
SHIFT = Shift("z-1", "1-Z00001", "EUR", FLOAT, "Ann", "epoch", 7, 1_000)


def line(amount_minor: int, **more: object) -> SaleLine:
    return SaleLine(gtin=TEA, quantity=Decimal(1), amount_minor=amount_minor, **more)  # type: ignore[arg-type]


def sale(sale_id: str, *payments: Payment) -> Sale:
    total = sum(payment.amount_minor for payment in payments)
    return Sale(sale_id=sale_id, receipt=sale_id, currency="EUR", lines=(line(total),), payments=payments)


def void(of: Sale, *refunds: Payment) -> SaleVoided:
    return SaleVoided(
        void_id=f"v-{of.sale_id}",
        sale_id=of.sale_id,
        receipt=of.receipt,
        currency="EUR",
        lines=of.lines,
        reason="r",
        refunds=refunds,
    )


def returned(amount_minor: int, *refunds: Payment) -> SaleReturned:
    return SaleReturned(
        return_id="r",
        receipt="r",
        currency="EUR",
        lines=(line(amount_minor),),
        disposition="restock",
        refunds=refunds,
    )


def moved(amount_minor: int, reason: str = "safe drop") -> CashMoved:
    return CashMoved(cash_move_id="m", currency="EUR", amount_minor=amount_minor, reason=reason)


def cash(amount_minor: int, tendered_minor: int | None = None) -> Payment:
    return Payment(method="cash", amount_minor=amount_minor, tendered_minor=tendered_minor)


def card(amount_minor: int) -> Payment:
    return Payment(method="card", amount_minor=amount_minor)


def expected(bodies: Sequence[Body], sales: Sequence[Sale] = ()) -> dict[str, int]:
    paid = {
        one.sale_id: one.payments for one in (*sales, *(body for body in bodies if isinstance(body, Sale)))
    }
    return rules.expected(FLOAT, rules.tally(bodies, lambda sale_id: paid.get(sale_id, ())))


def test_an_idle_shift_has_its_float() -> None:
    assert expected([]) == {"cash": FLOAT}


def test_change_that_was_given_back_is_not_in_the_drawer() -> None:
    assert expected([sale("a", cash(450, 500))]) == {"cash": FLOAT + 450}


def test_a_void_gives_the_money_back_the_way_it_came() -> None:
    sold = sale("a", cash(300), card(200))
    assert expected([sold, void(sold)]) == {"cash": FLOAT, "card": 0}


def test_a_void_that_says_how_goes_by_that() -> None:
    sold = sale("a", card(500))
    assert expected([sold, void(sold, cash(500))]) == {"cash": FLOAT - 500, "card": 500}


def test_a_void_of_a_sale_from_before_the_shift_takes_from_this_drawer() -> None:
    sold = sale("a", cash(500))
    assert expected([void(sold)], [sold]) == {"cash": FLOAT - 500}


def test_a_return_is_refunded_in_cash_unless_it_says_how() -> None:
    assert expected([returned(300), returned(200, card(200))]) == {"cash": FLOAT - 300, "card": -200}


def test_a_sale_that_does_not_say_how_it_was_paid_is_counted_and_puts_nothing_anywhere() -> None:
    silent = Sale(sale_id="a", receipt="a", currency="EUR", lines=(line(500),))
    done = rules.tally([silent], lambda _: ())
    assert (done.sales, done.sold_minor, done.taken) == (1, 500, {})


def test_moves_are_added_up_by_their_reason() -> None:
    done = rules.tally([moved(-5000), moved(2000, "change"), moved(-3000)], lambda _: ())
    assert done.moves == (Moved("change", 2000, 1), Moved("safe drop", -8000, 2))


def test_discounts_and_changed_prices_are_counted() -> None:
    sold = Sale(
        sale_id="a",
        receipt="a",
        currency="EUR",
        lines=(line(400, discount_minor=50, override_id="o-1"), line(100)),
    )
    done = rules.tally([sold], lambda _: ())
    assert (done.discounted_minor, done.overridden) == (50, 1)


def test_what_is_neither_money_nor_receipt_has_no_part_in_a_shift() -> None:
    told = PriceOverridden(
        override_id="o", gtin=TEA, currency="EUR", list_price_minor=450, price_minor=400, reason="r"
    )
    assert rules.tally([told], lambda _: ()) == rules.Tally()


def test_a_report_tells_by_method_what_should_be_there_and_what_was_found() -> None:
    done = rules.tally([sale("a", cash(450)), sale("b", card(900)), moved(-1000)], lambda _: ())
    report = rules.report(SHIFT, done, 2_000, {"cash": 9_400, "card": 900})
    assert report.methods == (
        Method(method="cash", taken_minor=450, expected_minor=9_450, counted_minor=9_400),
        Method(method="card", taken_minor=900, expected_minor=900, counted_minor=900),
    )
    assert [method.difference_minor for method in report.methods] == [-50, 0]


def test_a_blind_report_tells_nothing_from_which_the_drawer_could_be_reckoned() -> None:
    done = rules.tally([sale("a", cash(450)), sale("b", card(900))], lambda _: ())
    report = rules.report(SHIFT, done, 2_000, is_blind=True)
    sums = (report.sold_minor, report.voided_minor, report.returned_minor, report.discounted_minor)
    figures = {
        figure
        for line in report.methods
        for figure in (line.taken_minor, line.expected_minor, line.counted_minor, line.difference_minor)
    }
    assert (report.sales, sums, figures) == (2, (None, None, None, None), {None})


def test_a_count_by_denominations_is_their_sum() -> None:
    assert rules.counted((card(5),), {"5000": 2, "20": 3, "1": 0}, "EUR") == {"cash": 10_060, "card": 5}


@pytest.mark.parametrize(
    ("found", "denominations", "key"),
    [
        ((), {}, "no_count"),
        ((card(100),), {}, "no_count"),
        ((cash(1), cash(2)), {}, "invalid"),
        ((Payment(method="gold", amount_minor=1),), {}, "invalid"),
        ((cash(-1),), {}, "bad_amount"),
        ((cash(10**13),), {}, "bad_amount"),
        ((cash(100, 200),), {}, "invalid"),
        ((cash(100),), {"50": 3}, "bad_amount"),
        ((), {"0": 1}, "invalid"),
        ((), {"5.00": 1}, "invalid"),
        ((), {"-5": 1}, "invalid"),
        ((), {"5": -1}, "invalid"),
        ((), {"5": 10**9}, "invalid"),
        ((), {"9" * 30: 1}, "invalid"),
    ],
)
def test_what_is_no_count_is_told(
    found: tuple[Payment, ...], denominations: dict[str, int], key: str
) -> None:
    outcome = rules.counted(found, denominations, "EUR")
    assert isinstance(outcome, NotAllowed)
    assert outcome.key == key


amounts = st.integers(0, 100_000)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("sale"), amounts, amounts),
        st.tuples(st.just("void"), st.booleans(), amounts),
        st.tuples(st.just("return"), amounts, st.booleans()),
        st.tuples(st.just("move"), st.integers(-50_000, 50_000), st.just(0)),
    ),
    max_size=40,
)


@given(st.integers(0, 50_000), steps, st.randoms(use_true_random=False))
def test_the_cash_that_should_be_there_is_what_went_through_the_drawer_in_any_order(
    float_minor: int, done: list[tuple[str, int, int]], random: Random
) -> None:
    """A drawer as a box of coins, beside what the rules make of the documents."""
    drawer, terminal = float_minor, 0
    bodies: list[Body] = []
    standing: list[Sale] = []
    for number, (what, first, second) in enumerate(done):
        if what == "sale":
            sold = sale(f"s-{number}", cash(first, first + 50), card(second))
            standing.append(sold)
            bodies.append(sold)
            drawer, terminal = drawer + first, terminal + second
        elif what == "void" and standing:
            sold = standing.pop(random.randrange(len(standing)))
            in_cash, by_card = (payment.amount_minor for payment in sold.payments)
            bodies.append(void(sold, cash(in_cash + by_card)) if first else void(sold))
            drawer -= in_cash + by_card if first else in_cash
            terminal -= 0 if first else by_card
        elif what == "return":
            bodies.append(returned(first, card(first)) if second else returned(first))
            drawer, terminal = drawer - (0 if second else first), terminal - (first if second else 0)
        elif what == "move":
            bodies.append(moved(first))
            drawer += first
    paid = {body.sale_id: body.payments for body in bodies if isinstance(body, Sale)}
    random.shuffle(bodies)
    should = rules.expected(float_minor, rules.tally(bodies, lambda sale_id: paid[sale_id]))
    assert (should["cash"], should.get("card", 0)) == (drawer, terminal)
