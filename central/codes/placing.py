"""Placing and cancelling orders of codes: each is one transaction, with its note in the audit log and what agents hear of it."""

from __future__ import annotations

import secrets
from base64 import b64encode
from datetime import date
from pathlib import Path

from central.actors import By
from central.codes import keys, orders_storage
from central.codes.key_rules import Purpose, Refused
from central.codes.labels import Labels
from central.codes.order_secrets import OrderSecrets, load, open_or_create, secrets_of, serials_of
from central.codes.orders import Asked, Format, Order, OrderError, OrderState, fault_of
from central.database import Connection
from central.feeds import publish
from central.imports.rules import Wrong
from central.products import storage as products
from protocol.codes.short import ALPHABET, LETTERS, TAG_CHARACTERS
from protocol.feeds import CodeOrder, Feed, body_encoder

EVERYONE = ""
"""The scope of the feed: short codes may turn up anywhere."""


def place(
    connection: Connection,
    directory: Path,
    asked: Asked,
    by: By,
    *,
    share_mac_key: bool = True,
    file: str | None = None,
) -> Order | Wrong:
    """A new order, open; what is wrong with it where it cannot be placed.

    ``directory``: ``authority.directory`` of the configuration. ``share_mac_key``: whether counters may prove short codes by themselves.
    Raises :class:`~central.codes.orders.OrderError` where the secret of earlier orders is not on this machine.
    """
    today = by.at.date()
    fault = fault_of(asked, today) or _fault_of_product(connection, asked.gtin)
    if fault is not None:
        return fault
    # One at a time, so that two first orders do not make two secrets.
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('code_orders', 0))")
    master = load(directory) if orders_storage.are_there_any(connection) else open_or_create(directory)
    key_id = (
        None
        if asked.format is Format.SHORT
        else keys.signer(connection, directory, Purpose.CODES, today).key_id
    )
    while True:
        tag = _new_tag()
        found = secrets_of(master, tag)
        order = _placed(asked, tag, key_id, today, found, by, file)
        if orders_storage.add(connection, order):
            break
    if asked.format is Format.SHORT:
        _publish(connection, order, found if share_mac_key else None)
    detail = {"gtin": asked.gtin, "count": asked.count, "format": asked.format.value}
    orders_storage.note(connection, by, "issue", tag, detail)
    return order


def cancel(connection: Connection, tag: str, by: By) -> Order | Wrong | None:
    """From now on the codes of an order count as never issued. None: there is no such order."""
    order = orders_storage.lock(connection, tag)
    if order is None:
        return None
    if not by.reason or not by.reason.strip():
        return Wrong("reason", "", "why the order is cancelled")
    if order.state is OrderState.CANCELLED:
        return Wrong("order", tag, f"one that is not cancelled yet; it was, because: {order.reason}")
    if order.commissioned:
        return Wrong(
            "order",
            tag,
            f"one of which nothing is on products; {order.commissioned:,} codes are, recall those items instead",
        )
    orders_storage.cancel(connection, tag, by)
    if order.format is Format.SHORT:
        _publish(connection, order, None, revoked=True)
    orders_storage.note(connection, by, "cancel", tag, {})
    return orders_storage.find(connection, tag)


def open_labels(connection: Connection, directory: Path, order: Order) -> Labels:
    """The labels of an order, signed with its key. Raises :class:`OrderError` where they cannot be made (any more)."""
    if order.state is OrderState.CANCELLED:
        raise OrderError(f"order {order.tag} was cancelled: {order.reason}; its codes count as never issued")
    serials = serials_of(load(directory), order)
    if order.key_id is None:
        return Labels(order, serials, None)
    signer = keys.signer_of(connection, directory, order.key_id)
    if isinstance(signer, Refused):
        raise OrderError(
            f"order {order.tag}: {signer.reason}; cancel the order, and order anew what has not been printed"
        )
    return Labels(order, serials, signer.sign)


def _fault_of_product(connection: Connection, gtin: str) -> Wrong | None:
    if products.unknown(connection, [gtin]):
        return Wrong("gtin", gtin, "a product that is in the catalogue; add it first")
    return None


def _placed(
    asked: Asked, tag: str, key_id: str | None, today: date, found: OrderSecrets, by: By, file: str | None
) -> Order:
    return Order(
        tag=tag,
        gtin=asked.gtin,
        count=asked.count,
        format=asked.format,
        batch=asked.batch,
        expiry=asked.expiry,
        domain=asked.domain,
        key_id=key_id,
        signed_on=today,
        secrets_check=found.check,
        state=OrderState.OPEN,
        written=0,
        commissioned=0,
        file=file,
        placed_by=by.actor,
        placed_at=by.at,
    )


def _new_tag() -> str:
    return secrets.choice(LETTERS) + "".join(secrets.choice(ALPHABET) for _ in range(TAG_CHARACTERS - 1))


def _publish(
    connection: Connection, order: Order, found: OrderSecrets | None, *, revoked: bool = False
) -> None:
    row = CodeOrder(
        tag=order.tag,
        gtin=order.gtin,
        batch=order.batch,
        expiry=order.expiry.isoformat() if order.expiry else None,
        mac_key=b64encode(found.mac_key).decode() if found else None,
        revoked=revoked,
    )
    publish(connection, Feed.CODE_ORDERS, EVERYONE, [(order.tag, body_encoder.encode(row))])
