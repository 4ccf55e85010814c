"""Carries out what the pull rules decide: the shell around :mod:`agent.feeds.pull`, on the link's thread."""

from __future__ import annotations

from concurrent.futures import Future

from agent.clock import Clock
from agent.errors import AgentError
from agent.feeds import pull
from agent.feeds.chunks import Applied, Outcome, Restart
from agent.feeds.pull import Pulling, PullPace, Step
from agent.feeds.replica import Replica
from agent.journal.journal import Journal
from agent.journal.notices import NoticeKind
from agent.uplink.delivery import Post
from agent.uplink.outbox import Outbox
from protocol.messages import Changed, FeedChunk, FeedPull


class Puller:
    """The feeds of one agent. Everything here is called on the link's thread."""

    def __init__(
        self,
        interval_s: float,
        replica: Replica,
        journal: Journal,
        clock: Clock,
        outbox: Outbox,
        post: Post,
    ) -> None:
        self._replica = replica
        self._journal = journal
        self._clock = clock
        self._outbox = outbox
        self._post = post
        self._state = Pulling(pace=PullPace(interval_us=int(interval_s * 1_000_000)))
        self._is_applying = False

    @property
    def wake_us(self) -> int | None:
        """When :meth:`tick` is due."""
        return self._state.wake_us

    @property
    def under_way(self) -> str | None:
        """The feed that is being pulled."""
        return self._state.under_way

    def connected(self) -> None:
        """The link stands."""
        self._take_step(pull.link_up(self._state, self._clock.monotonic_us()))

    def disconnected(self) -> None:
        """The link is gone."""
        self._state = pull.link_down(self._state)

    def tick(self, now_us: int) -> None:
        """Time has passed."""
        self._take_step(pull.tick(self._state, now_us))

    def pull_now(self) -> None:
        """Someone wants to see the newest state now."""
        self._take_step(pull.hinted(self._state, pull.ORDER, self._clock.monotonic_us()))

    def take_hint(self, changed: Changed) -> None:
        """Central says that feeds have moved on."""
        moved = tuple(feed for feed, head in changed.feeds.items() if head > self._replica.version(feed))
        self._take_step(pull.hinted(self._state, moved, self._clock.monotonic_us()))

    def take_chunk(self, chunk: FeedChunk) -> None:
        """Rows have come. One chunk is written at a time; one that was not asked for is not needed."""
        if self._is_applying or chunk.feed != self._state.under_way:
            return
        self._is_applying = True

        def applied(done: Future[Outcome]) -> None:
            self._post(lambda: self._applied(done))

        self._replica.apply(chunk).add_done_callback(applied)

    def _applied(self, done: Future[Outcome]) -> None:
        self._is_applying = False
        error = done.exception()
        if isinstance(error, AgentError):
            self._outbox.failed(
                str(error)
            )  # the disk did not take it; the pull is repeated when it is overdue
            return
        now_us = self._clock.monotonic_us()
        match done.result():
            case Applied(feed, _, more):
                self._take_step(pull.answered(self._state, feed, more=more, now_us=now_us))
            case Restart(feed, cause):
                self._journal.note(NoticeKind.FEED, feed, f"feed {feed} is fetched anew: {cause}")
                self._take_step(pull.restarted(self._state, feed, now_us))
            case _:
                pass  # stale: the answer that was asked for may still come

    def _take_step(self, step: Step) -> None:
        self._state, feed = step
        if feed is not None:
            self._outbox.send(
                "ask", FeedPull(feed=feed, since=self._replica.version(feed), limit=pull.LIMIT_ROWS)
            )
