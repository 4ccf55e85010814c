"""What was planted against what was raised. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

RECALL_AT_LEAST = 0.99
FALSE_AT_MOST = 0.01
CAUSE_AT_LEAST = 0.95
ANYWHERE = ""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """A case that must be found: its class, its site (:data:`ANYWHERE`: wherever it is kept), and what it is about (a product, an item, a
    shift, a despatch, an agent …). ``causes`` are the words that name its cause rightly (none: not judged); ``closes``: it must have closed by itself."""

    discrepancy_class: str
    site: str
    about: str
    causes: tuple[str, ...]
    closes: bool = False


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that has happened. ``links`` are (site, about) of whatever else it may bring to light, from its day on."""

    number: int
    kind: str
    day: int
    expected: tuple[Expected, ...]
    links: frozenset[tuple[str, str]] = frozenset()


class Dark(msgspec.Struct, frozen=True):
    """A site of which a part was not heard from a day to another: what it seems to lack meanwhile follows from that."""

    site: str
    first: int
    last: int


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """A case of central's. ``day`` is that on which it was opened, counted from the first."""

    site: str
    discrepancy_class: str
    cause_key: str
    day: int
    state: str
    cause: str | None = None
    gtin: str | None = None
    item: str | None = None
    despatch: str | None = None
    opened_at: datetime | None = None

    @property
    def about(self) -> set[str]:
        """Every name under which it may be asked for."""
        named = {self.cause_key, *self.cause_key.split("/"), self.gtin, self.item, self.despatch}
        return {one for one in named if one}


class Row(msgspec.Struct, kw_only=True):
    """The figures of a class. ``raised`` are all cases of it, ``consequences`` those that follow from a fault without being its own.

    ``judged`` are the found ones whose cause can be known, ``named`` those of them that have the right one."""

    planted: int = 0
    found: int = 0
    raised: int = 0
    consequences: int = 0
    false: int = 0
    judged: int = 0
    named: int = 0

    @property
    def recall(self) -> float:
        """How much of what was planted was found."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """How much of what was raised there is a fault behind."""
        return 1.0 - self.false / self.raised if self.raised else 1.0

    @property
    def false_share(self) -> float:
        """The rest of it."""
        return 1.0 - self.precision

    @property
    def cause_share(self) -> float:
        """How much of what was found has its cause named rightly, where it can be known."""
        return self.named / self.judged if self.judged else 1.0

    def add(self, other: Row) -> None:
        """Take the figures of another one in."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that was not found, or named wrongly (``said`` is what was)."""

    number: int
    kind: str
    day: int
    expected: Expected
    said: str | None = None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """The figures by class, and one by one what is wrong."""

    rows: dict[str, Row]
    missed: tuple[Miss, ...]
    misnamed: tuple[Miss, ...]
    false: tuple[Raised, ...]

    @property
    def overall(self) -> Row:
        """All classes together."""
        total = Row()
        for row in self.rows.values():
            total.add(row)
        return total

    @property
    def passes(self) -> bool:
        """Whether the promises are kept."""
        total = self.overall
        return (
            total.recall >= RECALL_AT_LEAST
            and total.false_share <= FALSE_AT_MOST
            and total.cause_share >= CAUSE_AT_LEAST
        )


def score(planted: Sequence[Planted], raised: Sequence[Raised], dark: Iterable[Dark] = ()) -> Score:
    """Set faults against cases. A case is found once; one that nothing explains is false."""
    by_name: dict[tuple[str, str], list[int]] = {}
    for number, case in enumerate(raised):
        for name in case.about:
            by_name.setdefault((case.discrepancy_class, name), []).append(number)
    rows: dict[str, Row] = {}
    taken: set[int] = set()
    missed, misnamed = [], []
    for fault in sorted(planted, key=lambda one: (one.day, one.number)):
        for wanted in fault.expected:
            row = rows.setdefault(wanted.discrepancy_class, Row())
            row.planted += 1
            found = _case_of(wanted, fault.day, raised, by_name, taken)
            if found is None:
                missed.append(
                    Miss(number=fault.number, kind=fault.kind, day=fault.day, expected=wanted, said=None)
                )
                continue
            taken.add(found)
            row.found += 1
            if not wanted.causes:
                continue
            row.judged += 1
            if raised[found].cause in wanted.causes:
                row.named += 1
            else:
                said = raised[found].cause
                misnamed.append(
                    Miss(number=fault.number, kind=fault.kind, day=fault.day, expected=wanted, said=said)
                )
    false = _explain(planted, raised, tuple(dark), taken, rows)
    return Score(
        rows=dict(sorted(rows.items())), missed=tuple(missed), misnamed=tuple(misnamed), false=tuple(false)
    )


def _case_of(
    wanted: Expected,
    day: int,
    raised: Sequence[Raised],
    by_name: dict[tuple[str, str], list[int]],
    taken: set[int],
) -> int | None:
    fitting = [
        number
        for number in by_name.get((wanted.discrepancy_class, wanted.about), ())
        if number not in taken
        and wanted.site in (ANYWHERE, raised[number].site)
        and raised[number].day >= day - 1
        and (not wanted.closes or raised[number].state == "settled")
    ]
    return min(fitting, key=lambda number: (raised[number].day, number), default=None)


def _explain(
    planted: Sequence[Planted],
    raised: Sequence[Raised],
    dark: tuple[Dark, ...],
    taken: set[int],
    rows: dict[str, Row],
) -> list[Raised]:
    first: dict[tuple[str, str], int] = {}
    for fault in planted:
        for link in fault.links:
            first[link] = min(first.get(link, fault.day), fault.day)
    false = []
    for number, case in enumerate(raised):
        row = rows.setdefault(case.discrepancy_class, Row())
        row.raised += 1
        if number in taken:
            continue
        since = [
            first[place, name]
            for name in case.about
            for place in (case.site, ANYWHERE)
            if (place, name) in first
        ]
        is_dark = any(one.site == case.site and one.first <= case.day <= one.last for one in dark)
        if is_dark or (since and min(since) - 1 <= case.day):
            row.consequences += 1
        else:
            row.false += 1
            false.append(case)
    return false
