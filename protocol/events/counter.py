"""What a counter refused."""

from __future__ import annotations

import msgspec


class ScanRefused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="scan_refused"):
    """A code that was scanned and refused at the counter: evidence for central, no movement of goods."""

    verdict: str
    cause: str
    gtin: str | None = None
    item: str | None = None
    device: str | None = None
