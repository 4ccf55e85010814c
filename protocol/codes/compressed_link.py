"""The compressed form of a GS1 Digital Link (GS1 Digital Link Standard 1.1 and 1.2, section on compression).

A path segment of base64url characters is a row of bits, six from each. In it stand: an Application Identifier,
four bits a digit, or a two-digit hexadecimal code for a usual combination of them, or `F` for a key of the
query; then the values, shaped by the identifier's format. Digits take as few bits as their number needs;
other values say in three bits which alphabet they use, and then their length.
"""

from __future__ import annotations

import math
import string

from protocol.codes.application_identifiers import ApplicationIdentifier, Component, identifier_of
from protocol.codes.elements import Elements

_BASE64URL = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_ALPHABETS = {
    1: "0123456789abcdef",
    2: "0123456789ABCDEF",
    3: _BASE64URL,
    4: "".join(map(chr, range(128))),
}  # fmt: skip
"""Value of the three encoding bits -> the characters, 4, 6 or 7 bits each. 0 is a number in decimal digits."""

_COMBINATIONS: dict[str, tuple[str, ...]] = {
    "0A": ("01", "22"), "0B": ("01", "10"), "0C": ("01", "21"), "0D": ("01", "17"), "0E": ("01", "7003"),
    "0F": ("01", "30"), "1A": ("01", "10", "21", "17"), "1B": ("01", "15"), "1C": ("01", "11"),
    "1D": ("01", "16"), "1E": ("01", "91"), "1F": ("01", "10", "15"),
    **{f"2{'ABCDEF'[n]}": ("01", f"310{n}") for n in range(6)},
    **{f"3{'ABCDEF'[n]}": ("01", f"320{n}") for n in range(6)},
    "9A": ("8010", "8011"), "9B": ("8017", "8019"), "9C": ("8018", "8019"), "9D": ("414", "254"),
    **{f"A{n}": ("01", f"392{n}") for n in range(10)},
    **{f"C{n}": ("255", f"390{n}") for n in range(10)},
    **{f"C{'ABCD'[n]}": ("255", f"394{n}") for n in range(4)},
}  # fmt: skip
"""The standard's optimisations: two hexadecimal digits for a row of identifiers."""


class _Bits:
    """Bits read from the left. Reading past the end gives zeros and marks the whole as unsound."""

    def __init__(self, segment: str) -> None:
        self._bits = "".join(f"{_BASE64URL.index(character):06b}" for character in segment)
        self._at = 0
        self.sound = True

    def remaining(self) -> int:
        return len(self._bits) - self._at

    def peek(self, count: int) -> str:
        return self._bits[self._at : self._at + count]

    def take(self, count: int) -> int:
        bits = self.peek(count)
        self._at += count
        if len(bits) < count:
            self.sound = False
        return int(bits or "0", 2)


def decompress(segment: str) -> list[Elements]:
    """What a compressed segment says: one reading, none where it is not sound, or two.

    Two, because encoders in use differ in the order in which they write the values of a combination: that of
    the standard's table, or by identifier. Which one is meant, the values themselves have to show.
    """
    in_order, sorted_order = (_decompress(segment, by_identifier=flag) for flag in (False, True))
    return [reading for reading in (in_order, sorted_order) if reading is not None]


def _decompress(segment: str, *, by_identifier: bool) -> Elements | None:
    bits = _Bits(segment)
    elements: Elements = {}
    while bits.sound and bits.remaining() > 8:
        code = f"{int(bits.peek(8), 2):02X}"
        if code.isdigit():
            _take_element(bits, elements)
        elif code in _COMBINATIONS:
            bits.take(8)
            combination = _COMBINATIONS[code]
            for ai in sorted(combination) if by_identifier else combination:
                _take_value(bits, elements, ai)
        elif code.startswith("F"):
            bits.take(4)
            key = _take_characters(bits, 3, bits.take(7))
            _put(bits, elements, key, _take_text(bits, length_bits=7))
        else:
            return None
    padding_is_zero = bits.take(bits.remaining()) == 0 if bits.sound else False
    return elements if padding_is_zero else None


def _take_element(bits: _Bits, elements: Elements) -> None:
    ahead = bits.peek(16)
    digits = "".join(f"{int(ahead[at : at + 4], 2):X}" for at in range(0, len(ahead), 4))
    identifier = identifier_of(digits)
    if identifier is None:
        bits.sound = False
        return
    bits.take(4 * len(identifier.ai))
    _take_value(bits, elements, identifier.ai)


def _take_value(bits: _Bits, elements: Elements, ai: str) -> None:
    identifier = identifier_of(ai)
    assert identifier is not None
    _put(bits, elements, ai, "".join(_take_component(bits, part) for part in _components(identifier)))


def _put(bits: _Bits, elements: Elements, key: str, value: str) -> None:
    if elements.setdefault(key, value) != value or not key:
        bits.sound = False


def _components(identifier: ApplicationIdentifier) -> list[Component]:
    """The parts of a value; digits of fixed length side by side are one number."""
    parts: list[Component] = []
    for part in identifier.components:
        if parts and all(one.digits and one.fixed for one in (parts[-1], part)):
            parts[-1] = Component(digits=True, length=parts[-1].length + part.length, fixed=True)
        else:
            parts.append(part)
    return parts


def _take_component(bits: _Bits, part: Component) -> str:
    if part.digits:
        return _take_number(bits, part.length if part.fixed else bits.take(_length_bits(part.length)))
    if part.fixed:
        return _take_characters(bits, bits.take(3), part.length)
    return _take_text(bits, length_bits=_length_bits(part.length))


def _take_text(bits: _Bits, *, length_bits: int) -> str:
    encoding = bits.take(3)
    return _take_characters(bits, encoding, bits.take(length_bits))


def _take_characters(bits: _Bits, encoding: int, length: int) -> str:
    if encoding == 0:
        return _take_number(bits, length)
    alphabet = _ALPHABETS.get(encoding)
    if alphabet is None or bits.remaining() < length:
        bits.sound = False
        return ""
    width = (len(alphabet) - 1).bit_length()
    return "".join(alphabet[bits.take(width)] for _ in range(length))


def _take_number(bits: _Bits, digits: int) -> str:
    """A number with its leading zeros. No digits at all still take one bit."""
    number = str(bits.take(_number_bits(digits)))
    if digits == 0:
        return ""
    if len(number) > digits:
        bits.sound = False
    return number.zfill(digits)


def _number_bits(digits: int) -> int:
    return math.ceil(digits * math.log2(10) + 0.01)


def _length_bits(longest: int) -> int:
    return math.ceil(math.log2(longest) + 0.01)
