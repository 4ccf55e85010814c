"""Requests that were asked before, so that a caller who got no answer may ask again and nothing counts twice.

Kept in memory and bounded: it serves a connection that broke, not a caller who comes back after a restart. Documents, which
must never double, are remembered on the disk (:mod:`agent.documents`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")
REMEMBERED_LIMIT = 1024
"""The last so many requests: minutes of the busiest counter."""


class Answered(Generic[T]):
    """What was answered, by request id. For one thread, the server's."""

    def __init__(self, limit: int = REMEMBERED_LIMIT) -> None:
        self._limit = limit
        self._asked: OrderedDict[str, tuple[object, Future[T]]] = OrderedDict()

    def once(self, request_id: str, request: object, do: Callable[[], Future[T]]) -> Future[T] | None:
        """The answer under way or given to this id, else what ``do`` begins now; None if the id was used for another request."""
        found = self._asked.get(request_id)
        if found is not None:
            return found[1] if found[0] == request else None
        begun = do()
        self._asked[request_id] = (request, begun)
        if len(self._asked) > self._limit:
            self._asked.popitem(last=False)
        return begun
