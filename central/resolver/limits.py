"""How much one client, and all of them together, may ask: token buckets in bounded memory. The clock comes in as an argument."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

CLIENTS_KEPT = 20_000
"""Buckets kept at once. The longest unused goes first; most of those are full again and lose nothing."""


class Rate(msgspec.Struct, frozen=True):
    """So many at once, and so many a second after that."""

    burst: float
    per_second: float


class _Bucket(msgspec.Struct):
    tokens: float
    at_s: float


class Limits:
    """Asks of every client its own bucket, then the common one. Not for several threads: it belongs to the event loop."""

    def __init__(self, each: Rate, together: Rate, clients_kept: int = CLIENTS_KEPT) -> None:
        self._each = each
        self._together = together
        self._clients_kept = clients_kept
        self._clients: OrderedDict[str, _Bucket] = OrderedDict()
        self._all = _Bucket(together.burst, 0.0)

    def take(self, client: str, now_s: float) -> float:
        """0 if this request may go on, else after how many seconds it may be tried again. Being refused costs nothing."""
        bucket = self._clients.get(client)
        if bucket is None:
            bucket = self._clients[client] = _Bucket(self._each.burst, now_s)
            if len(self._clients) > self._clients_kept:
                self._clients.popitem(last=False)
        self._clients.move_to_end(client)
        wait_s = max(_wait_s(bucket, self._each, now_s), _wait_s(self._all, self._together, now_s))
        if wait_s == 0:
            bucket.tokens -= 1
            self._all.tokens -= 1
        return wait_s

    def __len__(self) -> int:
        return len(self._clients)


def _wait_s(bucket: _Bucket, rate: Rate, now_s: float) -> float:
    """Fill the bucket up to now; how long until it holds a whole token."""
    bucket.tokens = min(rate.burst, bucket.tokens + max(0.0, now_s - bucket.at_s) * rate.per_second)
    bucket.at_s = now_s
    return 0.0 if bucket.tokens >= 1 else (1 - bucket.tokens) / rate.per_second
