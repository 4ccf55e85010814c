"""Cases and pallets: what may be packed into what, and what is in it. Pure, for both sides.

A container is named by its SSCC (AI 00; GS1 General Specifications 3.2): 18 digits, the last one a check digit. It holds items, goods
without codes, and smaller containers, which hold more. A thing is in one container at most, and nothing holds itself, however many
levels lie between.

Whoever packs asks :func:`packing` with what is known of the things concerned, and gets a reason for each one that may not go in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from protocol.codes.check_digits import fault, has_check_digit
from protocol.items import Action, Illegal, State, transition

SSCC_DIGITS = 18
LEVELS = 8
"""Containers in containers: an item in a pack in a case on a pallet in a ship's container takes four."""
CHILDREN_LIMIT = 2_000
"""Things directly in one container, so that its contents fit a message. A pallet holds its thousands in cases."""


def sscc_fault(sscc: str) -> str | None:
    """What is wrong with an SSCC, in words; None if nothing is."""
    if len(sscc) != SSCC_DIGITS or not (sscc.isascii() and sscc.isdigit()):
        return f"SSCC {sscc[:40]!r}: expected {SSCC_DIGITS} digits"
    return None if has_check_digit(sscc) else f"SSCC {sscc}: its {fault(sscc)}"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever packs knows.

    ``parents`` is the container each thing lies in now (an item or an SSCC; missing: in none), with everything above the container that
    is packed. ``states`` are those of the items; an item that is missing there is not known. ``holds`` counts what is in the
    container already.
    """

    parents: Mapping[str, str]
    states: Mapping[str, State] = {}
    holds: int = 0


class Packing(msgspec.Struct, frozen=True):
    """What goes into a container, and what does not, with the reason for each."""

    accepted: tuple[str, ...]
    refused: dict[str, str]


def packing(sscc: str, items: Iterable[str], containers: Iterable[str], known: Known) -> Packing:
    """Which of these may be put into ``sscc``. What is in it already is accepted: packing it again changes nothing."""
    around = above(sscc, known.parents)
    refused: dict[str, str] = {}
    accepted: list[str] = []
    named_items, named_containers = list(dict.fromkeys(items)), list(dict.fromkeys(containers))
    for child in (*named_items, *named_containers):
        is_item = child not in named_containers
        parent = known.parents.get(child)
        reason = None
        if parent != sscc:
            reason = (
                _item_reason(known.states.get(child)) if is_item else _container_reason(sscc, child, around)
            )
            if reason is None and parent is not None:
                reason = f"it is packed in {parent}; unpack it there first"
        if reason is None and parent != sscc and known.holds + len(accepted) >= CHILDREN_LIMIT:
            reason = f"{sscc} holds {CHILDREN_LIMIT} things already; pack them into smaller cases"
        if reason is None:
            accepted.append(child)
        else:
            refused[child] = reason
    return Packing(tuple(accepted), refused)


def unpacking(sscc: str, children: Collection[str], parents: Mapping[str, str]) -> Packing:
    """Which of ``children`` can be taken out of ``sscc``: those that are directly in it."""
    inside = tuple(child for child in dict.fromkeys(children) if parents.get(child) == sscc)
    refused = {
        child: f"it is not in {sscc}" + (f", but in {parents[child]}" if child in parents else "")
        for child in children
        if parents.get(child) != sscc
    }
    return Packing(inside, refused)


def contents(sscc: str, children: Mapping[str, Collection[str]]) -> list[str]:
    """Everything in a container, at all levels, the nearer first. ``children`` is what is directly in each container.

    A ring in the data ends the search instead of going round for ever.
    """
    found: dict[str, None] = {}
    layer = [sscc]
    while layer:
        inside = [child for one in layer for child in children.get(one, ())]
        layer = [child for child in inside if child not in found and child != sscc]
        found |= dict.fromkeys(layer)
    return list(found)


def above(sscc: str, parents: Mapping[str, str]) -> list[str]:
    """The container itself and those it lies in, from the inside out."""
    chain = [sscc]
    while (parent := parents.get(chain[-1])) is not None and parent not in chain:
        chain.append(parent)
    return chain


def _item_reason(state: State | None) -> str | None:
    if state is None:
        return "nobody has registered this item"
    after = transition(state, Action.PACK)
    return after.reason if isinstance(after, Illegal) else None


def _container_reason(sscc: str, child: str, around: list[str]) -> str | None:
    wrong = sscc_fault(child)
    if wrong is not None:
        return wrong
    if child == sscc:
        return "nothing is packed into itself"
    if child in around:
        return f"{sscc} is in it: two containers cannot lie in each other"
    if len(around) >= LEVELS:
        return f"{sscc} is the {len(around)}th level of containers in each other; expected at most {LEVELS}"
    return None
