"""When several facts about codes together are worth a person's look. Pure.

Each of them alone is nothing: a code that nobody issued may be a slip of the scanner. The same code at two shops, or ten such codes in
one shop within a quarter of an hour, is a sign that somebody makes labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from central.discrepancies.rules import EVIDENCE_LIMIT, Discrepancy, DiscrepancyClass
from central.items.rules import TRAVEL_SPEED_KMH
from central.journals.facts import iso

NEVER_ISSUED_SITES = 2
"""A code that the brand never issued is a copy of something as soon as a second site has it."""


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """From when on something is a signal.

    ``travel_speed_kmh``: faster than anything that carries goods. ``copied_sites``: so many sites that sold or scanned one item.
    ``burst_codes`` unknown or forged codes within ``burst_minutes`` at one site.
    """

    travel_speed_kmh: float = TRAVEL_SPEED_KMH
    copied_sites: int = 3
    burst_codes: int = 10
    burst_minutes: int = 15


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What the books of items are kept with. ``directory`` is where the secrets of issuing orders are; None: nothing was issued here."""

    signals: Signals = Signals()
    directory: Path | None = None


class Spotted(msgspec.Struct, frozen=True, kw_only=True):
    """One time that an item was sold or refused at a counter."""

    item: str
    gtin: str | None
    site: str
    event_time: datetime
    journal: int
    seq: int
    action: str
    document: str | None = None

    def evidence(self) -> dict[str, Any]:
        """This as evidence."""
        told: dict[str, Any] = {
            "event": self.action,
            "item": self.item,
            "site": self.site,
            "journal": self.journal,
            "seq": self.seq,
            "document": self.document,
            "event_time": iso(self.event_time),
        }
        return {name: value for name, value in told.items() if value is not None}


class UnknownCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that nobody issued, or that is forged, at a counter."""

    site: str
    event_time: datetime
    journal: int
    seq: int
    line: int
    verdict: str
    item: str | None = None


def copied(spotted: Sequence[Spotted], is_issued: Mapping[str, bool], signals: Signals) -> list[Discrepancy]:
    """Items whose code must be on several things: seen at more sites than one thing can explain.

    ``spotted`` is everything known of these items, not the news alone.
    """
    by_item: dict[str, list[Spotted]] = {}
    for one in sorted(spotted, key=lambda one: (one.item, one.event_time, one.site, one.journal, one.seq)):
        by_item.setdefault(one.item, []).append(one)
    return [
        _copied(item, seen, issued=is_issued.get(item, False))
        for item, seen in by_item.items()
        if len({one.site for one in seen})
        >= (signals.copied_sites if is_issued.get(item, False) else NEVER_ISSUED_SITES)
    ]


def _copied(item: str, seen: Sequence[Spotted], *, issued: bool) -> Discrepancy:
    return Discrepancy(
        site=seen[-1].site,
        discrepancy_class=DiscrepancyClass.ITEM_CODE_COPIED,
        cause_key=item,
        likely_cause=(
            "its label was copied: one thing is not sold or offered at so many sites"
            if issued
            else "the code was never issued, and several sites have it: somebody prints labels"
        ),
        proposal="hold the code, ask the sites where the goods came from, and have one of them looked at",
        evidence=tuple(one.evidence() for one in seen[:EVIDENCE_LIMIT]),
        gtin=seen[-1].gtin,
        item=item,
        quantity=Decimal(len({one.site for one in seen})),
    )


def bursts(codes: Sequence[UnknownCode], signals: Signals) -> list[Discrepancy]:
    """Sites at which many unknown codes came within minutes; one case a site and day (UTC).

    ``codes`` is everything known of these sites around the new ones.
    """
    window = timedelta(minutes=signals.burst_minutes)
    by_site: dict[str, list[UnknownCode]] = {}
    for one in sorted(codes, key=lambda one: (one.site, one.event_time, one.journal, one.seq, one.line)):
        by_site.setdefault(one.site, []).append(one)
    found = []
    for site, here in by_site.items():
        burst = _densest(here, window)
        if len(burst) >= signals.burst_codes:
            found.append(_burst(site, burst, signals))
    return found


def _densest(codes: Sequence[UnknownCode], window: timedelta) -> Sequence[UnknownCode]:
    """The most codes that lie within one window; of several the first."""
    best: Sequence[UnknownCode] = ()
    first = 0
    for last, one in enumerate(codes):
        while one.event_time - codes[first].event_time > window:
            first += 1
        if last + 1 - first > len(best):
            best = codes[first : last + 1]
    return best


def _burst(site: str, burst: Sequence[UnknownCode], signals: Signals) -> Discrepancy:
    return Discrepancy(
        site=site,
        discrepancy_class=DiscrepancyClass.UNKNOWN_CODES_BURST,
        cause_key=f"{burst[0].event_time:%Y-%m-%d}",
        likely_cause="goods with labels of somebody else's making were offered, or a scanner garbles what it reads",
        proposal="look at the goods and at the scanner; hold what cannot be explained",
        evidence=tuple(
            {
                "event": one.verdict,
                "site": site,
                "journal": one.journal,
                "seq": one.seq,
                "event_time": iso(one.event_time),
                "within_minutes": signals.burst_minutes,
                **({"item": one.item} if one.item else {}),
            }
            for one in burst[:EVIDENCE_LIMIT]
        ),
        quantity=None,
    )
