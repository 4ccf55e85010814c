"""Which silence of a machine is one, and which is a closed shop."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from central.discrepancies.watching.silence_rules import Machine, Why, longest_gap, silence

DAY = timedelta(days=1)
LIMIT = timedelta(hours=24)
LAST = datetime(2026, 9, 18, 18, tzinfo=UTC)  # a Friday evening
WORKDAYS = frozenset(
    date(2026, 9, 18) - timedelta(days=day)
    for day in range(56)
    if (date(2026, 9, 18) - timedelta(days=day)).weekday() < 5
)


def heard_at(
    days: float, *, active: frozenset[date] = WORKDAYS, others: datetime | None = None
) -> Why | None:
    now = LAST + days * DAY
    machine = Machine(
        agent="a",
        site="s",
        seen_at=LAST,
        seen_on=LAST.date(),
        today=now.date(),
        others_seen_at=others,
        active_on=active,
    )
    return silence(machine, now, LIMIT)


def test_a_night_is_no_silence() -> None:
    assert heard_at(0.6) is None


def test_a_shop_that_is_closed_at_the_weekend_is_not_silent_until_monday_has_passed() -> None:
    assert [heard_at(days) for days in (2.5, 3.2, 4.0)] == [None, None, Why.USUAL_DAY]


def test_a_machine_is_silent_when_the_others_of_its_site_are_heard() -> None:
    assert heard_at(1.5, others=LAST + timedelta(hours=25)) is Why.OTHERS_HEARD
    assert heard_at(1.5, others=LAST + timedelta(hours=2)) is None


def test_a_machine_without_a_rhythm_is_given_three_times_as_long() -> None:
    assert [heard_at(days, active=frozenset()) for days in (2.9, 3.1)] == [None, Why.LONGER_THAN_EVER]


def test_a_spare_machine_is_silent_when_it_is_longer_than_twice_its_longest_pause() -> None:
    rarely = frozenset({date(2026, 8, 25), date(2026, 9, 6), date(2026, 9, 18)})
    assert longest_gap(rarely) == timedelta(days=12)
    assert [heard_at(days, active=rarely) for days in (20, 24)] == [None, Why.LONGER_THAN_EVER]
