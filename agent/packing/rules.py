"""Packing and unpacking one case, as values and rules.

A draft is what has been scanned since the case was opened; what was in it before is given beside it. What a rule does
not allow comes back as :class:`NotPacked`, with the reason in words and as a key for translation.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent.packing.contents import Contents
from protocol.aggregation import CHILDREN_LIMIT, sscc_fault
from protocol.events import EVENT_LIMIT_BYTES, GoodsLine, GoodsPacked, GoodsUnpacked
from protocol.feeds import ContainerHere, DespatchLine
from protocol.items import Action, Illegal, State, transition

PACK = "pack"
UNPACK = "unpack"
QUANTITY_LIMIT = Decimal(10) ** 7
QUANTITY_DECIMALS = 6
_ROOM_BYTES = EVENT_LIMIT_BYTES - 4 * 1024
_LINE_BYTES = 80


class PackedGoods(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A quantity of goods without codes of their own."""

    gtin: str
    quantity: Decimal
    name: str = ""


class CaseDraft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is put into a case, or taken out of it. ``document_id`` becomes the id of the event; ``sscc`` None: none is open."""

    document_id: str
    sscc: str | None = None
    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    lines: tuple[PackedGoods, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been scanned for this case."""
        return not (self.items or self.containers or self.lines)


class NotPacked(msgspec.Struct, frozen=True):
    """A scan that goes into no case, or comes out of none, and why."""

    key: str
    reason: str


_NO_CASE = NotPacked("no_case", "no case is open: scan its SSCC first")
_FULL = NotPacked("full", "no more fits one document: complete it, and go on with the same case")


def open_case(draft: CaseDraft, sscc: str) -> CaseDraft | NotPacked:
    """Work on this case. One that has been begun is completed or cleared first."""
    if (fault := sscc_fault(sscc)) is not None:
        return NotPacked("bad_sscc", fault)
    if draft.sscc not in {None, sscc} and not draft.is_empty:
        return NotPacked("case_open", f"case {draft.sscc} has been begun: complete or clear it first")
    return msgspec.structs.replace(draft, sscc=sscc)


def put_item(
    draft: CaseDraft, item: str, state: str | None, inside: Contents | None
) -> CaseDraft | NotPacked:
    """Put a coded item in. ``state`` is what is known here of its life; ``inside`` what the case holds already, all levels."""
    if draft.sscc is None:
        return _NO_CASE
    if item in draft.items or (inside is not None and item in inside.items):
        return NotPacked("packed_already", "this item is in the case already")
    if state is not None and isinstance(illegal := transition(State(state), Action.PACK), Illegal):
        return NotPacked("not_packable", illegal.reason)
    return _if_it_fits(msgspec.structs.replace(draft, items=(*draft.items, item)), inside)


def put_container(
    draft: CaseDraft, sscc: str, inside: Contents | None, inner: Contents | None
) -> CaseDraft | NotPacked:
    """Put a smaller case in; ``inner`` is what that one holds."""
    if draft.sscc is None:
        return _NO_CASE
    if sscc == draft.sscc:
        return NotPacked("is_open", "this is the case that is open")
    if sscc in draft.containers or (inside is not None and sscc in inside.containers):
        return NotPacked("packed_already", f"case {sscc} is in it already")
    if inner is not None and draft.sscc in inner.containers:
        return NotPacked("inside_out", f"case {draft.sscc} is itself in {sscc}")
    return _if_it_fits(msgspec.structs.replace(draft, containers=(*draft.containers, sscc)), inside)


def put_goods(
    draft: CaseDraft, gtin: str, quantity: Decimal, name: str, inside: Contents | None
) -> CaseDraft | NotPacked:
    """Put a quantity of goods without codes in, onto what was put in of them before."""
    if draft.sscc is None:
        return _NO_CASE
    before = next((line for line in draft.lines if line.gtin == gtin), None)
    total = quantity if before is None else before.quantity + quantity
    return _with_goods(draft, PackedGoods(gtin=gtin, quantity=total, name=name), inside)


def set_quantity(draft: CaseDraft, gtin: str, quantity: Decimal) -> CaseDraft | NotPacked:
    """Set the quantity of goods without codes; 0 takes them out of the draft."""
    line = next((line for line in draft.lines if line.gtin == gtin), None)
    if line is None:
        return NotPacked("no_line", f"{gtin} has not been put in; scan it first")
    if quantity == 0:
        return remove(draft, gtin)
    return _with_goods(draft, msgspec.structs.replace(line, quantity=quantity), None)


def take_out(draft: CaseDraft, part: str, inside: ContainerHere | None) -> CaseDraft | NotPacked:
    """Take an item or a smaller case out of the open one. ``inside`` None: nothing is known here of what it holds."""
    if draft.sscc is None:
        return _NO_CASE
    if part in draft.items or part in draft.containers:
        return NotPacked("taken_out_already", "this has been taken out already")
    if inside is not None and part not in inside.items and part not in inside.containers:
        return NotPacked("not_inside", f"this is not in case {draft.sscc}, as far as is known here")
    is_case = sscc_fault(part) is None if inside is None else part in inside.containers
    after = (
        msgspec.structs.replace(draft, containers=(*draft.containers, part))
        if is_case
        else msgspec.structs.replace(draft, items=(*draft.items, part))
    )
    return _if_it_fits(after, None)


def remove(draft: CaseDraft, part: str) -> CaseDraft | NotPacked:
    """Take a scan back: an item, a case or a product of this draft."""
    after = msgspec.structs.replace(
        draft,
        items=tuple(item for item in draft.items if item != part),
        containers=tuple(sscc for sscc in draft.containers if sscc != part),
        lines=tuple(line for line in draft.lines if line.gtin != part),
    )
    return (
        NotPacked("no_line", f"{part[:60]} has not been scanned for this case") if after == draft else after
    )


def after_packing(draft: CaseDraft, before: ContainerHere | None) -> ContainerHere:
    """What is directly in the case once the draft is done."""
    assert draft.sscc is not None
    here = before or ContainerHere(sscc=draft.sscc)
    lines = {line.gtin: line for line in here.lines}
    for line in draft.lines:
        quantity = line.quantity + (lines[line.gtin].quantity if line.gtin in lines else 0)
        lines[line.gtin] = DespatchLine(gtin=line.gtin, quantity=quantity)
    return msgspec.structs.replace(
        here,
        items=tuple(dict.fromkeys((*here.items, *draft.items))),
        containers=tuple(dict.fromkeys((*here.containers, *draft.containers))),
        lines=tuple(lines.values()),
    )


def after_unpacking(draft: CaseDraft, before: ContainerHere | None) -> ContainerHere:
    """What is directly in the case once the draft is done: nothing where it was unpacked as a whole."""
    assert draft.sscc is not None
    if before is None or draft.is_empty:
        return ContainerHere(sscc=draft.sscc)
    return msgspec.structs.replace(
        before,
        items=tuple(item for item in before.items if item not in set(draft.items)),
        containers=tuple(sscc for sscc in before.containers if sscc not in draft.containers),
    )


def packed(draft: CaseDraft, clerk: str | None) -> GoodsPacked:
    """The draft as it goes into the journal."""
    assert draft.sscc is not None
    return GoodsPacked(
        packing_id=draft.document_id,
        sscc=draft.sscc,
        items=draft.items,
        containers=draft.containers,
        lines=tuple(GoodsLine(gtin=line.gtin, quantity=line.quantity) for line in draft.lines),
        clerk=clerk,
    )


def unpacked(draft: CaseDraft, clerk: str | None) -> GoodsUnpacked:
    """The draft as it goes into the journal; nothing named: everything."""
    assert draft.sscc is not None
    return GoodsUnpacked(
        unpacking_id=draft.document_id,
        sscc=draft.sscc,
        items=draft.items,
        containers=draft.containers,
        clerk=clerk,
    )


def _with_goods(draft: CaseDraft, goods: PackedGoods, inside: Contents | None) -> CaseDraft | NotPacked:
    exponent = goods.quantity.as_tuple().exponent
    if (
        not isinstance(exponent, int)
        or not 0 < goods.quantity <= QUANTITY_LIMIT
        or -exponent > QUANTITY_DECIMALS
    ):
        return NotPacked(
            "bad_quantity",
            f"quantity {goods.quantity}: expected more than 0, up to {QUANTITY_LIMIT}, with up to {QUANTITY_DECIMALS} decimals",
        )
    lines = {line.gtin: line for line in draft.lines}
    lines[goods.gtin] = goods
    return _if_it_fits(msgspec.structs.replace(draft, lines=tuple(lines.values())), inside)


def _if_it_fits(draft: CaseDraft, inside: Contents | None) -> CaseDraft | NotPacked:
    """The draft goes into one event, and what lies in one case into one message."""
    held = 0 if inside is None else inside.directly
    if held + len(draft.items) + len(draft.containers) > CHILDREN_LIMIT:
        return NotPacked(
            "case_full", f"a case holds {CHILDREN_LIMIT} things at most: pack them into smaller cases in it"
        )
    size = sum(len(part) + 2 for part in (*draft.items, *draft.containers)) + len(draft.lines) * _LINE_BYTES
    return draft if size <= _ROOM_BYTES else _FULL
