"""Scanners that are set up in every way, scanning the sheet: the keys or bytes they send."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec

from devices.calibration.hearing import RecordedScan
from devices.calibration.symbols import SYMBOLS, SheetSymbol
from devices.keycodes import KEY_CODES
from devices.layout import load_layout
from devices.recording import BytesRead, Entry, KeyEvent

# How a keyboard scanner presses what no key prints; several scanners have several ways for the separator.
SEPARATOR_CHORDS = {
    "alt": "LEFTALT+KP0+KP2+KP9",
    "alt_short": "LEFTALT+KP2+KP9",
    "ctrl": "LEFTCTRL+RIGHTBRACE",
    "KEY_F8": "F8",
    "KEY_F9": "F9",
    "none": "",
}
SUFFIX_CHORDS = {"\r": "ENTER", "\n": "LEFTCTRL+J", "\t": "TAB", "\x03": "LEFTCTRL+C", "\x02": "LEFTCTRL+B"}
PACE_US = 4000
CHANGES: dict[str, Callable[[str], str]] = {
    "as printed": str,
    "swapped": str.swapcase,
    "capitals": str.upper,
    "small": str.lower,
}


class Scanner(msgspec.Struct, frozen=True, kw_only=True):
    """How a scanner is set up. `separator` is a name of SEPARATOR_CHORDS, or the text that stands for GS."""

    layout: str = ""
    letters: str = "as printed"
    caps_lock: bool = False
    alt_codes_only: bool = False
    separator: str = "\x1d"
    before: str = ""
    suffix: str = "\r"
    aim: bool = True
    pace_us: int = PACE_US
    parity: str = "none"

    def says(self, symbol: SheetSymbol) -> list[str]:
        """The text it sends, in characters and the chords of SEPARATOR_CHORDS."""
        change = CHANGES[self.letters]
        said = [*self.before, *change((symbol.symbology if self.aim else "") + symbol.text)]
        if symbol.rest:
            said += [self.separator] if self.separator in SEPARATOR_CHORDS else list(self.separator)
            said += change(symbol.rest)
        return [*said, *self.suffix]

    def scan(self, symbol: SheetSymbol, start_us: int = 0) -> RecordedScan:
        """Everything it sends for one symbol."""
        if self.layout:
            return typed(self.chords(symbol), start_us, self.pace_us)
        data = "".join(self.says(symbol)).encode("latin-1")
        return sent(with_parity(data, self.parity), start_us, self.pace_us)

    def scan_all(self) -> list[RecordedScan]:
        """The whole sheet, symbol by symbol."""
        return [self.scan(symbol, place * 5_000_000) for place, symbol in enumerate(SYMBOLS)]

    def chords(self, symbol: SheetSymbol) -> list[str]:
        """The keys it presses for one symbol."""
        printed = chords_of(self.layout)
        pressed = []
        for one in self.says(symbol):
            if one in SEPARATOR_CHORDS:
                pressed += [SEPARATOR_CHORDS[one]] if SEPARATOR_CHORDS[one] else []
            elif one in SUFFIX_CHORDS:
                pressed.append(SUFFIX_CHORDS[one])
            elif self.alt_codes_only:
                pressed.append("LEFTALT+KP0+" + "+".join(f"KP{digit}" for digit in f"{ord(one):03d}"))
            else:
                pressed.append(printed[one.swapcase() if self.caps_lock else one])
        return pressed


@cache
def chords_of(layout: str) -> dict[str, str]:
    """How to press each character that a layout prints without a dead key."""
    found: dict[str, str] = {"\x20": "SPACE"}
    loaded = load_layout(layout)
    held = {(False, False): "", (True, False): "LEFTSHIFT+", (False, True): "RIGHTALT+"}
    for key in loaded.keys:
        for (shift, alt_gr), prefix in held.items():
            character = loaded.character(key, shift=shift, alt_gr=alt_gr)
            if character is not None and len(character) == 1:
                found.setdefault(character, prefix + key.removeprefix("KEY_"))
    return found


def typed(chords: list[str], start_us: int = 0, pace_us: int = PACE_US) -> RecordedScan:
    """Chords such as LEFTSHIFT+A, each key down in order and up in reverse, at one pace."""
    entries: list[Entry] = []
    at_us = start_us
    for chord in chords:
        codes = [KEY_CODES[f"KEY_{name}"] for name in chord.split("+")]
        for code, value in [*((code, 1) for code in codes), *((code, 0) for code in reversed(codes))]:
            entries.append(KeyEvent(device="s", at_us=at_us, code=code, value=value))
            at_us += pace_us
    return RecordedScan(entries=tuple(entries))


def sent(data: bytes, start_us: int = 0, pace_us: int = PACE_US, baud_rate: int = 9600) -> RecordedScan:
    """Bytes in reads of up to four, at one pace."""
    pieces = [data[at : at + 4] for at in range(0, len(data), 4)]
    entries = [
        BytesRead(device="s", at_us=start_us + place * pace_us, hex=piece.hex())
        for place, piece in enumerate(pieces)
    ]
    return RecordedScan(entries=tuple(entries), baud_rate=baud_rate)


def with_parity(data: bytes, parity: str) -> bytes:
    """What a line of 8 bits reads where 7 and a parity bit are sent."""
    if parity == "none":
        return data
    wanted = {"even": 0, "odd": 1}
    return bytes(
        byte | 0x80 if parity == "mark" or byte.bit_count() % 2 != wanted[parity] else byte for byte in data
    )
