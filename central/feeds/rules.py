"""What a publication changes, and how much of a feed fits a message. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from central.errors import CentralError
from protocol.codec import FRAME_LIMIT_BYTES, encode
from protocol.errors import Malformed
from protocol.feeds import Feed, digest_after, row_digest
from protocol.messages import FeedChunk

ROW_LIMIT_BYTES = 96 * 1024
"""One row must fit a frame even when it cannot be compressed."""
RAW_LIMIT_BYTES = 1024 * 1024
"""How much to try to fit one frame before compression: JSON rows shrink to a tenth, rarely to more."""


class FeedRowTooLarge(CentralError):
    """A row that no message can carry."""


class Present(msgspec.Struct, frozen=True):
    """What a feed holds under a key now: the digest of its row, 0 for a tombstone."""

    digest: int


class Changed(msgspec.Struct, frozen=True):
    """A row that gets a new version."""

    key: str
    version: int
    digest: int
    body: bytes | None


class Publication(msgspec.Struct, frozen=True):
    """What a publication changes, and where the feed stands after it."""

    changed: tuple[Changed, ...]
    version: int
    digest: int


def scope_of(feed: str, site: str, price_list: str) -> str | None:
    """Whose a feed is, for an agent of ``site``: the scope under which it is kept. None: there is no such feed."""
    match feed:
        case Feed.CATALOGUE | Feed.POLICY | Feed.KEYS | Feed.CODE_ORDERS | Feed.FILTERS:
            return ""
        case Feed.PRICES:
            return price_list
        case (
            Feed.ITEMS
            | Feed.STOCK
            | Feed.ORDERS
            | Feed.DESPATCHES
            | Feed.CONTAINERS
            | Feed.STOCKTAKES
            | Feed.SITES
            | Feed.LIMITS
        ):
            return site
        case _:
            return None


def publication(
    version: int, digest: int, rows: Iterable[tuple[str, bytes | None]], present: Mapping[str, Present]
) -> Publication:
    """What ``rows`` change in a feed at ``version``. The same body again changes nothing; of one key the last row counts."""
    changed: list[Changed] = []
    for key, body in dict(rows).items():
        before = present.get(key)
        after = row_digest(key, body)
        if after == (before.digest if before else 0):
            continue  # the row is there as it is, or is not there and was not
        version += 1
        digest = digest_after(digest, before.digest if before else 0, after)
        changed.append(Changed(key, version, after, body))
    return Publication(tuple(changed), version, digest)


def check_row(feed: str, key: str, body: bytes | None) -> None:
    """Nothing, or :class:`FeedRowTooLarge`."""
    size = len(key.encode()) + len(body or b"")
    if size > ROW_LIMIT_BYTES:
        raise FeedRowTooLarge(
            f"feed {feed}, row {key!r}: {size} bytes, expected at most {ROW_LIMIT_BYTES}; split the document"
        )


def rows_within(sizes: Sequence[int], limit_bytes: int) -> int:
    """How many of the first rows, by their sizes, stay within ``limit_bytes``; at least one, if there is one."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > limit_bytes:
            return max(count, 1)
    return len(sizes)


def fits(chunk: FeedChunk) -> bool:
    """Whether a chunk can be sent in one frame, with room for its signature and a long topic."""
    try:
        return len(encode(chunk, "")) <= FRAME_LIMIT_BYTES - 1024
    except Malformed:
        return False
