"""Was this serial ever issued? Answered from the order's one row, by undoing the permutation that made the serial."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from central.codes import order_secrets, orders_storage
from central.codes.orders import Issue, Order, OrderState
from central.database import Connection
from protocol.codes.short import ALPHABET, TAG_CHARACTERS


def issued(connection: Connection, directory: Path, gtin: str, serial: str) -> Issue | None:
    """The issue of a code; None for one that was never issued, or whose order was cancelled.

    ``gtin``: 14 digits; ``serial``: of a signed label (14 characters) or the whole token of a short code (20); ``directory``:
    ``authority.directory`` of the configuration. The numbers of an order that is still being written count as issued.
    Raises :class:`~central.codes.orders.OrderError` where the code is of an order whose secret is not on this machine.
    """
    return issued_of(connection, directory, [(gtin, serial)]).get((gtin, serial))


def issued_of(
    connection: Connection, directory: Path, codes: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Issue]:
    """The same for many: (gtin, serial) -> its issue, of those that were issued. One query, whatever their number."""
    wanted = [(gtin, serial) for gtin, serial in codes if _may_be_ours(serial)]
    if not wanted:
        return {}
    orders = orders_storage.find_all(connection, {serial[:TAG_CHARACTERS] for _, serial in wanted})
    found = {}
    for gtin, serial in wanted:
        order = orders.get(serial[:TAG_CHARACTERS])
        number = _number(directory, order, gtin, serial) if order else None
        if order is not None and number is not None:
            found[gtin, serial] = _issue(order, number, serial)
    return found


def number_of(directory: Path, order: Order, gtin: str, serial: str) -> int | None:
    """The running number of a code in an order; None where it is not one of the order's codes, or the order was cancelled."""
    return _number(directory, order, gtin, serial) if _may_be_ours(serial) else None


def _may_be_ours(serial: str) -> bool:
    return len(serial) > TAG_CHARACTERS and set(serial[:TAG_CHARACTERS]) <= set(ALPHABET)


def _number(directory: Path, order: Order, gtin: str, serial: str) -> int | None:
    if order.gtin != gtin or order.state is OrderState.CANCELLED:
        return None
    serials = order_secrets.serials_of(order_secrets.load(directory), order)
    number = serials.number(serial)
    return number if number is not None and number <= order.count else None


def _issue(order: Order, number: int, serial: str) -> Issue:
    return Issue(
        tag=order.tag,
        number=number,
        gtin=order.gtin,
        serial=serial,
        batch=order.batch,
        expiry=order.expiry,
        format=order.format,
    )
