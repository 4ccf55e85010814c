"""When a day closes by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.reconciliation.beside import AgentHere, awaited
from central.reconciliation.calendar_rules import Due, Rule, due, last_due
from central.reconciliation.periods import end_of_day

RULE = Rule(hour=5, after_days=3)
SHANGHAI = "Asia/Shanghai"
NOW = datetime(2026, 3, 9, 22, tzinfo=UTC)  # six in the morning of the tenth in Shanghai
MARCH = {number: date(2026, 3, number) for number in range(1, 32)}
HEARD = AgentHere(
    agent="a", is_enrolled=True, enrolled_at=datetime(2026, 1, 1, tzinfo=UTC), unsent=0, oldest_unsent_at=None, seen_at=NOW
)  # fmt: skip


def heard(**changes: object) -> AgentHere:
    return msgspec.convert({**msgspec.structs.asdict(HEARD), **changes}, AgentHere)


@pytest.mark.parametrize(
    ("now", "time_zone", "last"),
    [
        (NOW, SHANGHAI, MARCH[9]),
        (NOW - timedelta(hours=1), SHANGHAI, MARCH[9]),
        (NOW - timedelta(hours=1, seconds=1), SHANGHAI, MARCH[8]),
        (NOW, "UTC", MARCH[8]),
        (NOW, "Mars/Olympus", MARCH[8]),
        (NOW, "America/Los_Angeles", MARCH[8]),
    ],
)
def test_the_day_before_may_close_from_an_hour_of_the_local_night_on(
    now: datetime, time_zone: str, last: date
) -> None:
    assert last_due(RULE, now, time_zone) == last


def test_a_day_closes_when_every_agent_has_been_heard_since() -> None:
    assert due(RULE, NOW, SHANGHAI, MARCH[8], [HEARD]) == [Due(day=MARCH[9], complete=True)]


def test_a_site_without_agents_has_nobody_to_wait_for() -> None:
    assert due(RULE, NOW, SHANGHAI, MARCH[8], []) == [Due(day=MARCH[9], complete=True)]


def test_nothing_is_due_twice() -> None:
    assert due(RULE, NOW, SHANGHAI, MARCH[9], [HEARD]) == []


def test_a_day_waits_for_a_dark_agent_and_the_days_before_do_not() -> None:
    dark = heard(seen_at=end_of_day(MARCH[7], SHANGHAI) + timedelta(hours=3))
    assert due(RULE, NOW, SHANGHAI, MARCH[6], [HEARD, dark]) == [Due(day=MARCH[7], complete=True)]
    assert due(RULE, NOW, SHANGHAI, MARCH[7], [HEARD, dark]) == []


def test_a_day_waits_no_longer_than_the_rule_says_and_is_incomplete_then() -> None:
    dark = heard(seen_at=None)
    assert due(RULE, NOW, SHANGHAI, MARCH[5], [dark]) == [Due(day=MARCH[6], complete=False)]
    assert due(RULE, NOW, SHANGHAI, MARCH[6], [dark]) == []


def test_days_of_which_everything_came_close_complete_before_those_that_nobody_waits_for() -> None:
    dark = heard(seen_at=end_of_day(MARCH[4], SHANGHAI) + timedelta(hours=3))
    assert due(RULE, NOW, SHANGHAI, MARCH[2], [dark]) == [
        Due(day=MARCH[4], complete=True),
        Due(day=MARCH[6], complete=False),
    ]


def test_the_first_closing_of_a_site_takes_everything_before_it() -> None:
    assert due(RULE, NOW, SHANGHAI, None, [HEARD]) == [Due(day=MARCH[9], complete=True)]
    assert due(RULE, NOW, SHANGHAI, None, [heard(seen_at=None)]) == [Due(day=MARCH[6], complete=False)]


def test_without_patience_every_day_closes_the_night_after() -> None:
    hasty = Rule(hour=5, after_days=0)
    assert due(hasty, NOW, SHANGHAI, MARCH[8], [heard(seen_at=None)]) == [Due(day=MARCH[9], complete=False)]


moments = st.integers(0, 40 * 24).map(lambda hours: NOW - timedelta(hours=hours))
agents = st.lists(
    st.builds(
        AgentHere, agent=st.just("a"), is_enrolled=st.booleans(), enrolled_at=moments, unsent=st.integers(0, 2),
        oldest_unsent_at=st.none() | moments, seen_at=st.none() | moments,
    ),
    max_size=3,
)  # fmt: skip


@given(agents, st.integers(0, 23), st.integers(0, 10), st.integers(0, 40) | st.none())
def test_closings_go_forward_say_what_is_true_and_leave_nothing_open_for_too_long(
    here: list[AgentHere], hour: int, after_days: int, closed: int | None
) -> None:
    rule = Rule(hour=hour, after_days=after_days)
    last = last_due(rule, NOW, SHANGHAI)
    through = None if closed is None else last - timedelta(days=closed)
    found = due(rule, NOW, SHANGHAI, through, here)
    days = [one.day for one in found]
    assert days == sorted(set(days))
    assert all(day <= last and (through is None or day > through) for day in days)
    assert [one.complete for one in found] == [
        not awaited(here, end_of_day(one.day, SHANGHAI), NOW) for one in found
    ]
    reached = days[-1] if days else through
    assert reached is not None
    assert reached >= last - timedelta(days=after_days)
