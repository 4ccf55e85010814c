"""The secrets of orders: derived from one file, so that they stand in no database and need no list.

``code-keys/order-secret`` lies beside the keys that sign codes: 32 bytes of chance in hexadecimal, readable by its owner alone (0600). From it HKDF (RFC 5869,
SHA-256) makes the keys of each order, by its tag. Who has it can tell which serials were issued and can make short codes: it is kept and backed
up like the signing keys. Without it nobody can tell a serial that was issued from one that was not.
"""

from __future__ import annotations

import hmac
import secrets
from functools import lru_cache
from pathlib import Path

import msgspec

from central.authority.files import write_whole
from central.codes.key_files import FOLDER
from central.codes.orders import Format, Order, OrderError
from central.codes.serials import KEY_BYTES, Serials

SECRET_FILE = "order-secret"  # noqa: S105 - the name of a file
_SECRET_BYTES = 32
_CHECK_BYTES = 8
_PURPOSE = b"countermark code orders 1"


class OrderSecretError(OrderError):
    """The master secret is not here, or not the right one."""


class OrderSecrets(msgspec.Struct, frozen=True):
    """What an order's codes are made with. ``check`` tells nothing of the keys, and whether they are the right ones."""

    serial_key: bytes
    mac_key: bytes
    check: bytes


def path_of(directory: Path) -> Path:
    """Where the master secret is kept. ``directory``: ``authority.directory`` of the configuration."""
    return directory / FOLDER / SECRET_FILE


def open_or_create(directory: Path) -> bytes:
    """The master secret; a new one if there is none yet. Whoever calls this keeps others from doing so at the same moment."""
    path = path_of(directory)
    if not path.exists():
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, f"{secrets.token_hex(_SECRET_BYTES)}\n".encode(), mode=0o600)
        except OSError as error:
            raise OrderSecretError(
                f"{path}: {error.strerror}; expected a directory that this account may write to"
            ) from None
    return load(directory)


def load(directory: Path) -> bytes:
    """The master secret, or :class:`OrderSecretError`."""
    path = path_of(directory)
    try:
        text = path.read_text(encoding="ascii").strip()
        secret = bytes.fromhex(text)
    except OSError as error:
        raise OrderSecretError(
            f"{path}: {error.strerror}; expected the secret that codes were issued with; restore it from a backup"
        ) from None
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise OrderSecretError(
            f"{path}: not {_SECRET_BYTES} bytes in hexadecimal; restore the file from a backup, it cannot be made anew"
        )
    return secret


def secrets_of(master: bytes, tag: str) -> OrderSecrets:
    """The secrets of one order."""
    return OrderSecrets(
        serial_key=hkdf(master, b"serials " + tag.encode(), KEY_BYTES),
        mac_key=hkdf(master, b"short codes " + tag.encode(), KEY_BYTES),
        check=hkdf(master, b"check " + tag.encode(), _CHECK_BYTES),
    )


def serials_of(master: bytes, order: Order) -> Serials:
    """The serials of an order, or :class:`OrderSecretError` where the secret at hand is not the one it was placed with."""
    found = secrets_of(master, order.tag)
    if not hmac.compare_digest(found.check, order.secrets_check):
        raise OrderSecretError(
            f"order {order.tag}: the file {SECRET_FILE} is not the one that its codes were issued with; restore that one from a backup"
        )
    return _serials(order.tag, found.serial_key, found.mac_key if order.format is Format.SHORT else None)


def hkdf(master: bytes, info: bytes, length: int, salt: bytes = _PURPOSE) -> bytes:
    """HKDF with SHA-256 (RFC 5869), up to 32 bytes: the first block of its output."""
    assert length <= 32
    extracted = hmac.digest(salt, master, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")[:length]


@lru_cache(maxsize=256)
def _serials(tag: str, serial_key: bytes, mac_key: bytes | None) -> Serials:
    return Serials(tag, serial_key, mac_key)
