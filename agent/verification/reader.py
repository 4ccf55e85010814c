"""What a scanned string is, at this counter: the recogniser, and after it the short codes of issuing orders that are known here."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from protocol.codes import Code, Rules, recognise


class ShortCodes(Protocol):
    """Knows the issuing orders of short codes."""

    def resolve_short(self, code: Code, raw: bytes | str | None = None) -> Code:
        """The item behind a short code; any other code unchanged. ``raw``: what was scanned, in which no pattern need announce one."""


class Reader:
    """Reads labels. Thread-safe."""

    def __init__(self, rules: Rules, short_codes: ShortCodes) -> None:
        self.rules = rules
        self._short_codes = short_codes

    def read(self, raw: bytes, *, symbology: str | None = None, today: date | None = None) -> Code:
        """What ``raw`` is; see :func:`protocol.codes.recognise`."""
        code = recognise(raw, symbology=symbology, rules=self.rules, today=today)
        return self._short_codes.resolve_short(code, raw)
