"""A tally, as values and rules. Pure.

Goods without codes add up. A coded item counts once, by itself or in its case; a case counts with everything in it. The same scans come
to the same tally, whatever their order. What a rule does not allow comes back as :class:`NotTallied`, with the reason in words and as a
key for translation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

import msgspec

from agent.packing.contents import Contents
from agent.packing.rules import QUANTITY_DECIMALS, QUANTITY_LIMIT
from agent.tallying.steps import Step, TallyCase, TallyLine, grown, shrunk
from protocol.events import CountedLine, GoodsLine

PRODUCTS_LIMIT = 5_000
ITEMS_LIMIT = 10_000
"""Products, and coded items, of one tally: it is written to the disk as a whole after each scan."""
UNDO_LIMIT = 50
"""Changes that can be taken back, the last first."""


class Tally(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has been counted: ``lines`` by themselves, the latest last, and whole ``cases``. ``steps`` are the last changes."""

    lines: tuple[TallyLine, ...] = ()
    cases: tuple[TallyCase, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been counted."""
        return not self.lines and not self.cases

    def line(self, gtin: str) -> TallyLine | None:
        """What was counted of a product by itself."""
        return next((line for line in self.lines if line.gtin == gtin), None)

    def in_cases(self, gtin: str) -> Decimal:
        """What of a product stands in counted cases."""
        return sum((line.quantity for line in _in_cases(self.cases) if line.gtin == gtin), Decimal(0))


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """One scan that counts: goods, or one coded item, and when."""

    gtin: str
    at_us: int
    quantity: Decimal = Decimal(1)
    item: str | None = None


class NotTallied(msgspec.Struct, frozen=True):
    """What is not counted, and why."""

    key: str
    reason: str


_FULL = NotTallied("full", "no more fits here: finish this, and go on with another")


def count(tally: Tally, scanned: Scanned) -> Tally | NotTallied:
    """The tally with one scan more."""
    if (fault := quantity_fault(scanned.quantity)) is not None:
        return fault
    line = tally.line(scanned.gtin)
    if scanned.item is not None:
        if (sscc := holder_of(tally, scanned.item)) is not None:
            return NotTallied("counted_already", f"this item was counted with case {sscc}")
        if line is not None and scanned.item in line.items:
            return NotTallied("counted_already", "this item has been counted already")
    items = () if scanned.item is None else (scanned.item,)
    step = Step(
        gtin=scanned.gtin, quantity=scanned.quantity, item=scanned.item, before_us=line.at_us if line else 0
    )
    more = TallyLine(gtin=scanned.gtin, quantity=scanned.quantity, at_us=scanned.at_us, items=items)
    return _fitting(tally, _changed(tally, step, lines=grown(tally.lines, more)))


def count_case(tally: Tally, case: TallyCase) -> Tally | NotTallied:
    """The tally with a whole case more.

    What of it was counted before, by itself or as a smaller case, counts with it from now on.
    """
    if any(one.sscc == case.sscc for one in tally.cases):
        return NotTallied("counted_already", "this case has been counted already")
    if (sscc := holder_of(tally, case.sscc)) is not None:
        return NotTallied("counted_already", f"this case was counted with {sscc}, which holds it")
    inside = frozenset(case.containers)
    within = tuple(one for one in tally.cases if one.sscc in inside)
    beside = tuple(one for one in tally.cases if one.sscc not in inside)
    lines, absorbed = shrunk(tally.lines, frozenset(case.items))
    step = Step(sscc=case.sscc, absorbed=absorbed, absorbed_cases=within)
    return _fitting(tally, _changed(tally, step, lines=lines, cases=(*beside, case)))


def set_quantity(tally: Tally, gtin: str, quantity: Decimal, at_us: int) -> Tally | NotTallied:
    """The tally with the quantity of a product set by hand, what stands in counted cases included; 0 takes it away.

    Never below what stands in cases or was scanned item by item.
    """
    if quantity != 0 and (fault := quantity_fault(quantity)) is not None:
        return fault
    line = tally.line(gtin) or TallyLine(gtin=gtin, quantity=Decimal(0), at_us=0)
    in_cases = tally.in_cases(gtin)
    loose = quantity - in_cases
    if loose < 0:
        return NotTallied("below_cases", f"{in_cases} stand in counted cases; take out a case to count less")
    if loose < len(line.items):
        return NotTallied(
            "below_items", f"{len(line.items)} items were scanned one by one; expected at least as many"
        )
    if quantity == 0 and line.quantity == 0:
        return _no_line(gtin)
    difference = loose - line.quantity
    step = Step(gtin=gtin, quantity=difference, before_us=line.at_us)
    more = TallyLine(gtin=gtin, quantity=difference, at_us=at_us)
    return _fitting(tally, _changed(tally, step, lines=grown(tally.lines, more)))


def take_out(tally: Tally, part: str) -> Tally | NotTallied:
    """The tally without a part of it: a case, a product as far as it was counted by itself, or one coded item."""
    case = next((one for one in tally.cases if one.sscc == part), None)
    if case is not None:
        kept = tuple(one for one in tally.cases if one.sscc != part)
        return _changed(tally, Step(put_back=case), cases=kept)
    line = tally.line(part)
    if line is not None:
        kept_lines = tuple(one for one in tally.lines if one.gtin != part)
        return _changed(tally, Step(absorbed=(line,)), lines=kept_lines)
    lines, absorbed = shrunk(tally.lines, frozenset({part}))
    return _changed(tally, Step(absorbed=absorbed), lines=lines) if absorbed else _no_line(part)


def undo(tally: Tally) -> tuple[Tally, Step] | NotTallied:
    """The tally before its last change, and what that was."""
    if not tally.steps:
        return NotTallied("nothing_to_undo", "nothing is left that could be taken back")
    *earlier, step = tally.steps
    cases = tuple(one for one in tally.cases if one.sscc != step.sscc)
    cases += step.absorbed_cases if step.put_back is None else (step.put_back,)
    lines = tally.lines
    for line in step.absorbed:
        lines = grown(lines, line)
    if step.gtin is not None:
        lines = _taken_back(lines, step)
    return Tally(lines=lines, cases=cases, steps=tuple(earlier)), step


def joined(tally: Tally, since: Tally) -> Tally:
    """Both together: what could not be sent, with what was scanned since."""
    for case in since.cases:
        after = count_case(tally, case)
        tally = after if isinstance(after, Tally) else tally
    for line in since.lines:
        held = frozenset(_items(tally))
        fresh = tuple(item for item in line.items if item not in held)
        left = line.quantity - (len(line.items) - len(fresh))
        more = TallyLine(gtin=line.gtin, quantity=left, at_us=line.at_us, items=fresh)
        tally = msgspec.structs.replace(tally, lines=grown(tally.lines, more))
    return msgspec.structs.replace(tally, steps=())


def merged(tally: Tally) -> tuple[TallyLine, ...]:
    """Everything by product, what stands in cases included, in the order of the GTINs: the same for any order of the scans."""
    found: dict[str, TallyLine] = {}
    for part in (*tally.lines, *_in_cases(tally.cases)):
        before = found.get(part.gtin)
        found[part.gtin] = part if before is None else before.with_more(part)
    return tuple(
        msgspec.structs.replace(line, items=tuple(sorted(line.items))) for _, line in sorted(found.items())
    )


def pieces(lines: Iterable[TallyLine | GoodsLine | CountedLine], unit_of: Callable[[str], str]) -> Decimal:
    """How many pieces these are: what is weighed or measured is one, however much of it there is."""
    one = Decimal(1)
    return sum((line.quantity if unit_of(line.gtin) == "each" else one for line in lines), Decimal(0))


def holder_of(tally: Tally, part: str) -> str | None:
    """The counted case that holds an item or a smaller case."""
    for case in tally.cases:
        if part in case.containers or any(part in line.items for line in case.lines):
            return case.sscc
    return None


def case_of(contents: Contents, gtin_of: Callable[[str], str | None], at_us: int) -> TallyCase:
    """A case with what is known of it. Items of which no product is known count nowhere: nobody could say as what."""
    items: dict[str, list[str]] = {}
    for item in contents.items:
        gtin = gtin_of(item)
        if gtin is not None:
            items.setdefault(gtin, []).append(item)
    lines = (
        GoodsLine(gtin=gtin, quantity=quantity, items=tuple(items.get(gtin, ())))
        for gtin, quantity in sorted(contents.pieces.items())
    )
    return TallyCase(sscc=contents.sscc, at_us=at_us, lines=tuple(lines), containers=contents.containers)


def quantity_fault(quantity: Decimal) -> NotTallied | None:
    """Why so much cannot be counted."""
    exponent = quantity.as_tuple().exponent
    if isinstance(exponent, int) and 0 < quantity <= QUANTITY_LIMIT and -exponent <= QUANTITY_DECIMALS:
        return None
    return NotTallied(
        "bad_quantity",
        f"quantity {quantity}: expected more than 0, up to {QUANTITY_LIMIT}, with up to {QUANTITY_DECIMALS} decimals",
    )


def _in_cases(cases: Iterable[TallyCase]) -> Iterator[TallyLine]:
    """What stands in cases, an item that two of them claim once."""
    claimed: set[str] = set()
    for case in cases:
        for line in case.lines:
            items = tuple(item for item in line.items if item not in claimed)
            claimed.update(items)
            quantity = line.quantity - (len(line.items) - len(items))
            if quantity > 0:
                yield TallyLine(gtin=line.gtin, quantity=quantity, at_us=case.at_us, items=items)


def _no_line(part: str) -> NotTallied:
    return NotTallied("no_line", f"{part[:60]} has not been counted here")


def _changed(
    tally: Tally,
    step: Step,
    *,
    lines: tuple[TallyLine, ...] | None = None,
    cases: tuple[TallyCase, ...] | None = None,
) -> Tally:
    return Tally(
        lines=tally.lines if lines is None else lines,
        cases=tally.cases if cases is None else cases,
        steps=(*tally.steps, step)[-UNDO_LIMIT:],
    )


def _fitting(before: Tally, after: Tally) -> Tally | NotTallied:
    """``after``, unless it has grown past what a tally holds."""
    if len(after.lines) > max(PRODUCTS_LIMIT, len(before.lines)):
        return _FULL
    return _FULL if len(_items(after)) > max(ITEMS_LIMIT, len(_items(before))) else after


def _items(tally: Tally) -> list[str]:
    loose = [item for line in tally.lines for item in line.items]
    return loose + [item for case in tally.cases for item in case.items]


def _taken_back(lines: tuple[TallyLine, ...], step: Step) -> tuple[TallyLine, ...]:
    kept = []
    found = False
    for line in lines:
        if line.gtin != step.gtin:
            kept.append(line)
            continue
        found = True
        items = tuple(item for item in line.items if item != step.item)
        quantity = line.quantity - step.quantity
        if quantity != 0 or items:
            kept.append(TallyLine(gtin=line.gtin, quantity=quantity, at_us=step.before_us, items=items))
    if not found and step.quantity < 0 and step.gtin is not None:
        kept.append(TallyLine(gtin=step.gtin, quantity=-step.quantity, at_us=step.before_us))
    return tuple(kept)
