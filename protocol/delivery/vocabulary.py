"""The words of the sender: what it may know, what can happen to it, and what it wants done."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from protocol.messages import Ack, EpochAsked, EpochGranted, HelloWanted, Lineage, Mark, Welcome


class JournalView(Protocol):
    """What the sender may know of the journal. All of it is committed."""

    def lineage(self) -> Sequence[Lineage]:
        """The epochs, oldest first; the last one is live. ``next_seq`` and ``head_hash`` are where each one ends."""

    def hash_at(self, epoch: str, seq: int) -> bytes | None:
        """The hash of a row; of the genesis for ``seq`` 0; None for a row that is not there or no longer kept."""

    def first_kept(self, epoch: str) -> int:
        """The first row of an epoch that retention has not taken; 1 if it has taken none."""


class Phase(StrEnum):
    """What the sender is waiting for."""

    OFFLINE = "offline"
    GREETING = "greeting"
    COMPARING = "comparing"
    ASKING = "asking"
    ADOPTING = "adopting"
    IDLE = "idle"
    SENDING = "sending"


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How patient the sender is. Waits double from ``answer_timeout_us`` to ``answer_timeout_limit_us``, with jitter.

    Where the last answer took longer, they begin with half as long again as that.
    """

    answer_timeout_us: int = 5_000_000
    answer_timeout_limit_us: int = 60_000_000
    hello_interval_us: int = 300_000_000  # an idle agent notices a restored central within this time
    marks: int = 64


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state of a sender. A process that starts again begins with a new one: the journal holds all that matters."""

    agent: str
    phase: Phase = Phase.OFFLINE
    attempt: int = 0
    wake_us: int | None = None
    waiting_since_us: int | None = (
        None  # since when an answer is awaited, first repetition or last; None while none is
    )
    answer_us: int = 0  # how long the last answer took
    epoch: str = ""  # the current epoch, once a welcome has named it
    next_seq: int = 1  # the first row of it that central has not acknowledged
    low_seq: int = 0  # while comparing: the last row known to be the same on both sides …
    high_seq: int = 0  # … and the first known to differ or to be missing
    central_next_seq: int = 0
    asked: EpochAsked | None = None
    pace: Pace = Pace()


class Connected(msgspec.Struct, frozen=True):
    """The broker has accepted us and our subscription stands."""


class Disconnected(msgspec.Struct, frozen=True):
    """The link is gone."""


class Appended(msgspec.Struct, frozen=True):
    """The journal has grown."""


class EpochAdopted(msgspec.Struct, frozen=True):
    """The journal has taken up the granted epoch."""


class Damaged(msgspec.Struct, frozen=True):
    """A row that was to be sent is not what was written (its hash does not fit), and cannot be mended."""

    epoch: str
    seq: int


class Tick(msgspec.Struct, frozen=True):
    """``wake_us`` has come."""


Input = (
    Connected
    | Disconnected
    | Appended
    | EpochAdopted
    | Damaged
    | Tick
    | Welcome
    | Ack
    | HelloWanted
    | EpochGranted
)


class SendHello(msgspec.Struct, frozen=True):
    """Say hello, with these marks of this epoch to be compared."""

    compare_epoch: str = ""
    marks: tuple[Mark, ...] = ()


class SendBatch(msgspec.Struct, frozen=True):
    """Send rows of ``epoch`` from ``first_seq``, as many as a batch holds, at most up to ``last_seq``."""

    epoch: str
    first_seq: int
    last_seq: int


class SendEpochAsked(msgspec.Struct, frozen=True):
    """Ask central for a new epoch."""

    asked: EpochAsked


class AdoptEpoch(msgspec.Struct, frozen=True):
    """Open the granted epoch with a copy of every row after its parent point; all of that is seen at once, or nothing.

    For a row that is damaged a stand-in is appended, which central quarantines: what cannot be sent is at least seen.

    Then give :class:`EpochAdopted`. Rows of the lineage after the parent point are superseded by their copies. A grant can
    come twice: an epoch that is in the lineage already is not opened again.
    """

    granted: EpochGranted


class NoteAcked(msgspec.Struct, frozen=True):
    """Central has everything of ``epoch`` before ``next_seq``."""

    epoch: str
    next_seq: int


Effect = SendHello | SendBatch | SendEpochAsked | AdoptEpoch | NoteAcked
