"""Recorded scans of the sheet -> the scanner's settings, or which symbol to scan next.

`settings_of` may be asked after every scan with all scans so far. A symbol may be scanned again: where two scans cannot
come from the same settings, the newer one counts and the older one's symbol is asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from devices.calibration.hearing import Letters, Manner, Parity, Reading, RecordedScan, key_of, readings_of
from devices.calibration.symbols import SEPARATOR, SYMBOLS
from devices.framing import Terminator

# The rates of RS-232 scanners, the most common first.
BAUD_RATES = (9600, 115_200, 38_400, 19_200, 57_600, 4800, 2400, 1200)

GS = "\x1d"
_STX = "\x02"
_SUFFIXES: dict[str, Terminator] = {"\r": "CR", "\n": "LF", "\t": "TAB", "\x03": "ETX"}

# Characters that GS1 values may hold (character set 82, GS1 General Specifications 7.11): one of them alone cannot
# stand for the separator, or a code that holds it would be torn in two.
_IN_VALUES = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]")
# What a line at the right rate carries: printable characters, and the controls that scanners add.
_SOUND = re.compile(rb"[\x02\x03\x09\x0a\x0d\x1c-\x7e]*")


class ScanNext(msgspec.Struct, frozen=True, kw_only=True):
    """More is needed: which symbol, why, and for a serial line the rate to read it at."""

    symbol: str
    why: str
    baud_rate: int | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a scanner, as its scans tell them."""

    link: Literal["serial", "keyboard"]
    layout: str
    """Empty for a serial scanner."""
    caps_lock: bool
    letters: Letters
    separator: str
    """The text, or the control character, that stands for GS; empty where it is left out or is a key of its own."""
    separator_key: str
    """The key that stands for GS, where it prints nothing."""
    suffix: tuple[Terminator, ...]
    """Every terminator after a code, in order."""
    stx: bool
    aim_prefix: bool
    longest_gap_ms: int
    baud_rate: int
    data_bits: Literal[7, 8]
    parity: Parity
    must_change: tuple[str, ...] = ()
    """What no profile can mend: what to set on the scanner, in words."""
    advice: tuple[str, ...] = ()
    """What works as it is and could be better."""


def settings_of(scans: Sequence[RecordedScan]) -> Found | ScanNext:
    """The settings that explain the scans of all symbols, or the symbol to scan next."""
    heard = [(scan, readings_of(scan)) for scan in scans]
    manners, latest = _newest_that_agree([readings for _, readings in heard if readings])
    missing = [symbol for symbol in SYMBOLS if symbol.key not in latest]
    if missing:
        why, baud_rate = _why_again(heard, missing[0].key)
        return ScanNext(symbol=missing[0].key, why=why, baud_rate=baud_rate)
    manner = min(manners, key=_preference)
    (separator,) = {reading.separator or "" for reading in latest[SEPARATOR] if reading.manner == manner}
    sound = [scan for scan, readings in heard if readings]
    return _found(manner, separator, sound)


def _newest_that_agree(heard: list[list[Reading]]) -> tuple[set[Manner], dict[str, list[Reading]]]:
    """The manners that explain the newest scans together, and the readings of each symbol among those scans."""
    manners: set[Manner] | None = None
    latest: dict[str, list[Reading]] = {}
    for readings in reversed(heard):
        keys = {reading.symbol for reading in readings}
        told = {reading.manner for reading in readings}
        agreed = told if manners is None else manners & told
        if agreed and not keys & latest.keys():
            manners = agreed
            latest.update({key: [one for one in readings if one.symbol == key] for key in keys})
    return manners or set(), latest


def _preference(manner: Manner) -> tuple[bool, bool, str]:
    # Several are left only where the layout changes nothing, as with a scanner that presses Alt codes alone.
    return manner.caps_lock, manner.layout != "us", manner.layout


def _why_again(heard: list[tuple[RecordedScan, list[Reading]]], wanted: str) -> tuple[str, int | None]:
    if not heard:
        return "first", None
    last, readings = heard[-1]
    if readings:
        before = any(reading.symbol == wanted for _, found in heard[:-1] for reading in found)
        return ("an earlier scan of it does not fit the newer ones" if before else "next"), None
    if last.lost_keys:
        return "the machine was too busy and lost key presses", None
    if last.keys or _SOUND.fullmatch(last.data):
        return "what came is none of the symbols, or in no way that is known; scan it alone, once", None
    rate = _next_rate(last.baud_rate)
    return f"what came at {last.baud_rate} baud is noise; now listening at {rate}", rate


def _next_rate(baud_rate: int) -> int:
    place = BAUD_RATES.index(baud_rate) + 1 if baud_rate in BAUD_RATES else 0
    return BAUD_RATES[place % len(BAUD_RATES)]


def _found(manner: Manner, separator: str, scans: list[RecordedScan]) -> Found:
    separator_key = key_of(separator) or ""
    suffix = tuple(_SUFFIXES[one] for one in manner.after if one in _SUFFIXES)
    return Found(
        link="keyboard" if manner.layout else "serial",
        layout=manner.layout,
        caps_lock=manner.caps_lock,
        letters=manner.letters,
        separator="" if separator_key else separator,
        separator_key=separator_key,
        suffix=suffix,
        stx=manner.before == _STX,
        aim_prefix=manner.aim_prefix,
        longest_gap_ms=max(scan.longest_gap_ms for scan in scans),
        baud_rate=scans[-1].baud_rate,
        data_bits=manner.data_bits,
        parity=manner.parity,
        must_change=(*_of_letters(manner), *_of_separator(separator), *_of_additions(manner)),
        advice=_advice(manner, suffix),
    )


def _of_letters(manner: Manner) -> list[str]:
    if manner.letters is Letters.AS_PRINTED:
        return []
    return [
        f"letters arrive {manner.letters}; switch the scanner's case conversion off: codes tell 'a' from 'A'"
    ]


def _of_separator(separator: str) -> list[str]:
    if not separator:
        return [
            (
                "the group separator is left out; set the scanner to send FNC1 as ASCII 29 (GS), "
                "on a keyboard as Ctrl+], Alt+029 or F8"
            )
        ]
    if key_of(separator):
        return []
    if not separator.isascii() or any(key_of(one) for one in separator):
        return [
            f"the group separator arrives as {_spelled(separator)}; set the scanner to send ASCII 29 (GS)"
        ]
    if len(separator) == 1 and _IN_VALUES.fullmatch(separator):
        return [
            (
                f"the group separator arrives as {separator!r}, which codes hold themselves; "
                "set the scanner to send ASCII 29 (GS)"
            )
        ]
    return []


def _of_additions(manner: Manner) -> list[str]:
    told = []
    if manner.before not in {"", _STX}:
        told.append(f"{_spelled(manner.before)} stands before each code; switch this prefix off")
    more = "".join(one for one in manner.after if one not in _SUFFIXES)
    if more:
        told.append(f"{_spelled(more)} stands after each code; switch this suffix off, and set CR or Enter")
    return told


def _advice(manner: Manner, suffix: tuple[Terminator, ...]) -> tuple[str, ...]:
    told = []
    if not suffix:
        told.append("there is no suffix, so only a pause ends a code; set the suffix CR (Enter)")
    if not manner.aim_prefix:
        told.append("AIM identifiers are off; with them, a GS1 code is told from one that only looks like it")
    return tuple(told)


def _spelled(text: str) -> str:
    return " ".join(key_of(one) or repr(one) for one in text)
