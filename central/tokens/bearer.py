"""What a token is: 256 random bits behind a prefix, kept as their SHA-256. Nothing slower is needed for what nobody can guess."""

from __future__ import annotations

import hashlib
import secrets
from enum import StrEnum

TOKEN_PREFIX = "cmk_"  # noqa: S105 - what every token begins with, so that a scanner for leaked secrets finds it


class Role(StrEnum):
    """What a token may be used for."""

    BRAND = "brand"
    AUDITOR = "auditor"
    DEALER = "dealer"
    STORE = "store"


def new_token() -> str:
    """A token, to be shown once."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
