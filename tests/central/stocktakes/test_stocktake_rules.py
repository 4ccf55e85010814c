"""What follows from a count: variances, recounts, decisions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.stocktakes import rules
from central.stocktakes.counting import AreaCount, Counted, Tally, tallied
from central.stocktakes.documents import Limits, Line, LineState, Refused, Stocktake, StocktakeState
from central.stocktakes.rules import At, Found
from protocol.events import CountedLine

AT = datetime(2026, 9, 21, 8, tzinfo=UTC)
US = 1_790_000_000_000_000
MILK, BREAD = "04012345678901", "05901234123457"


def stocktake(**changes: object) -> Stocktake:
    made = Stocktake(
        site="north",
        stocktake_id="s",
        name="week 9",
        blind=False,
        state=StocktakeState.PROPOSED,
        started_at=AT,
        started_by="brand:boss",
    )
    return msgspec.structs.replace(made, **changes)


def tally(quantity: int, number: int = 1) -> Tally:
    return Tally(round=number, quantity=Decimal(quantity), first_at=AT, last_at=AT, areas=("shelf",))


def found(*rounds: tuple[int, int, int], cost: str | None = None) -> Found:
    """(round, counted, balance) each."""
    return Found(
        rounds=[tally(counted, number) for number, counted, _ in rounds],
        balances={(MILK, number): At(balance=Decimal(balance)) for number, _, balance in rounds},
        cost=None if cost is None else Decimal(cost),
    )


def line(variance: int = -2, state: LineState = LineState.PROPOSED, **changes: object) -> Line:
    made = Line(
        gtin=MILK, round=1, counted=Decimal(10 + variance), counted_at=AT, expected=Decimal(10), state=state
    )
    return msgspec.structs.replace(made, **changes)


def test_the_variance_is_the_count_less_the_balance_of_that_moment() -> None:
    made = rules.assessed(stocktake(), MILK, found((1, 8, 10), cost="2.5"), None)
    assert (made.variance, made.value_minor, made.state) == (Decimal(-2), -5, LineState.PROPOSED)


def test_a_count_that_agrees_needs_no_decision() -> None:
    assert rules.assessed(stocktake(), MILK, found((1, 10, 10)), None).state is LineState.AGREES


@pytest.mark.parametrize(
    ("limits", "state"),
    [
        (Limits(), LineState.PROPOSED),
        (Limits(quantity=Decimal(2)), LineState.PROPOSED),
        (Limits(quantity=Decimal(1)), LineState.RECOUNT),
        (Limits(value_minor=500), LineState.PROPOSED),
        (Limits(value_minor=499), LineState.RECOUNT),
        (Limits(quantity=Decimal(9), value_minor=0), LineState.RECOUNT),
    ],
)
def test_a_variance_beyond_either_limit_is_counted_again(limits: Limits, state: LineState) -> None:
    assert rules.assessed(stocktake(limits=limits), MILK, found((1, 8, 10), cost="250"), None).state is state


def test_without_a_known_cost_the_limit_of_value_says_nothing() -> None:
    limits = Limits(value_minor=0)
    assert rules.assessed(stocktake(limits=limits), MILK, found((1, 8, 10)), None).state is LineState.PROPOSED


@pytest.mark.parametrize(
    ("rounds", "state"),
    [
        (((1, 8, 10), (2, 8, 10)), LineState.PROPOSED),
        (((1, 8, 10), (2, 5, 7)), LineState.PROPOSED),
        (((1, 8, 10), (2, 7, 10)), LineState.RECOUNT),
        (((1, 8, 10), (2, 7, 10), (3, 6, 10)), LineState.PROPOSED),
    ],
    ids=["same quantity", "same variance, sold between", "another variance", "third round"],
)
def test_two_rounds_that_find_the_same_or_a_third_are_enough(
    rounds: tuple[tuple[int, int, int], ...], state: LineState
) -> None:
    strict = stocktake(limits=Limits(quantity=Decimal(0)))
    assert rules.assessed(strict, MILK, found(*rounds), None).state is state


def test_what_was_asked_for_again_waits_until_it_was_counted_again() -> None:
    kept = rules.asked_again(line(-2), 2)
    assert rules.assessed(stocktake(), MILK, found((1, 8, 10)), kept).state is LineState.RECOUNT
    assert rules.assessed(stocktake(), MILK, found((1, 8, 10), (2, 9, 10)), kept).state is LineState.PROPOSED


@pytest.mark.parametrize("state", [LineState.APPROVED, LineState.REFUSED])
def test_a_decision_holds_while_the_variance_is_what_it_was(state: LineState) -> None:
    kept = line(-2, state, reason="so")
    assert rules.assessed(stocktake(), MILK, found((1, 8, 10)), kept).state is state
    assert rules.assessed(stocktake(), MILK, found((1, 8, 9)), kept).state is LineState.PROPOSED
    assert rules.assessed(stocktake(), MILK, found((1, 8, 8)), kept).state is LineState.AGREES


def test_an_approval_that_is_void_says_what_it_was_for() -> None:
    made = rules.assessed(stocktake(), MILK, found((1, 8, 9)), line(-2, LineState.APPROVED))
    assert made.reason == "it was approved at -2: approve it anew"


def test_what_was_counted_by_the_way_is_not_booked_by_itself() -> None:
    made = rules.assessed(stocktake(gtins=(BREAD,)), MILK, found((1, 8, 10)), None)
    assert made.state is LineState.REFUSED
    by_hand = msgspec.structs.replace(made, state=LineState.APPROVED)
    assert (
        rules.assessed(stocktake(gtins=(BREAD,)), MILK, found((1, 8, 10)), by_hand).state
        is LineState.APPROVED
    )


def test_nobody_is_missed_before_the_counting_is_closed() -> None:
    counting = stocktake(state=StocktakeState.COUNTING)
    assert rules.with_unnamed(counting, {}, [MILK], AT, {}) == {}
    closed = rules.with_unnamed(stocktake(), {}, [MILK], AT, {})
    assert [(one.quantity, one.areas) for one in closed[MILK]] == [(Decimal(0), ())]


def test_what_nobody_found_in_a_closed_recount_either_was_looked_for_twice() -> None:
    recounting = stocktake(state=StocktakeState.RECOUNTING, round=2)
    asked = {MILK: (2,)}
    assert len(rules.with_unnamed(recounting, {}, [MILK], AT, asked)[MILK]) == 1
    assert len(rules.with_unnamed(stocktake(round=2), {}, [MILK], AT, asked)[MILK]) == 2


@pytest.mark.parametrize(
    ("counted_at_us", "apart"),
    [
        (US - 5_000_000, -5),
        (US + 1, 0),
        (0, 0),
        (-(2**62), 0),
        (2**62, 0),
        (US - 8 * 86_400 * 1_000_000, 0),
    ],
)
def test_a_moment_that_cannot_be_is_that_of_writing(counted_at_us: int, apart: int) -> None:
    one = CountedLine(gtin=MILK, quantity=Decimal(1), counted_at_us=counted_at_us)
    assert rules.moment_of(one, AT, US) == AT + timedelta(seconds=apart)


def test_lines_that_have_to_be_counted_again_are_not_approved() -> None:
    waiting = {MILK: line(-2, LineState.RECOUNT)}
    assert rules.approved(waiting, None) == []
    refused = rules.approved(waiting, [MILK])
    assert isinstance(refused, Refused)
    assert "counted again before" in refused.reason


@pytest.mark.parametrize("state", [LineState.AGREES, LineState.BOOKED])
def test_there_is_nothing_to_decide_on_what_agrees_or_is_booked(state: LineState) -> None:
    assert isinstance(rules.approved({MILK: line(0, state)}, [MILK]), Refused)
    assert isinstance(rules.refused({MILK: line(0, state)}, [MILK], "why"), Refused)
    assert isinstance(rules.refused({}, [MILK], "why"), Refused)


def test_a_stocktake_is_booked_when_every_line_is_decided() -> None:
    assert rules.undecided([line(state=LineState.APPROVED), line(state=LineState.REFUSED)]) is None
    open_lines = rules.undecided([line(), line(state=LineState.RECOUNT)])
    assert open_lines is not None
    assert "2 products are neither approved nor refused" in open_lines.reason
    assert "1 of them have to be counted again" in open_lines.reason


@pytest.mark.parametrize("state", list(StocktakeState))
def test_every_refusal_says_why(state: StocktakeState) -> None:
    others = [one for one in StocktakeState if one is not state]
    refused = rules.may(stocktake(state=state), "book", *others)
    assert refused is not None
    assert refused.reason.startswith("cannot book this stocktake: ")


def test_what_nobody_counted_stands_first_then_what_differs_by_value() -> None:
    lines = [
        line(0, LineState.AGREES, gtin="a"),
        line(-1, gtin="b", value_minor=-100),
        line(-1, gtin="c", value_minor=-900),
        line(-1, gtin="d", value_minor=-1, is_unnamed=True),
    ]
    assert [one.gtin for one in sorted(lines, key=rules.order_of)] == ["d", "c", "b", "a"]


# One day at a shop: sales, receipts and counts, told in any order ----------------------------------------------------------------


class Shop:
    """Books as central keeps them, by hand: facts in the order in which they are heard of."""

    def __init__(self) -> None:
        self.movements: list[tuple[datetime, int]] = []
        self.counts: list[AreaCount] = []

    def hear(self, fact: tuple[datetime, int] | AreaCount) -> None:
        if isinstance(fact, AreaCount):
            self.counts.append(fact)
        else:
            self.movements.append(fact)

    def line(self) -> Line | None:
        """What follows from what is known now: the balance is worked out backwards from today, as central does."""
        rounds = tallied(self.counts).get(MILK)
        if rounds is None:
            return None
        now = sum(change for _, change in self.movements)
        later = sum(change for at, change in self.movements if at >= rounds[-1].last_at)
        books = Found(rounds=rounds, balances={(MILK, rounds[-1].round): At(balance=Decimal(now - later))})
        return rules.assessed(stocktake(), MILK, books, None)


moments = st.integers(0, 500).map(lambda minutes: AT + timedelta(minutes=minutes))
facts = st.lists(st.tuples(moments, st.integers(-5, 9)), max_size=25)
one_count = st.builds(
    lambda at, quantity: AreaCount(
        area="shelf",
        round=1,
        event_time=at,
        journal=1,
        seq=1,
        lines=(Counted(gtin=MILK, quantity=Decimal(quantity), at=at),),
    ),
    moments,
    st.integers(0, 50),
)


@given(facts, one_count, st.randoms(use_true_random=False))
def test_the_variance_does_not_depend_on_the_order_in_which_anything_is_heard_of(
    day: Sequence[tuple[datetime, int]], counted: AreaCount, chance: random.Random
) -> None:
    told: list[tuple[datetime, int] | AreaCount] = [*day, counted]
    chance.shuffle(told)
    in_order, shuffled = Shop(), Shop()
    for one in day:
        in_order.hear(one)
    in_order.hear(counted)
    for fact in told:
        shuffled.hear(fact)
    assert in_order.line() == shuffled.line()


@given(facts, one_count)
def test_booking_the_variance_leaves_what_was_counted_and_what_moved_after(
    day: Sequence[tuple[datetime, int]], counted: AreaCount
) -> None:
    shop = Shop()
    for fact in day:
        shop.hear(fact)
    shop.hear(counted)
    made = shop.line()
    assert made is not None
    booked = sum(change for _, change in day) + made.variance
    after = sum(change for at, change in day if at >= counted.event_time)
    assert booked == counted.lines[0].quantity + after
