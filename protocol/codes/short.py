"""Short codes: a token of 20 capitals and digits, for labels that have no room for a signature.

``TTTT RRRRRRRRRR MMMMMM`` without the spaces: the tag of the issuing order (4), a random part (10 characters, 50 bits) and the tail of a MAC
(6 characters, 30 bits: HMAC-SHA256 over tag and random part, with a key of that order alone). The alphabet is that of Crockford's base 32, which
leaves out I, L, O and U. The whole token is the item's serial (AI 21 takes 20 characters); its product, batch and expiry are those of
the order, which agents know from the ``code_orders`` feed. Printed alone or at the end of a web address.
"""

from __future__ import annotations

import hmac
import re

import msgspec

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TAG_CHARACTERS = 4
RANDOM_CHARACTERS = 10
MAC_CHARACTERS = 6
TOKEN_CHARACTERS = TAG_CHARACTERS + RANDOM_CHARACTERS + MAC_CHARACTERS
_TOKEN = re.compile(rf"[{ALPHABET}]{{{TOKEN_CHARACTERS}}}")


class ShortCode(msgspec.Struct, frozen=True, kw_only=True):
    """A token, taken apart."""

    tag: str
    random: str
    mac: str

    @property
    def token(self) -> str:
        """The whole token: the serial of its item."""
        return f"{self.tag}{self.random}{self.mac}"


def parse_short(text: str) -> ShortCode | None:
    """The short code in ``text`` (alone, or the last part of a web address); None where there is none. Digits alone are none."""
    token = text.rsplit("/", 1)[-1]
    if not _TOKEN.fullmatch(token) or token.isdigit():
        return None
    random_end = TAG_CHARACTERS + RANDOM_CHARACTERS
    return ShortCode(
        tag=token[:TAG_CHARACTERS], random=token[TAG_CHARACTERS:random_end], mac=token[random_end:]
    )


def mac_of(tag: str, random: str, key: bytes) -> str:
    """The MAC tail of a token."""
    digest = int.from_bytes(hmac.digest(key, f"{tag}{random}".encode(), "sha256")[:8], "big")
    return in_alphabet(digest >> (64 - 5 * MAC_CHARACTERS), MAC_CHARACTERS)


def is_sound(code: ShortCode, key: bytes) -> bool:
    """Whether the token was made with the order's key."""
    return hmac.compare_digest(code.mac, mac_of(code.tag, code.random, key))


def in_alphabet(number: int, characters: int) -> str:
    """A number in so many characters of the alphabet, the highest digit first."""
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(characters)))
