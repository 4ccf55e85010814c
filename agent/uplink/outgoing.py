"""The messages that an agent sends, built from its journal and replica."""

from __future__ import annotations

from agent.clock import Clock
from agent.feeds.replica import Replica
from agent.journal.journal import Journal
from agent.store.schema import VERSION as JOURNAL_VERSION
from protocol.codec import FRAME_LIMIT_BYTES, Signer, encode
from protocol.delivery.vocabulary import SendBatch, SendHello
from protocol.errors import Malformed
from protocol.feeds import Feed
from protocol.messages import Batch, Hello, Presence

BATCH_LIMIT_ROWS = 2_000
"""A backlog goes up in large pieces: what a transaction of central costs by itself is then shared by many sales."""
BATCH_LIMIT_BYTES = 1024 * 1024
"""Events compress to a tenth or less, so this usually fits a frame …"""
SAFE_BATCH_BYTES = 100_000
"""… and this always does, compressible or not."""


def hello(effect: SendHello, journal: Journal, replica: Replica, clock: Clock, software: str) -> Hello:
    """Who we are and where we stand."""
    unsent = journal.unsent()
    return Hello(
        lineage=tuple(journal.lineage()),
        acked_seq=journal.acked_seq(),
        software=software,
        journal_version=JOURNAL_VERSION,
        wall_us=clock.wall_us(),
        monotonic_us=clock.monotonic_us(),
        boot_id=clock.boot_id,
        clock_synced=clock.clock_synced(),
        feeds={feed.value: replica.version(feed) for feed in Feed},
        compare_epoch=effect.compare_epoch,
        marks=effect.marks,
        unsent=unsent.count,
        oldest_unsent_us=unsent.oldest_us,
    )


def batch_frame(effect: SendBatch, journal: Journal, topic: str, sign: Signer | None) -> bytes | None:
    """The frame of the next batch: as many proven rows as fit. None if the first of them is not what was written."""
    for limit_bytes in (BATCH_LIMIT_BYTES, SAFE_BATCH_BYTES):
        batch = _batch(effect, journal, limit_bytes)
        if batch is None:
            return None
        try:
            return encode(batch, topic, sign)
        except Malformed:
            continue  # these events do not compress: fewer of them
    raise Malformed(
        f"row {effect.first_seq} of epoch {effect.epoch}: does not fit a message of {FRAME_LIMIT_BYTES} bytes; an event of "
        "this size should not have been accepted: call support"
    )


def _batch(effect: SendBatch, journal: Journal, limit_bytes: int) -> Batch | None:
    rows = journal.rows(
        effect.epoch,
        effect.first_seq,
        effect.last_seq,
        limit_rows=BATCH_LIMIT_ROWS,
        limit_bytes=limit_bytes,
    )
    previous_hash = journal.hash_at(effect.epoch, effect.first_seq - 1)
    head_hash = journal.hash_at(effect.epoch, rows[-1][0]) if rows else None
    if previous_hash is None or head_hash is None:
        return None
    unsent = journal.unsent()
    behind = max(0, unsent.count - len(rows))
    return Batch(
        epoch=effect.epoch,
        first_seq=effect.first_seq,
        previous_hash=previous_hash,
        head_hash=head_hash,
        bodies=tuple(body for _, body in rows),
        unsent=behind,
        oldest_unsent_us=unsent.oldest_us if behind else None,
    )


def presence(journal: Journal, clock: Clock, software: str, *, online: bool) -> Presence:
    """Are we there, and how far behind."""
    unsent = journal.unsent()
    lineage = journal.lineage()
    return Presence(
        online=online,
        since_us=clock.wall_us(),
        software=software,
        epoch=lineage[-1].epoch if lineage else "",
        unsent=unsent.count,
        oldest_unsent_us=unsent.oldest_us,
    )
