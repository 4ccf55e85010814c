"""Goods that left elsewhere than through the door of the counter, told at once: by a program, or by a command.

Every code is held against what is known here, as a scan at the counter is; the first that may not leave refuses the whole, and nothing
is recorded. A case of which nothing is known goes as it is: whoever tells of it has sent it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal

import msgspec

from agent.despatching.rules import Leaving
from agent.despatching.scans import Change, ShippingScans
from agent.despatching.service import Result, Shipping, no_site, reason_fault
from agent.documents import Refusal
from agent.shop import Shop
from agent.tallying.rules import NotTallied
from agent.till.frames import Outcome
from agent.verification.service import Judged
from protocol.codes import Code, parse_typed

Read = Callable[[bytes], Code]
Judge = Callable[[Code], Judged]
_IDS = ("private:", "drug:")
LIMIT = 2_000
"""Codes and lines of one request."""


class GoodsTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity of goods without codes of their own."""

    gtin: str
    quantity: Decimal = Decimal(1)


class ShipmentAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/shipments``. ``codes`` are items and cases, as they were scanned or by their ids; ``order_id`` is the order they fulfil."""

    to_site: str
    codes: tuple[str, ...] = ()
    lines: tuple[GoodsTold, ...] = ()
    despatch_id: str | None = None
    order_id: str | None = None
    reason: str | None = None
    clerk: str | None = None


class _Load:
    """The goods of one request, held as the goods at the door are."""

    def __init__(self, leaving: Leaving, shipping: Shipping) -> None:
        self.leaving = leaving
        self.site = shipping.site
        self.cases = shipping.cases
        self.standing = shipping.standing

    def change(self, change: Change) -> NotTallied | None:
        after = change(self.leaving)
        if isinstance(after, NotTallied):
            return after
        self.leaving = after
        return None

    def publish(self) -> None:
        """Nobody watches."""


class Told:
    """Writes what was told. Thread-safe."""

    def __init__(self, shop: Shop, shipping: Shipping, read: Read, judge: Judge) -> None:
        self._shop = shop
        self._shipping = shipping
        self._read = read
        self._judge = judge

    def write(self, asked: ShipmentAsked) -> Result | Refusal:
        """Write a despatch; the same ``despatch_id`` again gets the stored answer."""
        request = _request(asked)
        if asked.despatch_id is not None and self._shipping.is_written(asked.despatch_id):
            # Its goods have left by now, so they would be refused: what was answered is told again.
            return self._shipping.write(Leaving(despatch_id=asked.despatch_id), asked.clerk, request)
        leaving = self._loaded(asked)
        return (
            leaving if isinstance(leaving, Refusal) else self._shipping.write(leaving, asked.clerk, request)
        )

    def _loaded(self, asked: ShipmentAsked) -> Leaving | Refusal:
        to = self._shipping.find_site(asked.to_site)
        if to is None:
            return no_site(asked.to_site)
        if (fault := reason_fault(asked.reason)) is not None:
            return fault
        if not 1 <= len(asked.codes) + len(asked.lines) <= LIMIT:
            return Refusal(reason=f"codes and lines: expected 1 to {LIMIT} of them together", key="empty")
        leaving = Leaving(
            despatch_id=asked.despatch_id or str(uuid.uuid4()),
            to=to,
            order_id=asked.order_id,
            reason=asked.reason,
        )
        load = _Load(leaving, self._shipping)
        scans = ShippingScans(load, self._shop.catalogue, self._shop.store, self._shop.clock.wall_us)
        for number, text in enumerate(asked.codes, 1):
            code = Code(kind="private", item=text) if text.startswith(_IDS) else self._read(parse_typed(text))
            if (refused := self._fault(scans, f"code {number}", code, None)) is not None:
                return msgspec.structs.replace(refused, line=number)
        for number, line in enumerate(asked.lines, 1):
            code = self._read(parse_typed(line.gtin))
            if code.refusal is None and code.kind not in {"gtin", "in_store"}:
                reason = f"line {number}: gtin: a {code.kind}; expected 8, 12, 13 or 14 digits"
                return Refusal(reason=reason, key="invalid", line=number)
            if (refused := self._fault(scans, f"line {number}", code, line.quantity)) is not None:
                return msgspec.structs.replace(refused, line=number)
        return load.leaving

    def _fault(
        self, scans: ShippingScans, where: str, code: Code, quantity: Decimal | None
    ) -> Refusal | None:
        if code.refusal is not None:
            return Refusal(reason=f"{where}: {code.refusal}", key="unreadable")
        found = scans.load_told(
            code, self._judge(code), quantity=quantity, uncoded=quantity is not None, sealed=True
        )
        if found.outcome is Outcome.LOADED:
            return None
        return Refusal(reason=f"{where}: {found.message}", key=found.key, conflict=True)


def _request(asked: ShipmentAsked) -> bytes:
    """What makes two requests the same one."""
    lines = sorted((line.gtin, str(line.quantity)) for line in asked.lines)
    return msgspec.json.encode((asked.to_site, sorted(asked.codes), lines))
