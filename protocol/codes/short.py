"""Short codes: a token of 20 capitals and digits, for labels that have no room for a signature.

``TTTT RRRRRRRRRR MMMMMM`` without the spaces: the tag of the issuing order (4), a random part (10 characters, 50 bits) and the tail of a MAC
(6 characters, 30 bits: HMAC-SHA256 over tag and random part, with a key of that order alone). The alphabet is that of Crockford's base 32, which
leaves out I, L, O and U. The whole token is the item's serial (AI 21 takes 20 characters); its product, batch and expiry are those of
the order, which agents know from the ``code_orders`` feed. Printed alone or at the end of a web address.

A tag begins with a letter. So no token is a number, such as a phone's payment code, and none begins with an Application Identifier:
whoever meets one without knowing the order refuses it and reads nothing else into it.
"""

from __future__ import annotations

import hmac
import re

import msgspec

from protocol.codes import symbology
from protocol.codes.code import Code

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = ALPHABET[10:]
TAG_CHARACTERS = 4
RANDOM_CHARACTERS = 10
MAC_CHARACTERS = 6
TOKEN_CHARACTERS = TAG_CHARACTERS + RANDOM_CHARACTERS + MAC_CHARACTERS
_LONGEST_ADDRESS = 2048
_TAG = re.compile(rf"[{LETTERS}][{ALPHABET}]{{{TAG_CHARACTERS - 1}}}")
_TOKEN = re.compile(rf"[{LETTERS}][{ALPHABET}]{{{TOKEN_CHARACTERS - 1}}}")
_ADDRESS = re.compile(r"(?i:https?)://[^/?#]+/(?P<path>[^?#]*)(?:[?#].*)?")
_FRAMING = " \t\r\n\0"


class ShortCode(msgspec.Struct, frozen=True, kw_only=True):
    """A token, taken apart."""

    tag: str
    random: str
    mac: str

    @property
    def token(self) -> str:
        """The whole token: the serial of its item."""
        return f"{self.tag}{self.random}{self.mac}"


def is_tag(text: str) -> bool:
    """Whether an issuing order may have this tag."""
    return _TAG.fullmatch(text) is not None


def parse_short(text: str) -> ShortCode | None:
    """The short code in ``text``, alone or as the last part of the path of a web address; None where there is none."""
    if len(text) > _LONGEST_ADDRESS:
        return None
    address = _ADDRESS.fullmatch(text)
    token = address["path"].rstrip("/").rpartition("/")[2] if address else text
    if not _TOKEN.fullmatch(token):
        return None
    random_end = TAG_CHARACTERS + RANDOM_CHARACTERS
    return ShortCode(
        tag=token[:TAG_CHARACTERS], random=token[TAG_CHARACTERS:random_end], mac=token[random_end:]
    )


def short_in_scan(raw: bytes | str) -> ShortCode | None:
    """The same of what a scanner sent: with line ends around it, and perhaps an AIM symbology identifier in front."""
    text = raw if isinstance(raw, str) else raw.decode("ascii", "replace")
    text = text.strip(_FRAMING)
    if text.startswith("]") and symbology.of_identifier(text) is not None:
        text = text[3:]
    return parse_short(text)


def code_of_short(
    short: ShortCode, *, gtin: str, batch: str | None, expiry: str | None, words: str | None = None
) -> Code:
    """The item a token names, by what its order says. ``words``: the symbology it was read from, where known."""
    return Code(
        kind="sgtin",
        gtin=gtin,
        serial=short.token,
        batch=batch,
        expiry=expiry,
        item=f"01{gtin}21{short.token}",
        symbology=words,
    )


def mac_of(tag: str, random: str, key: bytes) -> str:
    """The MAC tail of a token."""
    digest = int.from_bytes(hmac.digest(key, f"{tag}{random}".encode(), "sha256")[:8], "big")
    return in_alphabet(digest >> (64 - 5 * MAC_CHARACTERS), MAC_CHARACTERS)


def is_sound(code: ShortCode, key: bytes) -> bool:
    """Whether the token was made with the order's key."""
    return hmac.compare_digest(code.mac.encode(), mac_of(code.tag, code.random, key).encode())


def in_alphabet(number: int, characters: int) -> str:
    """A number in so many characters of the alphabet, the highest digit first."""
    return "".join(ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(characters)))
