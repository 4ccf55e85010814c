"""Feeds: what central tells its agents, kept as versions that a reader can never miss (see :mod:`protocol.feeds`)."""

from central.feeds.rules import FeedRowTooLarge, scope_of
from central.feeds.storage import head, publish, pull, remove_all_but

__all__ = ["FeedRowTooLarge", "head", "publish", "pull", "remove_all_but", "scope_of"]
