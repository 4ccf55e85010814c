"""The receiver: what central does with what arrives.

All functions are pure. The shell locks the cursor of the agent's epoch, calls :func:`receive`, writes what is to be
applied and the new cursor in the same transaction, and answers after the commit. The answer to every batch of a known epoch
is the same one: the cursor.

=====================================================  ==================================================
a batch, against the cursor                            what is done
=====================================================  ==================================================
its rows do not give its ``head_hash``                 nothing: ``DAMAGED``, ack the cursor
starts at ``next_seq``, chain fits                     apply all, advance, ack: ``NEXT``
wholly below ``next_seq``, same hashes                 ack again: ``REPEATED``
overlaps, the overlap is the same                      apply the rest, advance, ack: ``OVERLAPPING``
starts above ``next_seq``                              ack the cursor, the sender goes back: ``AHEAD``
same ``seq``, other hash                               ``FORKED``: ask for a hello, tell a person
of an epoch that is not known                          ``UNKNOWN_EPOCH``: ask for a hello
=====================================================  ==================================================

The overlap needs no comparison row by row: two chains with the same hash at ``next_seq - 1`` are the same before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec

from protocol.chain import genesis, links
from protocol.messages import (
    Ack,
    Batch,
    Cursor,
    EpochAsked,
    EpochGranted,
    Hello,
    HelloWanted,
    Lineage,
    Mark,
    Welcome,
)

HashAt = Callable[[str, int], bytes | None]
"""(epoch, seq) -> the hash of an applied row of this agent, of the epoch's genesis for 0; None for one that is not there."""


class Arrival(StrEnum):
    """How a batch stands to the cursor; see the table above."""

    NEXT = "next"
    REPEATED = "repeated"
    OVERLAPPING = "overlapping"
    AHEAD = "ahead"
    FORKED = "forked"
    DAMAGED = "damaged"
    UNKNOWN_EPOCH = "unknown_epoch"


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row to be applied: its number, its hash and the bytes of its event."""

    seq: int
    hash: bytes
    body: bytes


class Outcome(msgspec.Struct, frozen=True):
    """What to do with a batch: apply ``rows`` (may be none), move the cursor to ``cursor``, send ``answer`` after the commit."""

    arrival: Arrival
    rows: tuple[Row, ...]
    cursor: Cursor | None
    answer: Ack | HelloWanted


def receive(batch: Batch, cursor: Cursor | None, hash_at: HashAt) -> Outcome:
    """The outcome of a batch. ``cursor`` is the locked cursor of its epoch, None if the epoch is not known here.

    ``hash_at`` is asked at most once, and only for a batch wholly below the cursor.
    """
    if cursor is None:
        return Outcome(
            Arrival.UNKNOWN_EPOCH, (), None, HelloWanted(epoch=batch.epoch, cause="this epoch is not known")
        )
    hashes = links(batch.previous_hash, batch.first_seq, batch.bodies)
    if not hashes or batch.first_seq < 1 or hashes[-1] != batch.head_hash:
        return _unchanged(Arrival.DAMAGED, cursor)
    if batch.first_seq > cursor.next_seq:
        return _unchanged(Arrival.AHEAD, cursor)
    last_seq = batch.first_seq + len(hashes) - 1
    if last_seq < cursor.next_seq:
        same = hash_at(cursor.epoch, last_seq) == hashes[-1]
        return _unchanged(Arrival.REPEATED, cursor) if same else _forked(cursor, last_seq)
    known = cursor.next_seq - batch.first_seq  # rows of the batch that are applied already
    if ([batch.previous_hash, *hashes])[known] != cursor.head_hash:
        return _forked(cursor, cursor.next_seq - 1)
    rows = tuple(
        Row(seq, digest, body)
        for seq, (digest, body) in enumerate(
            zip(hashes[known:], batch.bodies[known:], strict=True), cursor.next_seq
        )
    )
    advanced = Cursor(cursor.epoch, last_seq + 1, hashes[-1])
    return Outcome(Arrival.OVERLAPPING if known else Arrival.NEXT, rows, advanced, Ack(cursor=advanced))


def _unchanged(arrival: Arrival, cursor: Cursor) -> Outcome:
    return Outcome(arrival, (), cursor, Ack(cursor=cursor))


def _forked(cursor: Cursor, seq: int) -> Outcome:
    cause = f"row {seq} or one before it differs from the one applied here"
    return Outcome(Arrival.FORKED, (), cursor, HelloWanted(epoch=cursor.epoch, cause=cause))


class Greeting(msgspec.Struct, frozen=True):
    """What to do with a hello: register ``adopted`` (epochs central has lost), then send ``welcome``."""

    adopted: tuple[tuple[Lineage, Cursor], ...]
    welcome: Welcome


def greet(agent: str, hello: Hello, cursors: dict[str, Cursor], hash_at: HashAt, now_us: int) -> Greeting:
    """The answer to a hello. ``cursors`` are those of the agent's epochs known here.

    An epoch of the lineage that is not known was granted by a central that has since been restored from a backup: it is
    taken up again, from its first row.
    """
    adopted = tuple(
        (known, Cursor(known.epoch, 1, genesis(agent, known.epoch, known.parent_hash or bytes(32))))
        for known in hello.lineage
        if known.epoch not in cursors
    )
    every = cursors | {cursor.epoch: cursor for _, cursor in adopted}
    ends = {known.epoch: known for known in hello.lineage if known.next_seq <= every[known.epoch].next_seq}
    differing = tuple(
        epoch
        for epoch, known in ends.items()
        if epoch in cursors and hash_at(epoch, known.next_seq - 1) != known.head_hash
    )
    agree_seq, differ_seq = _compare(hello.marks, hello.compare_epoch, hash_at)
    welcome = Welcome(
        cursors=tuple(every[known.epoch] for known in hello.lineage),
        wall_us=now_us,
        differing=differing,
        compared_epoch=hello.compare_epoch,
        agree_seq=agree_seq,
        differ_seq=differ_seq,
    )
    return Greeting(adopted, welcome)


def _compare(marks: Sequence[Mark], epoch: str, hash_at: HashAt) -> tuple[int, int | None]:
    """The highest mark that is the same here, and the lowest that is not. One that is not there is not the same."""
    same = {mark.seq: hash_at(epoch, mark.seq) == mark.hash for mark in marks}
    agree_seq = max((seq for seq, fits in same.items() if fits), default=0)
    return agree_seq, min((seq for seq, fits in same.items() if not fits), default=None)


def grant(
    asked: EpochAsked, parent: Cursor | None, new_epoch: str, hash_at: HashAt
) -> EpochGranted | HelloWanted:
    """The epoch for which an agent asks, if its parent point is one that central has too.

    ``parent`` is the cursor of the parent epoch, ``new_epoch`` a fresh UUID; the shell stores the grant under
    (agent, ``request_id``) and answers a repeated request from there. The cursor of a granted epoch is
    :func:`opening_cursor`.
    """
    if parent is None:
        return HelloWanted(epoch=asked.parent_epoch, cause="the parent epoch is not known")
    if hash_at(asked.parent_epoch, asked.parent_seq) != asked.parent_hash:
        cause = f"row {asked.parent_seq} of the parent epoch is not the one applied here"
        return HelloWanted(epoch=asked.parent_epoch, cause=cause)
    if asked.cause not in ("pruned", "damaged") and asked.parent_seq == parent.next_seq - 1:
        # Central ends at the common row, so nothing parts the two journals (any more: it may have been restored since the
        # comparison). A second epoch would carry the same rows beside the first.
        return HelloWanted(epoch=asked.parent_epoch, cause="the two journals do not differ")
    return EpochGranted(
        request_id=asked.request_id,
        epoch=new_epoch,
        parent_epoch=asked.parent_epoch,
        parent_seq=asked.parent_seq,
        parent_hash=asked.parent_hash,
    )


def opening_cursor(agent: str, granted: EpochGranted) -> Cursor:
    """Where central stands in a freshly granted epoch."""
    return Cursor(granted.epoch, 1, genesis(agent, granted.epoch, granted.parent_hash))
