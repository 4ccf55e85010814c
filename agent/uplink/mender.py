"""Makes the rounds through what central has, and fetches back what is damaged: on the link's thread, while there is nothing to send."""

from __future__ import annotations

from concurrent.futures import Future

from agent.clock import Clock
from agent.errors import AgentError
from agent.journal.rounds import Place, Rounds
from agent.uplink import fetching
from agent.uplink.delivery import Post
from agent.uplink.fetching import Fetch, LeftAsItIs, Next, Proven
from agent.uplink.outbox import Outbox
from protocol.delivery.vocabulary import Pace
from protocol.messages import RowsAnswered

ROUND_INTERVAL_US = 86_400_000_000
_WISH_INTERVAL_US = 5_000_000
_PIECE_INTERVAL_US = 50_000  # between two pieces, so that a sale never waits for more than one


class Mender:
    """The rounds of one agent. Everything here is called on the link's thread; :meth:`tick` only while central has everything."""

    def __init__(self, rounds: Rounds, pace: Pace, clock: Clock, outbox: Outbox, post: Post) -> None:
        self._rounds = rounds
        self._pace = pace
        self._clock = clock
        self._outbox = outbox
        self._post = post
        self._place: Place | None = None
        self._fetch: Fetch | None = None
        self._is_writing = False
        self._wake_us = 0
        self._next_round_us = 0

    @property
    def wake_us(self) -> int | None:
        """When :meth:`tick` is due; None while something is being written."""
        if self._is_writing:
            return None
        return self._fetch.wake_us if self._fetch else self._wake_us

    def disconnected(self) -> None:
        """The link is gone. The rows that were asked for are damaged still; the next round comes upon them."""
        self._is_writing = False
        if self._fetch is not None:
            self._fetch = None
            self._rounds.wish()

    def tick(self, now_us: int) -> None:
        """Time has passed."""
        wake_us = self.wake_us
        if wake_us is None or now_us < wake_us:
            return
        if self._fetch is not None:
            self._go_on(fetching.overdue(self._fetch, self._pace, now_us))
        elif self._place is not None:
            self._look(now_us)
        else:
            self._begin_if_due(now_us)

    def take_rows(self, answer: RowsAnswered) -> None:
        """Central has given rows; those that were not asked for are not needed."""
        if self._fetch is None:
            return
        before = self._fetch
        following = fetching.answered(before, answer, self._pace, self._clock.monotonic_us())
        if following is not before:
            self._go_on(following)

    # -- inside ---------------------------------------------------------------------------------------------------------

    def _begin_if_due(self, now_us: int) -> None:
        self._wake_us = now_us + _WISH_INTERVAL_US
        if not self._rounds.take_wish() and now_us < self._next_round_us:
            return
        self._next_round_us = now_us + ROUND_INTERVAL_US
        self._place = self._rounds.begin()
        self._wake_us = now_us

    def _look(self, now_us: int) -> None:
        """The next piece. A disk that does not give it ends this round: it would not give it in a moment either."""
        place, self._place = self._place, None
        assert place is not None, "a look is taken in the course of a round"
        self._wake_us = now_us + _WISH_INTERVAL_US
        try:
            look = self._rounds.look(place)
        except AgentError as error:
            self._outbox.failed(str(error))
            return
        self._place = look.place
        self._wake_us = now_us + _PIECE_INTERVAL_US
        if look.lost is not None:
            self._go_on(fetching.begin(look.lost, self._pace, now_us))

    def _go_on(self, following: Next) -> None:
        self._fetch = None
        match following:
            case Fetch():
                self._fetch = following
                self._outbox.send("ask", fetching.question(following))
            case Proven(lost, bodies, hashes):
                self._place = Place(lost.epoch, lost.last_seq, hashes[-1])
                self._write(self._rounds.put_back(lost, bodies, hashes))
            case LeftAsItIs(lost, reason):
                self._write(self._rounds.say(lost, reason))

    def _write(self, write: Future[None]) -> None:
        self._is_writing = True
        write.add_done_callback(lambda done: self._post(lambda: self._written(done)))

    def _written(self, done: Future[None]) -> None:
        self._is_writing = False
        error = done.exception()
        if isinstance(error, AgentError):
            self._outbox.failed(str(error))
        elif error is not None:
            raise error
