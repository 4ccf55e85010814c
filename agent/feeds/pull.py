"""Which feed to pull next: pure rules.

One pull is under way at a time, and a feed that has more to give goes to the end of the line: the first catalogue of a large brand
must not keep a recall waiting. Feeds are pulled when the link comes up, when central hints that they have moved, and every few
minutes, because a hint may be lost.
"""

from __future__ import annotations

import msgspec

from protocol.feeds import Feed

# What stops a wrong sale comes first.
ORDER: tuple[str, ...] = (
    Feed.POLICY,
    Feed.KEYS,
    Feed.CODE_ORDERS,
    Feed.ITEMS,
    Feed.FILTERS,
    Feed.LIMITS,
    Feed.PRICES,
    Feed.CATALOGUE,
    Feed.DESPATCHES,
    Feed.CONTAINERS,
    Feed.ORDERS,
    Feed.STOCK,
    Feed.STOCKTAKES,
    Feed.SITES,
)
LIMIT_ROWS = 2000
"""Rows asked for in one pull; central gives as many of them as fit a message."""


class PullPace(msgspec.Struct, frozen=True, kw_only=True):
    """How patient a pull is, and how often everything is asked for without a hint."""

    answer_timeout_us: int = 10_000_000
    answer_timeout_limit_us: int = 60_000_000
    interval_us: int = 300_000_000
    restarts_at_once: int = 2  # a feed that never agrees must not be pulled in a circle


class Pulling(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for (``under_way``), what waits, and when to look again. Without a link nothing is, and ``wake_us`` is None."""

    waiting: tuple[str, ...] = ()
    under_way: str | None = None
    attempt: int = 0
    wake_us: int | None = None
    round_us: int = 0
    restarts: dict[str, int] = {}
    is_up: bool = False
    pace: PullPace = PullPace()


Step = tuple[Pulling, str | None]
"""The new state, and the feed to be asked for now, if any."""


def link_up(state: Pulling, now_us: int) -> Step:
    """The link has come up: look at everything."""
    return _next(
        Pulling(waiting=ORDER, is_up=True, pace=state.pace, round_us=now_us + state.pace.interval_us), now_us
    )


def link_down(state: Pulling) -> Pulling:
    """The link is gone, and with it what was under way."""
    return Pulling(pace=state.pace)


def hinted(state: Pulling, feeds: tuple[str, ...], now_us: int) -> Step:
    """These feeds have moved on."""
    known = tuple(feed for feed in feeds if feed in ORDER)
    return _next(_with_waiting(state, known), now_us)


def answered(state: Pulling, feed: str, *, more: bool, now_us: int) -> Step:
    """A chunk of ``feed`` is in the replica."""
    if feed != state.under_way:
        return state, None
    state = msgspec.structs.replace(state, under_way=None, attempt=0)
    return _next(_with_waiting(state, (feed,) if more else ()), now_us)


def restarted(state: Pulling, feed: str, now_us: int) -> Step:
    """``feed`` has to be pulled from 0: at once, unless that has not helped before; then with the next round."""
    if feed != state.under_way:
        return state, None
    times = state.restarts.get(feed, 0) + 1
    state = msgspec.structs.replace(
        state, under_way=None, attempt=0, restarts={**state.restarts, feed: times}
    )
    return _next(_with_waiting(state, (feed,) if times <= state.pace.restarts_at_once else ()), now_us)


def tick(state: Pulling, now_us: int) -> Step:
    """Look whether an answer is overdue or a new round is due."""
    if not state.is_up or state.wake_us is None or now_us < state.wake_us:
        return state, None
    if state.under_way is not None:
        # The feed keeps its turn, but not the first place: whatever keeps its answer may not keep the others'.
        late = msgspec.structs.replace(state, under_way=None, attempt=state.attempt + 1)
        return _next(_with_waiting(late, (state.under_way,)), now_us)
    round_us = now_us + state.pace.interval_us
    state = msgspec.structs.replace(state, round_us=round_us, restarts={})
    return _next(_with_waiting(state, ORDER), now_us)


def _with_waiting(state: Pulling, feeds: tuple[str, ...]) -> Pulling:
    added = tuple(feed for feed in feeds if feed not in state.waiting)
    return msgspec.structs.replace(state, waiting=state.waiting + added)


def _next(state: Pulling, now_us: int) -> Step:
    if not state.is_up or state.under_way is not None:
        return state, None
    if not state.waiting:
        return msgspec.structs.replace(state, wake_us=state.round_us), None
    pace = state.pace
    timeout_us = min(pace.answer_timeout_us << min(state.attempt, 10), pace.answer_timeout_limit_us)
    feed, *waiting = state.waiting
    state = msgspec.structs.replace(
        state, under_way=feed, waiting=tuple(waiting), wake_us=now_us + timeout_us
    )
    return state, feed
