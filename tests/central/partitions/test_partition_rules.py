"""Which partitions must be there, and which may go."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.partitions.rules import (
    Partition,
    Retention,
    Table,
    bounds_of,
    missing,
    months_later,
    past,
    settled_by,
)

DAYS = st.dates(date(2000, 1, 1), date(2200, 1, 1))


def of(first: date | None, end: date | None) -> Partition:
    return Partition(table=Table.MOVEMENTS, name=f"movements_{first}", first=first, end=end)


OLDEST = of(None, date(2027, 1, 1))
JANUARY = of(date(2027, 1, 1), date(2027, 2, 1))
FEBRUARY = of(date(2027, 2, 1), date(2027, 3, 1))
DEFAULT = of(None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DEFAULT", (None, None)),
        ("FOR VALUES FROM (MINVALUE) TO ('2027-01-01')", (None, date(2027, 1, 1))),
        (
            "FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00')",
            (date(2027, 1, 1), date(2027, 2, 1)),
        ),
        ("FOR VALUES FROM ('2027-01-01') TO ('2027-02-01')", (date(2027, 1, 1), date(2027, 2, 1))),
    ],
)
def test_bounds_are_read_as_postgresql_tells_them(
    text: str, expected: tuple[date | None, date | None]
) -> None:
    assert bounds_of(text) == expected


def test_bounds_that_are_no_span_of_days_are_refused() -> None:
    with pytest.raises(ValueError, match="expected DEFAULT, or a range of days with an end"):
        bounds_of("FOR VALUES IN ('x')")


def test_months_are_due_up_to_three_ahead() -> None:
    there = [OLDEST, JANUARY, FEBRUARY, DEFAULT]
    assert missing(there, date(2027, 1, 31)) == [date(2027, 3, 1), date(2027, 4, 1)]


def test_months_in_which_central_stood_still_are_made_too() -> None:
    assert missing([OLDEST, DEFAULT], date(2027, 3, 15), ahead=0) == [
        date(2027, 1, 1),
        date(2027, 2, 1),
        date(2027, 3, 1),
    ]


def test_a_table_that_is_not_divided_lacks_nothing() -> None:
    assert missing([], date(2027, 1, 1)) == []


@given(today=DAYS, ahead=st.integers(0, 12))
def test_after_making_what_is_missing_every_day_of_the_span_has_its_month_and_nothing_is_missing(
    today: date, ahead: int
) -> None:
    there = [OLDEST, DEFAULT]
    there += [of(month, months_later(month, 1)) for month in missing(there, today, ahead)]
    last = months_later(today, ahead)
    ends = {one.end for one in there if one.end is not None}
    assert missing(there, today, ahead) == []
    assert max(ends) == max(months_later(last, 1), date(2027, 1, 1))


def test_nothing_is_past_where_everything_is_kept() -> None:
    assert past([OLDEST, JANUARY, DEFAULT], date(2099, 1, 1), None) == []


def test_a_month_is_past_when_so_many_whole_months_lie_between() -> None:
    there = [FEBRUARY, JANUARY, OLDEST, DEFAULT]
    assert past(there, date(2027, 4, 30), 3) == [OLDEST]
    assert past(there, date(2027, 5, 1), 3) == [OLDEST, JANUARY]


@given(today=DAYS, months=st.integers(1, 600))
def test_no_row_goes_before_it_is_as_old_as_was_asked_for(today: date, months: int) -> None:
    there = [OLDEST, JANUARY, FEBRUARY, DEFAULT]
    youngest = max((one.end for one in past(there, today, months) if one.end is not None), default=date.min)
    assert youngest <= months_later(today, -months) or youngest == date.min


def test_payments_are_kept_as_long_as_their_receipts() -> None:
    retention = Retention(sale_lines_months=5, movements_months=7)
    assert {table: retention.months_of(table) for table in Table} == {
        Table.MOVEMENTS: 7,
        Table.EVENTS: None,
        Table.ITEM_TRACE: None,
        Table.SALE_LINES: 5,
        Table.PAYMENTS: 5,
        Table.STOCK_DAYS: None,
    }


@given(day=DAYS, count=st.integers(-600, 600))
def test_months_later_and_earlier_lead_back_to_the_month(day: date, count: int) -> None:
    assert months_later(months_later(day, count), -count) == day.replace(day=1)


def test_an_agent_has_forgotten_a_month_so_many_days_after_its_end() -> None:
    assert settled_by(JANUARY, 90) == date(2027, 5, 2)
