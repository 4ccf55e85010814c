"""The brand's signatures, checked at the counter: signed labels, short codes, filters.

The public keys come in the feed ``keys``, the orders of short codes in ``code_orders``. A revocation is obeyed within a second of
its arrival; a key that is not here is never called forged, because the feed may be behind.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from datetime import date

import msgspec

from agent.clock import Clock
from agent.identity.keys import brand_key
from agent.verification.known_rows import FeedView, KnownRows
from agent.verification.proofs import (
    CODES,
    NOTHING,
    Proof,
    against_key,
    against_order,
    is_of_order,
    signed_in_time,
)
from protocol.codes import Code
from protocol.codes.short import ShortCode, code_of_short, is_sound, parse_short, short_in_scan
from protocol.codes.signed import (
    BadTail,
    Tail,
    has_lost_its_case,
    misreadings,
    read_tail,
    signed_bytes_of,
)
from protocol.feeds import CodeKey, CodeOrder, Feed

_key_decoder = msgspec.json.Decoder(CodeKey)
_order_decoder = msgspec.json.Decoder(CodeOrder)


class _Key(msgspec.Struct, frozen=True):
    """A key, ready to check with. ``is_signed`` takes a signature and the data; None: a row that holds no key."""

    row: CodeKey
    is_signed: Callable[[bytes, bytes], bool] | None

    def has_signed(self, signature: bytes, data: bytes) -> bool:
        return self.is_signed is not None and self.is_signed(signature, data)


class _Order(msgspec.Struct, frozen=True):
    """An order of short codes. ``mac_key`` is None where counters are not trusted with it."""

    row: CodeOrder
    mac_key: bytes | None


class Signatures:
    """Checks what the brand signed. Thread-safe."""

    def __init__(self, replica: FeedView, clock: Clock) -> None:
        self._keys = KnownRows(replica, clock, Feed.KEYS, _unpacked_key)
        self._orders = KnownRows(replica, clock, Feed.CODE_ORDERS, _unpacked_order)

    def prove(self, code: Code) -> Proof:
        """What the signed part of a label proves, or the MAC of a short code that :meth:`resolve_short` has made an item."""
        tail = read_tail(code)
        if tail is None:
            proof = self._prove_short(code)
        elif isinstance(tail, BadTail):
            proof = self._prove_bad(tail)
        else:
            proof = self._prove_tail(code, tail)
        if proof.kind in ("none", "unknown_key", "forged"):
            return self._garbled(code) or proof
        return proof

    def resolve_short(self, code: Code, raw: bytes | str | None = None) -> Code:
        """The item behind a short code whose order is known here; any other code unchanged.

        ``raw``: what was scanned. With it a token is found that no configured pattern announces: alone, or at the end of a web
        address. What the recogniser does believe stands, unless the MAC says otherwise: a compressed Digital Link may look so too.
        """
        short = _token(code, raw)
        order = self._orders.get(short.tag) if short is not None else None
        if short is None or order is None or code.serial == short.token:
            return code
        is_open = code.kind == "private" or code.refusal_cause == "not_recognised"
        if not is_open and not _is_made_for(order, short):
            return code
        if code.kind == "private" and code.gtin not in (None, order.row.gtin):
            return code
        row = order.row
        return code_of_short(short, gtin=row.gtin, batch=row.batch, expiry=row.expiry, words=code.symbology)

    def verifies(self, key_id: str, data: bytes, signature: bytes, purpose: str, day: date) -> bool:
        """Whether ``signature`` over ``data`` was made with this key, and the key was good for ``purpose`` on ``day``."""
        key = self._keys.get(key_id)
        return (
            key is not None
            and against_key(key.row, purpose) is None
            and signed_in_time(key.row, day)
            and key.has_signed(signature, data)
        )

    def _prove_tail(self, code: Code, tail: Tail) -> Proof:
        key = self._keys.get(tail.key_id)
        if key is None:
            return _unknown(tail.key_id)
        against = against_key(key.row, CODES)
        if against is not None:
            return against
        if not key.has_signed(tail.signature, signed_bytes_of(code, tail)):
            reason = "its signature is wrong: the label was altered, or is not the brand's"
            return Proof(kind="forged", reason=reason, key_id=tail.key_id)
        day = tail.day.isoformat()
        if not signed_in_time(key.row, tail.day):
            reason = f"it is signed as of {day}, when its key did not sign"
            return Proof(kind="forged", reason=reason, key_id=tail.key_id)
        return Proof(kind="sound", reason=f"signed by the brand on {day}", key_id=tail.key_id, day=day)

    def _prove_bad(self, tail: BadTail) -> Proof:
        if self._keys.get(tail.key_id) is None:
            return _unknown(tail.key_id)
        return Proof(kind="forged", reason=tail.reason, key_id=tail.key_id)

    def _prove_short(self, code: Code) -> Proof:
        short = parse_short(code.serial) if code.serial is not None else None
        order = self._orders.get(short.tag) if short is not None else None
        if short is None or order is None or not is_of_order(code, short, order.row):
            return NOTHING
        against = against_order(code, order.row)
        if against is not None:
            return against
        if order.mac_key is None:
            return Proof(kind="none", reason="a short code that central alone can prove")
        if not is_sound(short, order.mac_key):
            return Proof(
                kind="forged",
                reason="the last characters of its code do not fit: mistyped, or not the brand's",
            )
        return Proof(kind="sound", reason="its code was made with the key of its order")

    def _garbled(self, code: Code) -> Proof | None:
        """Whether the label would be good if a scanner or keyboard had not changed its letters."""
        for meant, how in misreadings(code):
            tail = read_tail(meant)
            if isinstance(tail, Tail) and self._prove_tail(meant, tail).kind == "sound":
                return Proof(kind="unreadable", reason=f"its code was garbled, {how}", key_id=tail.key_id)
        tail = read_tail(code) if has_lost_its_case(code) else None
        if tail is not None and self._keys.get(tail.key_id.upper()) is not None:
            reason = "its code was garbled, all letters came in one case: set the scanner to leave them as they are"
            return Proof(kind="unreadable", reason=reason, key_id=tail.key_id.upper())
        return None


def _token(code: Code, raw: bytes | str | None) -> ShortCode | None:
    """The token in what was scanned, else in what a configured pattern took out of it."""
    found = short_in_scan(raw) if raw is not None else None
    if found is None and code.kind == "private" and code.item is not None:
        found = parse_short(code.item.removeprefix("private:"))
    return found


def _is_made_for(order: _Order, short: ShortCode) -> bool:
    return order.mac_key is not None and is_sound(short, order.mac_key)


def _unknown(key_id: str) -> Proof:
    return Proof(kind="unknown_key", reason="the key that signed it is not known here", key_id=key_id)


def _unpacked_key(body: bytes) -> _Key:
    row = _key_decoder.decode(body)
    return _Key(row, brand_key(_from_base64(row.public_key)))


def _unpacked_order(body: bytes) -> _Order:
    row = _order_decoder.decode(body)
    return _Order(row, (_from_base64(row.mac_key) or None) if row.mac_key else None)


def _from_base64(text: str) -> bytes:
    """The bytes; none for a text that is no base64: such a key has signed nothing."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b""
