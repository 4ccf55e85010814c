"""Text on a roll of paper with a fixed number of columns, in which an ideograph takes two. Pure."""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

Align = Literal["left", "center"]


class Text(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One line, at most as wide as the paper. ``big`` is twice as high, and no wider."""

    text: str
    align: Align = "left"
    bold: bool = False
    big: bool = False


class Qr(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A QR code, in the middle."""

    content: str


Line = Text | Qr


def width(text: str) -> int:
    """Columns that a text takes: two for wide and full-width characters, none for marks that combine (UAX #11)."""
    return sum(_width(sign) for sign in text)


def _width(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in {"W", "F"} else 1


def cut(text: str, columns: int) -> str:
    """As much of a text as fits; a wide character is never halved."""
    kept, used = [], 0
    for sign in text:
        used += _width(sign)
        if used > columns:
            break
        kept.append(sign)
    return "".join(kept)


def printable(text: str) -> str:
    """Without control characters: a name must not be able to speak to the printer. Spaces and line ends become one space."""
    seen = "".join(" " if sign.isspace() else sign for sign in text)
    return " ".join("".join(sign for sign in seen if unicodedata.category(sign)[0] != "C").split())


def wrap(text: str, columns: int) -> list[str]:
    """The lines of a text: broken between words, within one only where it is wider than the paper or written without spaces."""
    lines: list[str] = []
    rest = printable(text)
    while width(rest) > columns:
        line = cut(rest, columns)
        space = line.rfind(" ")
        following = rest[len(line)]
        if following != " " and space > 0 and _width(following) == 1 and _width(line[-1]) == 1:
            line = line[:space]
        lines.append(line.rstrip())
        rest = rest[len(line) :].lstrip()
    return [*lines, rest] if rest else lines


def in_two(left: str, right: str, columns: int, indent: int = 0) -> list[str]:
    """A text, and an amount at the right edge of its last line; on a line of its own where they do not fit beside each other."""
    room = columns - width(right) - 1
    lines = [" " * indent + line for line in wrap(left, columns - indent)]
    if not lines or width(lines[-1]) > room:
        lines.append("")
    last = lines[-1]
    return [*lines[:-1], last + " " * (columns - width(last) - width(right)) + right]
