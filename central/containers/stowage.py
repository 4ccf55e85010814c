"""What lies in what: a part of it, read for one transaction, changed, and written back. Pure.

Both the counters' facts and the brand's own requests work on it. It does not ask whether something may be packed
(:mod:`protocol.aggregation` does); it keeps that everything has one parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from protocol.aggregation import contents

ZERO = Decimal(0)


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A case or pallet. ``site`` is where it is, or with a ``despatch`` is on its way to, from ``from_site``; ``lines``: gtin -> quantity."""

    sscc: str
    site: str
    packed_at: datetime
    parent: str | None = None
    lines: Mapping[str, Decimal] = {}
    from_site: str | None = None
    despatch: str | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in some containers, at all levels. ``items``: item -> the container it lies in directly; ``gtins``: item -> product."""

    containers: tuple[str, ...]
    items: Mapping[str, str]
    gtins: Mapping[str, str]
    lines: Mapping[str, Decimal]

    def by_product(self) -> dict[str, tuple[Decimal, tuple[str, ...]]]:
        """gtin -> (quantity with and without codes, item codes)."""
        codes: dict[str, list[str]] = {}
        for item in sorted(self.items):
            codes.setdefault(self.gtins[item], []).append(item)
        return {
            gtin: (self.lines.get(gtin, ZERO) + len(codes.get(gtin, ())), tuple(codes.get(gtin, ())))
            for gtin in sorted({*codes, *self.lines})
        }


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A container as it was taken in somewhere: what was in it then, at all levels. ``lines``: gtin -> quantity without codes."""

    sscc: str
    site: str
    event_time: datetime
    items: tuple[str, ...] = ()
    lines: Mapping[str, Decimal] = {}


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to a container, as its trace keeps it. ``lines``: gtin -> quantity without codes."""

    sscc: str
    action: str
    site: str
    event_time: datetime
    recorded_at: datetime
    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    lines: dict[str, Decimal] = {}
    note: str | None = None
    journal: int | None = None
    seq: int | None = None
    document: str | None = None


class Stowage:
    """Containers with what is in them. ``changed`` are those whose row must be written, ``touched`` those whose contents have changed."""

    def __init__(
        self, containers: Iterable[Container], packed: Mapping[str, str], gtins: Mapping[str, str]
    ) -> None:
        self.containers = {one.sscc: one for one in containers}
        self.gtins = dict(gtins)
        self.changed: set[str] = set()
        self.touched: set[str] = set()
        self.left: set[tuple[str, str]] = set()
        self._packed = dict(packed)

    def parents(self) -> dict[str, str]:
        """child -> the container it lies in, of items and containers."""
        nested = {one.sscc: one.parent for one in self.containers.values() if one.parent is not None}
        return {**self._packed, **nested}

    def directly_in(self, sscc: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(items, containers) one level down, in the order of their codes."""
        items = sorted(item for item, parent in self._packed.items() if parent == sscc)
        return tuple(items), tuple(
            sorted(one for one, kept in self.containers.items() if kept.parent == sscc)
        )

    def held(self, ssccs: Iterable[str], without: Iterable[str] = ()) -> Held:
        """Everything in these containers, once, however they lie in each other; ``without`` are items that are left out."""
        children: dict[str, list[str]] = {}
        for child, parent in self.parents().items():
            children.setdefault(parent, []).append(child)
        outside = set(without)
        inside: dict[str, None] = {}
        for sscc in ssccs:
            inside |= dict.fromkeys((sscc, *contents(sscc, children)))
        containers = tuple(one for one in inside if one in self.containers)
        items = {one: self._packed[one] for one in inside if one in self._packed and one not in outside}
        lines: dict[str, Decimal] = {}
        for one in containers:
            for gtin, quantity in self.containers[one].lines.items():
                lines[gtin] = lines.get(gtin, ZERO) + quantity
        return Held(
            containers=containers, items=items, gtins={item: self.gtins[item] for item in items}, lines=lines
        )

    def open(self, sscc: str, site: str, at: datetime) -> Container:
        """The container of this name, a new one where there is none."""
        if sscc not in self.containers:
            self._put(Container(sscc=sscc, site=site, packed_at=at))
        return self.containers[sscc]

    def put_in(
        self, sscc: str, items: Mapping[str, str], containers: Iterable[str], lines: Mapping[str, Decimal]
    ) -> None:
        """Put things into a container, out of whatever they lay in. ``items``: item -> gtin."""
        for item, gtin in items.items():
            before = self._packed.get(item)
            self.touched |= {sscc, *([before] if before else [])}
            self._packed[item], self.gtins[item] = sscc, gtin
        for one in containers:
            before = self.containers[one].parent
            self.touched |= {sscc, one, *([before] if before else [])}
            self._change(one, parent=sscc)
        if lines:
            kept = dict(self.containers[sscc].lines)
            for gtin, quantity in lines.items():
                kept[gtin] = kept.get(gtin, ZERO) + quantity
            self._change(sscc, lines={gtin: quantity for gtin, quantity in kept.items() if quantity > 0})

    def take_out(
        self, sscc: str, items: Iterable[str], containers: Iterable[str], *, lines: bool = False
    ) -> None:
        """Take things out of a container; with ``lines`` also everything that has no code."""
        for item in items:
            self._packed.pop(item, None)
        for one in containers:
            self._change(one, parent=None)
        if lines and self.containers[sscc].lines:
            self._change(sscc, lines={})
        self.touched.add(sscc)

    def move(
        self, ssccs: Iterable[str], site: str, *, despatch: str | None = None, from_site: str | None = None
    ) -> Held:
        """Bring containers with everything in them to a site, or on their way there; what lies around them stays behind."""
        named = tuple(dict.fromkeys(ssccs))
        held = self.held(named)
        for one in held.containers:
            kept = self.containers[one]
            if kept.parent is not None and kept.parent not in held.containers:
                self.touched.add(kept.parent)
                self._change(one, parent=None)
            if kept.site != site:
                self.left.add((kept.site, one))
            self._change(one, site=site, despatch=despatch, from_site=from_site)
        return held

    def _change(self, sscc: str, **what: object) -> None:
        self._put(msgspec.structs.replace(self.containers[sscc], **what))

    def _put(self, container: Container) -> None:
        self.containers[container.sscc] = container
        self.changed.add(container.sscc)
        self.touched.add(container.sscc)
