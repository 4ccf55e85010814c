"""A fact with its containers opened on paper. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from central.containers.stowage import Handled
from central.discrepancies.rules import Discrepancy
from central.journals.facts import Fact

NOTE_LIMIT = 500


class Unfolded(msgspec.Struct, frozen=True, kw_only=True):
    """``fact`` names every item that it concerns. ``packed_in`` are the items that lie in a case that was handled unopened, each with it."""

    fact: Fact
    packed_in: Mapping[str, str] = {}
    handled: tuple[Handled, ...] = ()
    raised: tuple[Discrepancy, ...] = ()


def handled_by(fact: Fact, sscc: str, action: str, document: str, **what: Any) -> Handled:
    """What a fact did to a container, for its trace."""
    return Handled(
        sscc=sscc,
        action=action,
        site=fact.site,
        event_time=fact.event_time,
        recorded_at=fact.recorded_at,
        journal=fact.journal,
        seq=fact.seq,
        document=document,
        **what,
    )


def note_of(refused: Mapping[str, str]) -> str | None:
    """What was left out, and why, for the trace."""
    return "; ".join(f"{one}: {why}" for one, why in refused.items())[:NOTE_LIMIT] or None
