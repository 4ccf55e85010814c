"""The hash chain over a journal.

Every row of a journal carries ``hash = SHA-256(previous hash ‖ seq ‖ body)``, with ``seq`` as eight bytes, most significant
first. Two chains that agree on the hash at one ``seq`` therefore agree on every byte before it: comparing one hash compares
the whole past. The first row of an epoch chains to a *genesis* value that binds the chain to its agent, its epoch and
the point of the parent epoch from which it grew, so that rows of one journal can never pass for rows of another.

    >>> start = genesis("agent-1", "6e1c0d5e-0000-4000-8000-000000000001")
    >>> link(start, 1, b"a sale").hex()[:16]
    '964c583a1af74a12'
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

HASH_BYTES = 32
NO_PARENT = bytes(HASH_BYTES)


def genesis(agent: str, epoch: str, parent_hash: bytes = NO_PARENT) -> bytes:
    """The hash that the first row of ``epoch`` chains to (32 bytes).

    ``parent_hash`` is the hash of the row of the parent epoch after which this one continues; 32 zero bytes for the
    first epoch of an agent.
    """
    return hashlib.sha256(
        b"countermark/1\0" + agent.encode() + b"\0" + epoch.encode() + b"\0" + parent_hash
    ).digest()


def link(previous: bytes, seq: int, body: bytes) -> bytes:
    """The hash of row ``seq`` (32 bytes), given the hash of the row before it and the bytes of its body."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + body).digest()


def links(previous: bytes, first_seq: int, bodies: Iterable[bytes]) -> list[bytes]:
    """The hashes of consecutive rows that begin at ``first_seq``."""
    hashes = []
    for seq, body in enumerate(bodies, first_seq):
        previous = hashlib.sha256(previous + seq.to_bytes(8, "big") + body).digest()
        hashes.append(previous)
    return hashes


def fact_id(body: bytes) -> bytes:
    """The identity of a fact (16 bytes), whatever row of whatever epoch carries it: the same bytes are the same fact.

    An event holds the boot and the microsecond in which it was written, so two facts never share their bytes. Where one
    agent has several epochs, central compares these ids: copies of one machine may bring the same row in two epochs.
    """
    return hashlib.sha256(body).digest()[:16]
