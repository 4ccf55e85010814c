"""The keys by which the brand vouches for its codes and filters: Ed25519 (RFC 8032). Nothing here touches a file."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from central.authority.certificates import AuthorityError

Sign = Callable[[bytes], bytes]
"""Data -> its signature, 64 bytes; the same data always gives the same signature."""


def make_signing_key() -> tuple[bytes, bytes]:
    """A new key: the private half (PKCS 8, PEM, not encrypted) and the public one (32 bytes)."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, key.public_key().public_bytes_raw()


def load_signing_key(pem: bytes) -> tuple[Sign, bytes]:
    """What signs with a private key, and its public half; :class:`AuthorityError` for anything else."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise AuthorityError(f"signing key: cannot be read ({error}); expected PKCS 8 as PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise AuthorityError(f"signing key: {type(key).__name__} found, expected an Ed25519 key")
    return key.sign, key.public_key().public_bytes_raw()


def is_signed(public_key: bytes, data: bytes, signature: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made with the private half of ``public_key`` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
