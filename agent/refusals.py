"""Why something is not done: a value, which rules hand back and every face shows in its own way."""

from __future__ import annotations

import msgspec


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a document is not written. ``conflict`` tells a clash with what is there from a fault in the request."""

    reason: str
    conflict: bool = False
    key: str = ""
    line: int | None = None
