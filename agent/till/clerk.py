"""Who stands at the counter: set by a card or at the beginning of a shift, and kept over a restart."""

from __future__ import annotations

import msgspec

from agent.drafts import Drafts

_DRAFT = "clerk"
NAME_LIMIT = 64


class _Named(msgspec.Struct, frozen=True):
    name: str


class ClerkAtCounter:
    """One name, or nobody's. Thread-safe."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts

    def name(self) -> str | None:
        """Who it is now."""
        found = self._drafts.get(_DRAFT, _Named)
        return None if found is None else found.name

    def set(self, name: str | None) -> None:
        """Somebody else takes over; None: nobody is named any more."""
        if name is None:
            self._drafts.drop(_DRAFT)
        else:
            self._drafts.put(_DRAFT, _Named(name))
