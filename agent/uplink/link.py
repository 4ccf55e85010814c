"""The link's thread: it owns the connection, the sender and the pulls, and waits for whatever comes first.

Nothing here polls: the thread sleeps until the socket, another thread or a timer has something for it. The same thread does all
of it, so that the order of things is the order in the code.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future

from agent.clock import Clock
from agent.feeds.replica import Replica
from agent.journal.journal import Journal
from agent.journal.notices import NoticeKind
from agent.uplink import outgoing
from agent.uplink.asks import Asks
from agent.uplink.delivery import Delivery
from agent.uplink.inbox import Inbox
from agent.uplink.mender import Mender
from agent.uplink.mqtt import Arrived, Connection, Down, Happening, NotTaken, Up
from agent.uplink.outbox import Outbox
from agent.uplink.puller import Puller
from agent.uplink.settings import LinkIdentity, LinkSettings
from protocol.codec import decode
from protocol.delivery.vocabulary import Phase
from protocol.errors import ProtocolError
from protocol.messages import (
    Ack,
    Changed,
    EpochGranted,
    FeedChunk,
    Held,
    HelloWanted,
    ItemAnswered,
    ItemAsked,
    Message,
    RowsAnswered,
    Welcome,
)

log = logging.getLogger(__name__)

PRESENCE_INTERVAL_US = 60_000_000
SWEEP_INTERVAL_US = 3_600_000_000
_SWEEP_LATER_US = 60_000_000
_SWEEP_MORE_US = 50_000  # between two pieces, so that sales come in between
_FIRST_RETRY_S = 2.0
_TAKEN_OVER_RETRY_S = 30.0  # two machines under one name must not throw each other out every second
_SHORT_SESSION_US = 60_000_000
_SHORT_SESSIONS_LIMIT = 3

_chance = secrets.SystemRandom()


class Link:
    """The thread and all that runs on it. Other threads use :meth:`post`, :meth:`ask` and the attributes for status."""

    def __init__(
        self,
        settings: LinkSettings,
        identity: LinkIdentity,
        journal: Journal,
        replica: Replica,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._replica = replica
        self._clock = clock
        self._changed = changed
        self._inbox: Inbox[Callable[[], None]] = Inbox()
        self._connection = Connection(settings)
        self._outbox = Outbox(self._connection, identity, self._failed)
        self.delivery = Delivery(settings, journal, replica, clock, self._outbox, self.post)
        self.puller = Puller(settings.pull_interval_s, replica, journal, clock, self._outbox, self.post)
        self.mender = Mender(journal.rounds, settings.pace, clock, self._outbox, self.post)
        self.asks = Asks(self._ask)
        self.committed = self._inbox.committed
        self.is_up = False
        self.last_error: str | None = None
        self.unreadable = 0
        self.mqtt_version: str | None = None
        self._attempt = 0
        self._up_us = 0
        self._short_sessions = 0
        self._connect_us = 0
        self._presence_us = 0
        self._sweep_us = 0
        self._is_stopping = threading.Event()

    def post(self, action: Callable[[], None]) -> bool:
        """Have ``action`` done on this link's thread; False if too much waits for it already."""
        return self._inbox.put(action)

    def use_identity(self, identity: LinkIdentity) -> None:
        """A renewed certificate: from the next connection on."""
        self._outbox.identity = identity

    def stop(self) -> None:
        """Have the thread part from the broker and end."""
        self._is_stopping.set()
        self.committed()

    def run(self) -> None:
        """The thread."""
        while not self._is_stopping.is_set():
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - a link that dies unseen is a shop whose sales never leave it: report, part, go on
                self._stumble(error)
        self.part()
        self._changed()

    def _stumble(self, error: Exception) -> None:
        log.error("the link stumbled", exc_info=error)
        self._connection.close()
        self._lost(Down(f"a fault in the link itself: {error!r}; call support"))

    # -- one turn -------------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        now_us = self._clock.monotonic_us()
        if not self._connection.is_open and now_us >= self._connect_us:
            self._connect()
        for happening in self._connection.wait(self._until_next_s(), self._inbox.wake):
            self._take(happening)
        has_committed, actions = self._inbox.take()
        for action in actions:
            action()
        if has_committed and self._journal.lineage():
            self.delivery.committed()
        self._tick(self._clock.monotonic_us())
        self._changed()

    def _until_next_s(self) -> float:
        times = [self.delivery.wake_us, self.puller.wake_us, self._sweep_us]
        times.append(self._presence_us if self._connection.is_open else self._connect_us)
        if self.delivery.phase is Phase.IDLE:
            times.append(self.mender.wake_us)
        next_us = min(at for at in times if at is not None)
        return max(0.0, (next_us - self._clock.monotonic_us()) / 1_000_000)

    def _tick(self, now_us: int) -> None:
        self.delivery.tick(now_us)
        self.puller.tick(now_us)
        if self.delivery.phase is Phase.IDLE:
            self.mender.tick(now_us)
        if now_us >= self._presence_us:
            self._say_presence()
        if now_us >= self._sweep_us:
            self._sweep(now_us)

    def _take(self, happening: Happening) -> None:
        match happening:
            case Up():
                self.is_up = True
                self._up_us = self._clock.monotonic_us()
                self.mqtt_version = self._connection.mqtt_version
                self._say_presence()
                self.delivery.connected()
                self.puller.connected()
            case Down():
                self._lost(happening)
            case Arrived(frame):
                self._take_frame(frame)
            case NotTaken(cause):
                self._failed(cause)

    # -- the connection -------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if not self._journal.lineage():
            self._failed("this machine is not enrolled; run `countermark-agent enrol` first")
            self._connect_us = self._clock.monotonic_us() + int(_FIRST_RETRY_S * 1_000_000)
            return
        will = outgoing.presence(self._journal, self._clock, self._settings.software, online=False)
        self._connection.open(self._outbox.identity, self._outbox.frame("state", will))

    def _lost(self, down: Down) -> None:
        self._failed(down.cause)
        limit_s = self._patience_s(down)
        # Spread widely: after a power cut in town a thousand of us come back in the same second.
        self._connect_us = self._clock.monotonic_us() + int(_chance.uniform(0.1, 1.0) * limit_s * 1_000_000)
        self.is_up = False
        self.asks.give_up()
        self.puller.disconnected()
        self.mender.disconnected()
        self.delivery.disconnected()

    def _patience_s(self, down: Down) -> float:
        """How long to stay away at most: longer each time, until a session has lasted."""
        if self.is_up:
            has_lasted = self._clock.monotonic_us() - self._up_us >= _SHORT_SESSION_US
            self._short_sessions = 0 if has_lasted else self._short_sessions + 1
            self._attempt = 0 if has_lasted else self._attempt
        limit_s = min(_FIRST_RETRY_S * (1 << min(self._attempt, 10)), self._settings.reconnect_limit_s)
        self._attempt += 1
        if not down.is_taken_over and self._short_sessions < _SHORT_SESSIONS_LIMIT:
            return limit_s
        # Few brokers say it, but it shows: two machines under one name throw each other out as often as they come back.
        self._journal.note(
            NoticeKind.IDENTITY,
            "taken over",
            "the broker ends this machine's connection again and again soon after it was made. If the network is good, another "
            "machine connects under the same name: find it, switch it off and enrol it anew",
        )
        return max(limit_s, _TAKEN_OVER_RETRY_S)

    def part(self) -> None:
        """Say goodbye and let go of everything; harmless when there is nothing (any more)."""
        if self.is_up:
            self._outbox.send_presence(
                outgoing.presence(self._journal, self._clock, self._settings.software, online=False)
            )
        self.is_up = False
        self._connection.close()
        self.asks.give_up()
        self._inbox.close()

    def _say_presence(self) -> None:
        self._presence_us = self._clock.monotonic_us() + PRESENCE_INTERVAL_US
        if self.is_up:
            self._outbox.send_presence(
                outgoing.presence(self._journal, self._clock, self._settings.software, online=True)
            )

    # -- what central says ----------------------------------------------------------------------------------------------

    def _take_frame(self, frame: bytes) -> None:
        try:
            received = decode(frame)
        except ProtocolError as error:
            self._unreadable(f"{error}; it begins with {frame[:16].hex()}")
            return
        self._take_message(received.message)

    def _take_message(self, message: Message) -> None:
        match message:
            case Welcome() | Ack() | HelloWanted() | EpochGranted():
                if not isinstance(message, HelloWanted):
                    self.last_error = None
                self.delivery.take(message)
            case FeedChunk():
                self.puller.take_chunk(message)
            case Changed():
                self.puller.take_hint(message)
            case ItemAnswered():
                self.asks.answer(message)
            case RowsAnswered():
                self.mender.take_rows(message)
            case Held(cause=cause):
                text = f"central keeps a message of ours that it could not read: {cause}; update central or this agent"
                self._journal.note(NoticeKind.HELD, cause[:200], text)
            case _:
                self._unreadable(f"a {type(message).__name__}, which is for central")

    def _unreadable(self, what: str) -> None:
        self.unreadable += 1
        self._journal.note(
            NoticeKind.UNREADABLE, what[:60], f"a message for this agent could not be read: {what}"
        )

    # -- the rest -------------------------------------------------------------------------------------------------------

    def _ask(self, question: ItemAsked) -> bool:
        return self.is_up and self.post(lambda: self._send_question(question))

    def _send_question(self, question: ItemAsked) -> None:
        self._outbox.send("ask", question)

    def _sweep(self, now_us: int) -> None:
        """When there is nothing else to do, forget a piece of what may be forgotten; soon the next piece, if there is one."""
        if self.delivery.phase is not Phase.IDLE:
            self._sweep_us = now_us + _SWEEP_LATER_US
            return
        self._sweep_us = now_us + SWEEP_INTERVAL_US

        def swept(done: Future[int]) -> None:
            if done.exception() is None and done.result() > 0:
                self.post(self._sweep_soon)

        self._journal.prune(self._settings.retention_days).add_done_callback(swept)
        self._replica.tidy().add_done_callback(swept)

    def _sweep_soon(self) -> None:
        self._sweep_us = self._clock.monotonic_us() + _SWEEP_MORE_US

    def _failed(self, what: str) -> None:
        if what != self.last_error:
            log.warning("%s", what)
        self.last_error = what
