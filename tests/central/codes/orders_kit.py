"""Orders for tests, with secrets and a key of their own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.codes.labels import Labels
from central.codes.order_secrets import secrets_of, serials_of
from central.codes.orders import Format, Order, OrderState

GTIN = "04012345678901"
KEY_ID = "K7AB"
MASTER = b"m" * 32
TODAY = date(2026, 11, 21)
KEY = Ed25519PrivateKey.from_private_bytes(b"p" * 32)


def order(form: Format = Format.SGTIN, **changes: Any) -> Order:
    """An order that was placed today."""
    tag = changes.get("tag", "A7K2")
    fields: dict[str, Any] = {
        "tag": tag,
        "gtin": GTIN,
        "count": 1000,
        "format": form,
        "batch": "LOT7",
        "expiry": date(2027, 12, 31),
        "domain": "https://id.example.com" if form is Format.DIGITAL_LINK else None,
        "key_id": None if form is Format.SHORT else KEY_ID,
        "signed_on": TODAY,
        "secrets_check": secrets_of(MASTER, tag).check,
        "state": OrderState.OPEN,
        "written": 0,
        "commissioned": 0,
        "file": None,
        "placed_by": "test",
        "placed_at": datetime(2026, 11, 21, tzinfo=UTC),
    }
    return Order(**{**fields, **changes})


def labels(of: Order) -> Labels:
    """The labels of an order."""
    return Labels(of, serials_of(MASTER, of), None if of.format is Format.SHORT else KEY.sign)
