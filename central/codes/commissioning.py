"""Commissioning: codes of an order have been put on products that stand at a site (EPCIS: commissioning, active).

What that makes of an item is said by :mod:`central.items.registration`. Only codes that the order has issued are taken. Doing it again changes nothing:
an item that has a life already keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from central.actors import By
from central.codes import order_secrets, orders_storage
from central.codes.finding import number_of
from central.codes.orders import Order, OrderError, OrderState
from central.database import Connection, Database
from central.items.registration import Batch, register
from protocol.codes import parse_typed, recognise
from protocol.codes.short import parse_short

ITEMS_A_TRANSACTION = 5_000
ITEMS_LIMIT = 10_000
"""Items in one request."""


class Refused(msgspec.Struct, frozen=True):
    """A line that names no code of the order. It is told by its number: codes stand in no log."""

    line: int
    reason: str


class Commissioned(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it. ``known``: had a life before, and keep it."""

    commissioned: int
    known: int
    refused: tuple[Refused, ...] = ()


def read_items(
    directory: Path, order: Order, lines: Iterable[str]
) -> tuple[tuple[str, ...], tuple[Refused, ...]]:
    """The serials in lines of text, each in its order once, and the lines that name none of the order's codes.

    A line is a code as it was scanned or typed, or an item's id, a serial, or a line of the order's own file.
    """
    serials: dict[str, None] = {}
    refused = []
    for line, text in enumerate(lines, 1):
        stripped = text.strip(" \t\r\n\ufeff")
        if not stripped or (line == 1 and stripped.startswith("number,item,")):
            continue
        serial = _serial_in(stripped, order)
        if serial is None:
            refused.append(Refused(line, "no single item of this product is named"))
        elif number_of(directory, order, order.gtin, serial) is None:
            refused.append(Refused(line, f"not issued by order {order.tag}"))
        else:
            serials[serial] = None
    return tuple(serials), tuple(refused)


def serials_between(directory: Path, order: Order, first: int, last: int) -> Iterator[str]:
    """The serials of running numbers, both included. Raises :class:`OrderError` for numbers that the order has not got."""
    if not 1 <= first <= last <= order.count:
        raise OrderError(
            f"order {order.tag}: codes {first} to {last}: expected numbers from 1 to {order.count}, the lower one first"
        )
    serials = order_secrets.serials_of(order_secrets.load(directory), order)
    return map(serials.serial, range(first, last + 1))


def commission(
    connection: Connection, order: Order, site: str, serials: Sequence[str], by: By
) -> Commissioned | None:
    """Put codes of an order on products at a site, in one transaction. None if there is no such site for this caller."""
    current = orders_storage.lock(connection, order.tag)
    if current is None or current.state is OrderState.CANCELLED:
        raise OrderError(f"order {order.tag} was cancelled: its codes count as never issued")
    batch = Batch(gtin=order.gtin, serials=tuple(serials), site=site, batch=order.batch, expiry=order.expiry)
    done = register(connection, batch, f"code-order:{order.tag}", by.at)
    if done is None:
        return None
    orders_storage.note_commissioned(connection, order.tag, len(done.items))
    orders_storage.note(
        connection,
        by,
        "commission",
        order.tag,
        {"site": site, "items": len(done.items), "known": len(done.known)},
    )
    return Commissioned(commissioned=len(done.items), known=len(done.known))


def commission_all(
    database: Database, order: Order, site: str, serials: Iterable[str], by: By, told: Callable[[int], None]
) -> Commissioned:
    """The same for any number, some thousands in a transaction: cut off, it may be done again. ``told``: how many are done."""
    commissioned = known = 0
    for some in _groups(serials, ITEMS_A_TRANSACTION):
        done = database.run(lambda connection, some=some: commission(connection, order, site, some, by))  # type: ignore[misc]
        if done is None:
            raise OrderError(f"site {site!r}: not known here; see: GET /v1/sites")
        commissioned, known = commissioned + done.commissioned, known + done.known
        told(commissioned + known)
    return Commissioned(commissioned=commissioned, known=known)


def _groups(serials: Iterable[str], size: int) -> Iterator[list[str]]:
    group: list[str] = []
    for serial in serials:
        group.append(serial)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _serial_in(text: str, order: Order) -> str | None:
    """The serial that a line names, of the order's product; None where it names none."""
    own_line = text.split(",")
    if len(own_line) >= 4 and own_line[0].isdigit():
        text = own_line[1]
    prefix = f"01{order.gtin}21"
    short = parse_short(text)
    if short is not None:
        return short.token
    if text.startswith(order.tag):
        return text
    item = recognise(parse_typed(text)).item
    if item is None or not item.startswith(prefix):
        return None
    return item.removeprefix(prefix)
