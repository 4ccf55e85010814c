"""Feeds: what central tells its agents, kept as versions that a reader can never miss (see :mod:`protocol.feeds`)."""

from central.feeds.rules import FeedRowTooLarge, scope_of
from central.feeds.storage import announce, head, lock_heads, publish, pull, remove_all_but

__all__ = [
    "FeedRowTooLarge",
    "announce",
    "head",
    "lock_heads",
    "publish",
    "pull",
    "remove_all_but",
    "scope_of",
]
