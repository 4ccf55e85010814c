"""Which feed is pulled next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.feeds import pull
from agent.feeds.pull import ORDER, Pulling, PullPace

PACE = PullPace(answer_timeout_us=10, answer_timeout_limit_us=40, interval_us=1000, restarts_at_once=2)


def up(now_us: int = 0) -> tuple[Pulling, str | None]:
    return pull.link_up(Pulling(pace=PACE), now_us)


def drain(state: Pulling, asked: str | None, now_us: int = 0) -> tuple[Pulling, list[str]]:
    """Answer everything that is asked for with its last chunk."""
    order = []
    while asked is not None:
        order.append(asked)
        state, asked = pull.answered(state, asked, more=False, now_us=now_us)
    return state, order


def test_when_the_link_comes_up_every_feed_is_asked_for_one_by_one() -> None:
    state, order = drain(*up())
    assert (tuple(order), state.wake_us) == (ORDER, 1000)


def test_what_stops_a_wrong_sale_comes_first() -> None:
    assert ORDER[:5] == ("policy", "keys", "code_orders", "items", "filters")


def test_a_large_feed_does_not_keep_the_others_waiting() -> None:
    state, asked = up()
    order = []
    for _ in range(len(ORDER)):
        assert asked is not None
        order.append(asked)
        state, asked = pull.answered(state, asked, more=asked == "items", now_us=0)
    assert (tuple(order), asked) == (ORDER, "items")


def test_a_late_answer_is_asked_for_again_after_the_others_and_later_each_time() -> None:
    state, first = up()
    state, second = pull.tick(state, 10)
    assert (first, second, state.waiting[-1], state.wake_us) == ("policy", "keys", "policy", 30)
    state, _ = pull.tick(state, 30)
    assert state.wake_us == 70
    state, _ = pull.tick(state, 70)
    assert state.wake_us == 110


def test_an_answer_makes_patience_short_again() -> None:
    state, _ = pull.tick(up()[0], 10)
    state, _ = pull.answered(state, "keys", more=False, now_us=11)
    assert state.wake_us == 21


def test_a_hint_brings_a_feed_at_once_and_only_once() -> None:
    state, _ = drain(*up())
    state, asked = pull.hinted(state, ("prices", "unknown"), 5)
    state, again = pull.hinted(state, ("prices",), 6)
    assert (asked, again, state.waiting) == ("prices", None, ("prices",))


def test_every_few_minutes_everything_is_asked_for() -> None:
    state, _ = drain(*up())
    assert pull.tick(state, 999) == (state, None)
    state, asked = pull.tick(state, 1000)
    assert (asked, len(state.waiting), state.round_us) == ("policy", len(ORDER) - 1, 2000)


def test_a_feed_that_never_agrees_is_not_pulled_in_a_circle() -> None:
    state, _ = drain(*up())
    state, asked = pull.hinted(state, ("prices",), 0)
    times = 0
    while asked == "prices":
        times += 1
        state, asked = pull.restarted(state, "prices", 0)
    assert times == 3
    state, asked = pull.tick(state, 1000)
    assert "prices" in (asked, *state.waiting)


def test_an_answer_that_nobody_waits_for_changes_nothing() -> None:
    state, _ = up()
    results = [
        pull.answered(state, "stock", more=True, now_us=0),
        pull.restarted(state, "stock", 0),
        pull.tick(state, 9),
    ]
    assert results == [(state, None)] * 3


def test_without_a_link_nothing_is_asked_for() -> None:
    state = pull.link_down(up()[0])
    results = [pull.hinted(state, ("prices",), 0)[1], pull.tick(state, 10_000)[1], state.wake_us]
    assert results == [None, None, None]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("tick"), st.integers(0, 2000)),
            st.tuples(st.just("hint"), st.sampled_from(ORDER)),
            st.tuples(st.just("answer"), st.booleans()),
            st.tuples(st.just("restart"), st.none()),
        ),
        max_size=60,
    )
)
def test_one_pull_is_under_way_and_no_feed_waits_twice(happenings: list[tuple[str, object]]) -> None:
    state, asked = up()
    now_us = 0
    for kind, value in happenings:
        before = state.under_way
        match kind, value:
            case "tick", int(duration_us):
                now_us += duration_us
                state, asked = pull.tick(state, now_us)
            case "hint", str(feed):
                state, asked = pull.hinted(state, (feed,), now_us)
            case "answer", bool(more) if before:
                state, asked = pull.answered(state, before, more=more, now_us=now_us)
            case "restart", None if before:
                state, asked = pull.restarted(state, before, now_us)
            case _:
                continue
        assert asked in (None, state.under_way)
        assert len(set(state.waiting)) == len(state.waiting)
        assert state.wake_us is not None
        assert state.wake_us > now_us or state.under_way is None
