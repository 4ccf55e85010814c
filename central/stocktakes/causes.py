"""Why a count may differ from the books: the likely cause of each variance, and products that were taken for each other. Pure.

The rules are tried in their order; the first that fits names the cause. They go by what else is known of the product at its site. No words
name another site: dealers read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from central.stocktakes.documents import Line, LineState

LIKE_VALUE = Decimal("0.02")
"""Two variances of which one value is within this part of the other are of like value."""
LATE_SHARE = Decimal(3)
"""Unsent sales explain what is missing up to so many times what usually sells in that time."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a product at its site, besides its count.

    ``awaited`` are despatches on their way to the site with what is outstanding of them, ``short`` and ``over`` the quantities of open
    cases of its receipts. ``late_agents`` have not brought all they sold before the count; ``usual`` is what sells in the time they have
    been late. ``last_variance`` was booked by the count before. ``missing`` and ``surplus`` are coded items.
    """

    awaited: tuple[tuple[str, Decimal], ...] = ()
    short: tuple[Decimal, ...] = ()
    over: tuple[Decimal, ...] = ()
    late_agents: tuple[str, ...] = ()
    usual: Decimal = Decimal(0)
    is_often_damaged: bool = False
    last_variance: Decimal | None = None
    rounds_differ: bool = False
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()


class Likely(msgspec.Struct, frozen=True, kw_only=True):
    """A cause in one word, in a sentence, and what to do. ``despatch`` where its goods are likely here."""

    cause: str
    words: str
    proposal: str
    probability: float
    despatch: str | None = None


def likely(line: Line, around: Around) -> Likely:
    """The likely cause of a variance."""
    return _surplus(line, around) if line.variance > 0 else _missing(line, around)


def _surplus(line: Line, around: Around) -> Likely:
    variance = line.variance
    for despatch, outstanding in around.awaited:
        if outstanding == variance:
            return Likely(
                cause="unbooked_receipt",
                words="as much of it is on its way to this site: it arrived, and its receipt was not booked",
                proposal="book the receipt of that despatch; the count then agrees",
                probability=0.95,
                despatch=despatch,
            )
    if variance in around.short:
        return Likely(
            cause="unbooked_receipt",
            words="as much was short in a receipt: it had come after all, and was not scanned",
            proposal="book the count, and settle the short receipt with it",
            probability=0.9,
        )
    if around.last_variance == -variance:
        return Likely(
            cause="miscount",
            words="the count before booked as much as missing: that count was wrong, or the goods were found again",
            proposal="book the count: it takes the earlier correction back",
            probability=0.85,
        )
    if around.rounds_differ or _is_mistyped(line):
        return _miscount()
    return Likely(
        cause="unbooked_receipt",
        words="goods came in without a receipt, or a return was not booked",
        proposal="look for a delivery note without a receipt; if there is none, book the count",
        probability=0.6,
    )


def _missing(line: Line, around: Around) -> Likely:
    lost = -line.variance
    if lost in around.over:
        return Likely(
            cause="double_scan",
            words="as much was received beyond what was sent: it was scanned twice at the receipt",
            proposal="book the count, and settle the over receipt with it",
            probability=0.9,
        )
    if around.late_agents and around.usual > 0 and lost <= LATE_SHARE * max(around.usual, Decimal(1)):
        return Likely(
            cause="late_till",
            words="a till of this site has not brought all it sold before the count",
            proposal="wait for it: its sales change this variance by themselves",
            probability=0.8,
        )
    if around.last_variance == lost:
        return Likely(
            cause="miscount",
            words="the count before found as much too much: that count was wrong",
            proposal="book the count: it takes the earlier correction back",
            probability=0.85,
        )
    if around.missing and len(around.missing) >= lost:
        return Likely(
            cause="theft",
            words="coded items are gone that nobody sold, sent away or destroyed",
            proposal="look for the items that are named; book the count, and report them stolen",
            probability=0.9,
        )
    if around.rounds_differ or _is_mistyped(line):
        return _miscount()
    if line.is_unnamed:
        return Likely(
            cause="not_counted",
            words="nobody counted it: it is not there, or its place was overlooked",
            proposal="look where it belongs; if it is there, ask for a recount, else book the count",
            probability=0.6,
        )
    if around.is_often_damaged:
        return Likely(
            cause="unbooked_damage",
            words="some of it is damaged again and again at this site: this time nobody booked it",
            proposal="ask the site; book the count",
            probability=0.7,
        )
    return Likely(
        cause="theft",
        words="nothing in the books explains it: stolen, or used without being booked",
        proposal="book the count, and keep an eye on this product",
        probability=0.7,
    )


def _is_mistyped(line: Line) -> bool:
    """Whether a digit slipped. Of a few pieces that says nothing: nine of ten may well be gone."""
    high, low = max(line.counted, line.expected), min(line.counted, line.expected)
    return low > 0 and high >= 100 and high in (low * 10, low * 100)


def _miscount() -> Likely:
    return Likely(
        cause="miscount",
        words="two rounds found different quantities, or a digit slipped",
        proposal="ask for a recount of this product by somebody else",
        probability=0.8,
    )


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """Two products of one category of which one was taken for the other: ``missing`` was booked too little out, ``surplus`` too much."""

    missing: Line
    surplus: Line
    is_same_quantity: bool

    @property
    def quantity(self) -> Decimal:
        """How many."""
        return -self.missing.variance


def swaps(lines: Iterable[Line], categories: Mapping[str, str | None]) -> list[Swap]:
    """Pair what is missing with what is too much in the same category: the same quantity first, then a like value.

    Each product stands in one pair at most. Of several that fit, the ones nearest in value belong together.
    """
    deciding = (LineState.PROPOSED, LineState.APPROVED, LineState.RECOUNT)
    rooms: dict[str, tuple[list[Line], list[Line]]] = {}
    for line in sorted(lines, key=lambda one: one.gtin):
        category = categories.get(line.gtin)
        if category is not None and line.variance != 0 and line.state in deciding:
            rooms.setdefault(category, ([], []))[line.variance > 0].append(line)
    return [swap for room in sorted(rooms) for swap in _paired(*rooms[room])]


def _paired(missing: Sequence[Line], surplus: Sequence[Line]) -> list[Swap]:
    fitting = [
        (not same, _apart(gone, found), gone.gtin, found.gtin, gone, found)
        for gone in missing
        for found in surplus
        if (same := gone.variance == -found.variance) or _is_like_value(gone, found)
    ]
    taken: set[str] = set()
    pairs = []
    for differs, _, _, _, gone, found in sorted(fitting, key=lambda one: one[:4]):
        if not {gone.gtin, found.gtin} & taken:
            taken |= {gone.gtin, found.gtin}
            pairs.append(Swap(missing=gone, surplus=found, is_same_quantity=not differs))
    return pairs


def _apart(gone: Line, found: Line) -> int:
    return abs((gone.value_minor or 0) + (found.value_minor or 0))


def _is_like_value(gone: Line, found: Line) -> bool:
    """Whether the two are worth the same. Of one piece that says little: much costs the same."""
    if not gone.value_minor or not found.value_minor or min(-gone.variance, found.variance) <= 1:
        return False
    return _apart(gone, found) <= LIKE_VALUE * abs(gone.value_minor)
