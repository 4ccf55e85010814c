"""Cursors."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from central.api.paging import decode, encode, page
from central.api.problems import Problem


class Row(BaseModel):
    """A row of a list."""

    number: int


def test_the_last_page_has_no_next_and_the_ones_before_point_after_their_last_row() -> None:
    rows = [Row(number=number) for number in range(4)]
    first = page(rows[:3], 2, lambda row: row, lambda row: (row.number,))
    last = page(rows[2:], 2, lambda row: row, lambda row: (row.number,))
    assert (decode(first.next, tuple[int]), last.next) == ((1,), None)


@given(st.text(), st.datetimes(timezones=st.just(UTC)))
def test_a_place_survives_being_a_cursor(name: str, at: datetime) -> None:
    assert decode(encode((name, at)), tuple[str, datetime]) == (name, at)


@given(st.text())
def test_no_text_makes_the_reading_of_a_cursor_stumble(text: str) -> None:
    with suppress(Problem):
        decode(text, tuple[datetime, str])


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Problem, match="not one of this list"):
        decode(encode(("S1", 4)), tuple[str])
