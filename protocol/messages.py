"""The messages of the wire; ``docs/wire.md`` explains them to a stranger.

Each travels in a :mod:`protocol.codec` frame on the channel named in its docstring.
"""

from __future__ import annotations

import msgspec


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where central stands in one epoch: it has applied everything before ``next_seq``; ``head_hash`` is the hash of the last."""

    epoch: str
    next_seq: int
    head_hash: bytes


class Lineage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One epoch of a journal as its agent knows it.

    A *closed* epoch ends where its successor grew from it: rows after ``next_seq - 1`` were sent again under the successor.
    """

    epoch: str
    next_seq: int
    head_hash: bytes
    parent_epoch: str | None = None
    parent_seq: int = 0
    parent_hash: bytes = b""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The hash of one row: a point at which two journals can be compared."""

    seq: int
    hash: bytes


class Hello(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="hello"):
    """up: who I am and where I stand. ``lineage`` is oldest first, the last one is live.

    ``marks`` are rows of ``compare_epoch`` to be compared, when the two journals are known to disagree somewhere.
    """

    lineage: tuple[Lineage, ...]
    acked_seq: int
    software: str
    journal_version: int
    wall_us: int
    monotonic_us: int
    boot_id: str
    clock_synced: bool = False
    feeds: dict[str, int] = {}
    compare_epoch: str = ""
    marks: tuple[Mark, ...] = ()
    unsent: int = 0
    oldest_unsent_us: int | None = None


class Welcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="welcome"):
    """down: central's cursor in each epoch of the hello, in its order.

    When the hello asked for a comparison, ``compared_epoch`` repeats its epoch, ``agree_seq`` is the highest mark that is the
    same here (0: none is, but the genesis), and ``differ_seq`` the lowest that is not (None: all given are the same).

    ``differing`` names epochs of the hello that end, at the agent, in a row that is another one here: a copy of the agent has
    filled them, after central was restored.
    """

    cursors: tuple[Cursor, ...]
    wall_us: int
    differing: tuple[str, ...] = ()
    compared_epoch: str = ""
    agree_seq: int = 0
    differ_seq: int | None = None


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="batch"):
    """up: consecutive rows of one epoch, from ``first_seq``. ``previous_hash`` is the hash before them, ``head_hash`` after.

    Each body is the bytes of one event, unchanged since it was accepted. ``unsent`` is how many rows wait behind this batch, and
    ``oldest_unsent_us`` when the oldest that is not acknowledged was recorded.
    """

    epoch: str
    first_seq: int
    previous_hash: bytes
    head_hash: bytes
    bodies: tuple[bytes, ...]
    unsent: int = 0
    oldest_unsent_us: int | None = None


class Ack(msgspec.Struct, frozen=True, kw_only=True, tag="ack"):
    """down: central's cursor, after its commit. Cumulative, so that a lost, doubled or stale ack does no harm."""

    cursor: Cursor


class HelloWanted(msgspec.Struct, frozen=True, kw_only=True, tag="hello_wanted"):
    """down: central does not know this epoch, or the two journals disagree; say hello."""

    epoch: str
    cause: str


class EpochAsked(msgspec.Struct, frozen=True, kw_only=True, tag="epoch_asked"):
    """up: my journal and yours part ways after ``parent_seq``; grant me a new epoch from there.

    ``request_id`` makes asking again harmless. ``cause`` is ``rewind`` (central knows rows that this journal has not),
    ``fork`` (both have rows after the common one), ``pruned`` (central asks for rows that are no longer kept) or ``damaged``
    (the row after it is not what was written; a stand-in for it follows).
    """

    request_id: str
    parent_epoch: str
    parent_seq: int
    parent_hash: bytes
    cause: str


class EpochGranted(msgspec.Struct, frozen=True, kw_only=True, tag="epoch_granted"):
    """down: continue in ``epoch``; send again, under it, what follows ``parent_seq`` of the parent."""

    request_id: str
    epoch: str
    parent_epoch: str
    parent_seq: int
    parent_hash: bytes


class FeedPull(msgspec.Struct, frozen=True, kw_only=True, tag="feed_pull"):
    """ask: the rows of ``feed`` after version ``since``, at most ``limit`` of them."""

    feed: str
    since: int
    limit: int


class FeedRow(msgspec.Struct, frozen=True, array_like=True):
    """One row of a feed: its key and its JSON body; ``None`` as body takes the row away."""

    key: str
    body: bytes | None


class FeedChunk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="feed_chunk"):
    """down: the rows after ``since`` up to version ``next``. ``more`` says that there are more.

    The last chunk carries the ``digest`` of the whole feed at ``next``. ``restart`` says that ``since`` is not a version of
    this feed (central was restored, or the two drifted): throw the replica away and pull from 0.
    """

    feed: str
    since: int
    next: int
    rows: tuple[FeedRow, ...]
    head: int = 0
    more: bool = False
    digest: int | None = None
    restart: bool = False


class ItemAsked(msgspec.Struct, frozen=True, kw_only=True, tag="item_asked"):
    """ask: what does central know of this item? Answered within the deadline, or not at all."""

    question_id: str
    item: str


class ItemAnswered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="item_answered"):
    """down: the life of an item as central knows it; ``body`` is the JSON of a feed row of ``items``, or None: never issued."""

    question_id: str
    item: str
    body: bytes | None = None


class RowsAsked(msgspec.Struct, frozen=True, kw_only=True, tag="rows_asked"):
    """ask: these rows of an epoch of mine, which you have acknowledged, are damaged here; give me their bodies again."""

    epoch: str
    first_seq: int
    last_seq: int


class RowsAnswered(msgspec.Struct, frozen=True, kw_only=True, tag="rows_answered"):
    """down: the bodies of consecutive rows from ``first_seq``, as many as were asked for and fit; none if the first is not here."""

    epoch: str
    first_seq: int
    bodies: tuple[bytes, ...]


class Held(msgspec.Struct, frozen=True, kw_only=True, tag="held"):
    """down: a message of yours could not be read here; it is kept, and a person has been told."""

    cause: str


class Changed(msgspec.Struct, frozen=True, kw_only=True, tag="changed"):
    """down: these feeds have moved on; pull them when it suits you. A hint: losing it costs time, nothing else."""

    feeds: dict[str, int]


class Presence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="presence"):
    """state (retained; with ``online`` false also the will): is the agent there, and how far behind."""

    online: bool
    since_us: int = 0
    software: str = ""
    epoch: str = ""
    unsent: int = 0
    oldest_unsent_us: int | None = None


UpMessage = Hello | Batch | EpochAsked
AskMessage = FeedPull | ItemAsked | RowsAsked
DownMessage = (
    Ack | Welcome | HelloWanted | EpochGranted | FeedChunk | ItemAnswered | RowsAnswered | Held | Changed
)
Message = UpMessage | AskMessage | DownMessage | Presence
