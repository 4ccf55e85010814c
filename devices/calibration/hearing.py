"""One recorded scan -> what it says under each way it could have been meant.

A scan is what a device sent between two silences. Under a wrong layout its keys print another text, so each shipped
layout is tried, with Caps Lock off and on, and those remain under which a symbol of the sheet appears.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Literal

import msgspec

from devices.calibration.symbols import SYMBOLS, SheetSymbol
from devices.keyboard import KeyDecoder
from devices.keycodes import KEY_NAMES
from devices.layout import Layout, load_layout, shipped_layouts
from devices.recording import BytesRead, Dropped, Entry, KeyEvent

Parity = Literal["none", "even", "odd", "mark"]

# A key that prints nothing stands in the text as a character of its own, beyond all that layouts print.
_KEYS_FROM = 0xE000
# More than this around a symbol is no prefix or suffix but a second code.
_LONGEST_ADDITION = 8


class Letters(StrEnum):
    """What happens to letters on their way."""

    AS_PRINTED = "as printed"
    SWAPPED = "swapped"
    CAPITALS = "capitals"
    SMALL = "small"


_CHANGES: dict[Letters, Callable[[str], str]] = {
    Letters.AS_PRINTED: str,
    Letters.SWAPPED: str.swapcase,
    Letters.CAPITALS: str.upper,
    Letters.SMALL: str.lower,
}


class RecordedScan(msgspec.Struct, frozen=True, kw_only=True):
    """What came between two silences, as a recording holds it."""

    entries: tuple[Entry, ...]
    baud_rate: int = 9600
    """The rate the line was read at; means nothing for keyboards."""

    @property
    def keys(self) -> list[KeyEvent]:
        """Its key events; none for a scanner that sends bytes."""
        return [entry for entry in self.entries if isinstance(entry, KeyEvent)]

    @property
    def data(self) -> bytes:
        """Its bytes; none for a keyboard."""
        return b"".join(entry.data for entry in self.entries if isinstance(entry, BytesRead))

    @property
    def longest_gap_ms(self) -> int:
        """The longest pause within it, rounded up."""
        times = [entry.at_us for entry in self.entries]
        longest_us = max((after - before for before, after in itertools.pairwise(times)), default=0)
        return -(-longest_us // 1000)

    @property
    def lost_keys(self) -> bool:
        """Whether the kernel dropped a part of it."""
        return any(isinstance(entry, Dropped) for entry in self.entries)


class Manner(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A way of sending that explains a scan; one that explains every symbol's scan is the scanner's."""

    caps_lock: bool = False
    layout: str = ""
    """Empty for a scanner that sends bytes."""
    letters: Letters = Letters.AS_PRINTED
    data_bits: Literal[7, 8] = 8
    parity: Parity = "none"
    aim_prefix: bool = False
    before: str = ""
    """What stands before each code, besides the AIM identifier."""
    after: str = ""
    """What stands after each code."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol found in a scan, under one manner."""

    symbol: str
    manner: Manner
    separator: str | None
    """What stands for the group separator; None where the symbol has none."""


def readings_of(scan: RecordedScan) -> list[Reading]:
    """Every symbol a scan can be read as; empty where it fits none."""
    if scan.lost_keys:
        return []
    if scan.keys:
        return [
            reading
            for name in shipped_layouts()
            for caps_lock in (False, True)
            for reading in _find(
                _typed(scan.keys, _layout(name), caps_lock=caps_lock),
                Manner(layout=name, caps_lock=caps_lock),
                # Whatever else Caps Lock could explain is tried with it off.
                (Letters.AS_PRINTED,) if caps_lock else (*_BY_KEYBOARD,),
            )
        ]
    data_bits, parity, text = _without_parity(scan.data)
    return _find(text, Manner(data_bits=data_bits, parity=parity), tuple(Letters))


_BY_KEYBOARD = (Letters.AS_PRINTED, Letters.CAPITALS, Letters.SMALL)


def key_of(character: str) -> str | None:
    """The kernel's name of the key that a character of a reading stands for; None for a real character."""
    return KEY_NAMES.get(ord(character) - _KEYS_FROM) if len(character) == 1 else None


_layout = cache(load_layout)


def _typed(keys: list[KeyEvent], layout: Layout, *, caps_lock: bool) -> str:
    decoder = KeyDecoder(layout, caps_lock=caps_lock)
    text = ""
    for entry in keys:
        output = decoder.key(entry.code, entry.value)
        text += chr(_KEYS_FROM + entry.code) if output.fault else output.data.decode()
    return text


def _without_parity(data: bytes) -> tuple[Literal[7, 8], Parity, str]:
    """Bytes of a line of 7 bits that was read as one of 8 carry its parity in the highest bit."""
    if any(byte > 0x7F for byte in data):
        bare = bytes(byte & 0x7F for byte in data).decode("ascii")
        odd_counts = {byte.bit_count() % 2 for byte in data}
        if odd_counts == {0}:
            return 7, "even", bare
        if odd_counts == {1}:
            return 7, "odd", bare
        if all(byte > 0x7F for byte in data):
            return 7, "mark", bare
    return 8, "none", data.decode("latin-1")


def _find(text: str, manner: Manner, letters: tuple[Letters, ...]) -> list[Reading]:
    found = []
    for symbol in SYMBOLS:
        for change in letters:
            match = _pattern(symbol, change).fullmatch(text)
            if match is None:
                continue
            told = msgspec.structs.replace(
                manner,
                letters=change,
                aim_prefix=match["aim"] is not None,
                before=match["before"],
                after=match["after"],
            )
            separator = match["separator"] if symbol.rest else None
            found.append(Reading(symbol=symbol.key, manner=told, separator=separator))
    return found


@cache
def _pattern(symbol: SheetSymbol, letters: Letters) -> re.Pattern[str]:
    change = _CHANGES[letters]
    aim, text, rest = (re.escape(change(part)) for part in (symbol.symbology, symbol.text, symbol.rest))
    within = f"(?P<separator>.{{0,{_LONGEST_ADDITION}}}?){rest}" if symbol.rest else "(?P<separator>)"
    return re.compile(
        f"(?s:(?P<before>.{{0,{_LONGEST_ADDITION}}}?)(?P<aim>{aim})?{text}{within}(?P<after>.{{0,{_LONGEST_ADDITION}}}))"
    )
