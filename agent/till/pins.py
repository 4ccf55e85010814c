"""PINs of supervisors, kept as salted scrypt hashes (RFC 7914): a configuration that is read by the wrong eyes gives none away at once.

A PIN is short. What keeps it from being tried out at the counter is :mod:`agent.till.supervisors`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode

from agent.errors import AgentError

PIN_LENGTHS = range(4, 33)
_LOG2_COST = 14  # 16 MiB and some 50 ms on a PC
_BLOCK_SIZE = 8
_PARALLEL = 1
_SALT_BYTES = 16
_HASH_BYTES = 32
_WRITTEN = re.compile(
    r"scrypt\$(?P<cost>1[0-9])\$(?P<salt>[A-Za-z0-9+/]{22}==)\$(?P<hash>[A-Za-z0-9+/]{43}=)"
)


class BadPin(AgentError):
    """A PIN that is not taken."""


def hash_pin(pin: str) -> str:
    """A PIN as it stands in a configuration: ``scrypt$14$<salt>$<hash>``. Raises :class:`BadPin`."""
    if len(pin) not in PIN_LENGTHS or not (pin.isascii() and pin.isdigit()):
        raise BadPin(
            f"a PIN of {len(pin)} characters; expected {PIN_LENGTHS.start} to {PIN_LENGTHS.stop - 1} digits"
        )
    salt = secrets.token_bytes(_SALT_BYTES)
    derived = _derive(pin, salt, _LOG2_COST)
    return f"scrypt${_LOG2_COST}${b64encode(salt).decode()}${b64encode(derived).decode()}"


def is_pin_hash(written: str) -> bool:
    """Whether this is a hash as :func:`hash_pin` writes them."""
    return _WRITTEN.fullmatch(written) is not None


def fits(pin: str, written: str) -> bool:
    """Whether a PIN is the one behind a hash. Takes as long as the hash is worth."""
    match = _WRITTEN.fullmatch(written)
    if match is None:
        return False
    derived = _derive(pin, b64decode(match["salt"]), int(match["cost"]))
    return hmac.compare_digest(derived, b64decode(match["hash"]))


def _derive(pin: str, salt: bytes, log2_cost: int) -> bytes:
    memory = 128 * _BLOCK_SIZE * (1 << log2_cost)
    return hashlib.scrypt(
        pin.encode(),
        salt=salt,
        n=1 << log2_cost,
        r=_BLOCK_SIZE,
        p=_PARALLEL,
        maxmem=2 * memory,
        dklen=_HASH_BYTES,
    )
