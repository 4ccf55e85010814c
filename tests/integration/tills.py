"""Tills for tests: they write events into their journals, seal their shifts, and bring what they wrote whenever a test wants it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from protocol.chain import genesis
from protocol.codec import encode
from protocol.events import Body, CashMoved, Payment, Sale, ShiftClosed, ShiftOpened
from tests.integration.books import MILK, NOW_US, Central, batch, epoch_id, event, line, sale

NORTH, SOUTH = "north-1", "south-1"
EPOCHS = {NORTH: epoch_id(1), SOUTH: epoch_id(2)}
MINUTE_US = 60_000_000


class Till:
    """A till that counts as it should: it writes events into its journal, and seals its shifts with its own sums."""

    def __init__(self, books: Central, agent: str = NORTH) -> None:
        self.books, self.agent, self.epoch = books, agent, EPOCHS[agent]
        self.seq, self.head = 1, genesis(agent, self.epoch)
        self.minutes, self.received_us = 0, NOW_US

    def write(self, *bodies: Body | bytes) -> None:
        """Write events, and bring them in one batch."""
        rows = []
        for body in bodies:
            self.minutes += 1
            at_us = NOW_US - 6 * 3_600_000_000 + self.minutes * MINUTE_US
            rows.append(body if isinstance(body, bytes) else event(body, at_us=at_us))
        self.bring(rows)

    def bring(self, rows: Sequence[bytes]) -> None:
        """Bring events in one batch, which central hears at ``received_us``."""
        told = batch(self.epoch, self.seq, self.head, rows)
        self.seq, self.head = self.seq + len(rows), told.head_hash
        assert self.books.intake.offer(self.agent, "up", encode(told, "up"), self.received_us)
        self.books.intake.drain()


def paid(**by_method: int) -> tuple[Payment, ...]:
    return tuple(Payment(method=method, amount_minor=amount) for method, amount in by_method.items())


def sold(amount_minor: int, sale_id: str | None = None, **by_method: int) -> Sale:
    return msgspec.structs.replace(
        sale(line(MILK, "1", amount_minor), sale_id=sale_id),
        payments=paid(**(by_method or {"cash": amount_minor})),
    )


def opened(shift: str = "a", float_minor: int = 10_000) -> ShiftOpened:
    return ShiftOpened(
        shift_id=shift, number=f"1-{shift}", currency="EUR", float_minor=float_minor, clerk="Li"
    )


def moved(amount_minor: int) -> CashMoved:
    return CashMoved(
        cash_move_id=f"m{amount_minor}", currency="EUR", amount_minor=amount_minor, reason="safe"
    )


def closed(
    shift: str = "a",
    *,
    sales: int = 0,
    voids: int = 0,
    returns: int = 0,
    first_seq: int = 1,
    taken: dict[str, int] | None = None,
    expected: dict[str, int] | None = None,
    counted: dict[str, int] | None = None,
) -> ShiftClosed:
    should_be = expected or {"cash": 10_000 + (taken or {}).get("cash", 0)}
    return ShiftClosed(
        shift_id=shift, number=f"1-{shift}", currency="EUR", first_seq=first_seq, sales=sales, voids=voids, returns=returns,
        taken=paid(**(taken or {})), expected=paid(**should_be), counted=paid(**(should_be if counted is None else counted)),
    )  # fmt: skip
