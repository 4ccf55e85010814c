"""A stream of bytes -> one frame per scan. Pure: bytes and a clock reading in, frames out.

A scanner marks the end of a code with a terminator (CR, LF, CR LF, TAB or ETX, the latter often with an STX in front),
or, set up without one, only by going quiet. Half a code may pass for another, shorter code, so whatever was cut,
overran the cap or carries noise becomes a frame with `intact=False` and its cause.

GS, RS, FS, US and EOT (0x1C-0x1F, 0x04) are data: GS1 element strings and ISO/IEC 15434 messages are made of them.

>>> framer = Framer(FramingRules())
>>> [frame.raw for frame in framer.feed(b"4006381333931\\r\\n", now_us=0)]
[b'4006381333931']
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

Terminator = Literal["CR", "LF", "TAB", "ETX"]

_TERMINATOR_BYTES: dict[Terminator, bytes] = {"CR": b"\r", "LF": b"\n", "TAB": b"\t", "ETX": b"\x03"}
_STX = b"\x02"

# Control characters no product code carries; a wrong baud rate, a bad plug or a broken line produces them at once.
# Terminators never reach this check, and those a profile does not use (a TAB within a code, say) are data.
_NOISE = re.compile(rb"[\x00-\x03\x05-\x08\x0b\x0c\x0e-\x1b\x7f]")

# With Ending.LEARN: this many codes in a row without a terminator mean that the scanner's suffix was switched off.
_UNLEARN_AFTER = 3


class Ending(StrEnum):
    """What ends a code."""

    TERMINATOR = "terminator"
    """Only a terminator; a code that stays without one is a fault. The safe setting."""
    IDLE = "idle"
    """A pause of `idle_timeout_ms`, and any terminator. For scanners set up without a suffix."""
    LEARN = "learn"
    """As IDLE until the first terminator is seen, from then on as TERMINATOR."""


class FramingRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one scanner marks the end of a code."""

    terminators: tuple[Terminator, ...] = ("CR", "LF", "TAB", "ETX")
    ending: Ending = Ending.LEARN
    idle_timeout_ms: Annotated[int, msgspec.Meta(ge=5, le=10_000)] = 100
    """Quiet this long, a code without a terminator is taken as complete."""
    stall_timeout_ms: Annotated[int, msgspec.Meta(ge=5, le=10_000)] = 500
    """Quiet this long, a code that should have had a terminator is given up."""
    max_length: Annotated[int, msgspec.Meta(ge=16, le=65_536)] = 4096
    """Bytes; the largest QR code holds 4,296 characters, the largest GS1 DataMatrix in trade far less."""

    def __post_init__(self) -> None:
        if self.ending is Ending.TERMINATOR and not self.terminators:
            raise ValueError("ending = 'terminator' needs at least one of CR, LF, TAB, ETX in terminators")


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes between two ends, without terminator and STX; times in microseconds of the caller's clock."""

    raw: bytes
    first_us: int
    last_us: int
    intact: bool = True
    fault: str | None = None


class Framer:
    """Cuts one device's byte stream into frames; one per device and connection.

    Only `tick` looks at pauses, and a driver calls it only after it has waited in vain: a pause between two reads can
    as well be our own process that was not scheduled, and must not cut a code in two.
    """

    def __init__(self, rules: FramingRules) -> None:
        self._rules = rules
        marks = b"".join(_TERMINATOR_BYTES[name] for name in rules.terminators)
        if "ETX" in rules.terminators:
            marks += _STX
        self._marks = re.compile(b"[" + re.escape(marks) + b"]") if marks else None
        self._expects_terminator = rules.ending is Ending.TERMINATOR
        self._unterminated_in_a_row = 0
        self._buffer = bytearray()
        self._overlong = False
        self._distrust: str | None = None
        self._tail_until_us: int | None = None
        self._first_us = 0
        self._last_us = 0

    @property
    def timeout_us(self) -> int | None:
        """How long after the last byte `tick` will have something to do; None while nothing has begun."""
        if not (self._buffer or self._overlong or self._distrust):
            return None
        rules = self._rules
        return 1000 * (rules.stall_timeout_ms if self._expects_terminator else rules.idle_timeout_ms)

    @property
    def deadline_us(self) -> int | None:
        """The clock reading from which `tick` will have something to do."""
        timeout_us = self.timeout_us
        return None if timeout_us is None else self._last_us + timeout_us

    def feed(self, data: bytes, now_us: int) -> list[Frame]:
        """Take bytes as they came; the frames they complete, in order. Any split of the stream gives the same."""
        frames: list[Frame] = []
        start = 0
        for mark in self._marks.finditer(data) if self._marks else ():
            self._take(data[start : mark.start()], now_us, frames)
            if mark.group() == _STX:
                self._begin_anew(now_us, frames)
            else:
                self._end_at_terminator(now_us, frames)
            start = mark.end()
        self._take(data[start:], now_us, frames)
        return frames

    def tick(self, now_us: int) -> list[Frame]:
        """The line has been quiet: end, or give up, what has been quiet for long enough."""
        deadline_us = self.deadline_us
        if deadline_us is None or now_us < deadline_us:
            return []
        if self._overlong:
            self._reset()
            return []
        if self._distrust or not self._expects_terminator:
            return [self._cut(self._last_us, None)]
        return [self._give_up_on_terminator()]

    def distrust(self, cause: str, now_us: int) -> None:
        """Something was lost just now: the code under way, or else the next one, is not intact."""
        if self._distrust is None:
            self._distrust = cause
        if not self._buffer:
            self._first_us = now_us
        self._last_us = now_us

    def abandon(self, cause: str) -> list[Frame]:
        """The line is gone: what had begun is a fault, and nothing of it meets what comes after."""
        frames = [self._cut(self._last_us, cause)] if self._buffer or self._distrust else []
        self._reset()
        return frames

    def _take(self, chunk: bytes, now_us: int, frames: list[Frame]) -> None:
        if not chunk:
            return
        if not self._buffer and not self._overlong:
            self._first_us = now_us
            if self._tail_until_us is not None and now_us < self._tail_until_us and self._distrust is None:
                self._distrust = "this may be the rest of the code that was cut just before; scan it again"
            self._tail_until_us = None
        self._last_us = now_us
        if self._overlong:
            return
        self._buffer += chunk
        cap = self._rules.max_length
        if len(self._buffer) > cap:
            del self._buffer[cap:]
            frames.append(
                self._cut(now_us, f"more than {cap} bytes without an end; noise, or a wrong baud rate")
            )
            self._overlong = True

    def _end_at_terminator(self, now_us: int, frames: list[Frame]) -> None:
        if self._overlong:  # its fault was told when it passed the cap; from here the stream is in step again
            self._reset()
            return
        if not self._buffer and self._distrust is None:
            return  # the LF of CR LF, or a blank line
        if self._rules.ending is Ending.LEARN:
            self._expects_terminator = True
        self._unterminated_in_a_row = 0
        frames.append(self._cut(now_us, None))

    def _begin_anew(self, now_us: int, frames: list[Frame]) -> None:
        if self._buffer:
            frames.append(self._cut(now_us, "a new code began (STX) before this one had ended"))
        self._reset()

    def _give_up_on_terminator(self) -> Frame:
        # The rest of a code that stalled would look like a whole code with its proper terminator, so what follows
        # within the same time again is not trusted. A person who scans again is slower than that.
        stall_us = 1000 * self._rules.stall_timeout_ms
        self._tail_until_us = self._last_us + 2 * stall_us
        frame = self._cut(
            self._last_us, f"no end of code within {self._rules.stall_timeout_ms} ms; scan it again"
        )
        if self._rules.ending is Ending.LEARN:
            self._unterminated_in_a_row += 1
            if self._unterminated_in_a_row >= _UNLEARN_AFTER:
                self._expects_terminator = False
                self._unterminated_in_a_row = 0
        return frame

    def _cut(self, now_us: int, cause: str | None) -> Frame:
        raw = bytes(self._buffer)
        fault = cause or self._distrust or _noise_in(raw)
        frame = Frame(raw=raw, first_us=self._first_us, last_us=now_us, intact=fault is None, fault=fault)
        self._buffer.clear()
        self._distrust = None
        return frame

    def _reset(self) -> None:
        self._buffer.clear()
        self._overlong = False
        self._distrust = None
        self._tail_until_us = None


def _noise_in(raw: bytes) -> str | None:
    found = _NOISE.search(raw)
    if found is None:
        return None
    return (
        f"byte 0x{found.group()[0]:02X} at position {found.start()} is no part of a code; "
        "line noise, a loose plug or a wrong baud rate"
    )
