"""Serials that need no list: the n-th serial of an order, and the number of a serial, worked out from a key. Pure.

A serial is the tag of its order and ten characters of the alphabet of :mod:`protocol.codes.short`; in a short code the MAC tail
follows. The ten characters are a permutation of all numbers of 50 bits, applied to the running number: no two numbers give one
serial, nobody without the key can say which serials there are, and who has the key gets the number back out of a serial.

The permutation is a balanced Feistel network (Luby and Rackoff) of ten rounds over two halves of 25 bits; the round function is
BLAKE2b (RFC 7693) with the order's key and the number of the round. A serial that a counter could take for something else is
passed over: the permutation is applied again until one comes out that is not (cycle walking, as in NIST SP 800-38G, 3.1). For that to
be reversible no number may start from a serial that is passed over itself; :func:`_start` has such a form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from protocol.codes import suspects_lost_separator
from protocol.codes.short import (
    ALPHABET,
    RANDOM_CHARACTERS,
    TAG_CHARACTERS,
    TOKEN_CHARACTERS,
    in_alphabet,
    mac_of,
)

KEY_BYTES = 32
ROUNDS = 10
SERIAL_CHARACTERS = TAG_CHARACTERS + RANDOM_CHARACTERS
_HALF_BITS = 5 * RANDOM_CHARACTERS // 2
_HALF = (1 << _HALF_BITS) - 1
NUMBER_LIMIT = 1 << _HALF_BITS
"""Numbers of an order are below this; an order has ten million codes at most."""
_DIGITS = {character: value for value, character in enumerate(ALPHABET)}


class Serials:
    """The serials of one order. ``mac_key`` makes them whole short codes."""

    def __init__(self, tag: str, key: bytes, mac_key: bytes | None = None) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of the serials of order {tag}: {len(key)} bytes, expected {KEY_BYTES}")
        self._tag = tag
        self._mac_key = mac_key
        self._rounds = _rounds(key)

    def serial(self, number: int) -> str:
        """The serial of a running number, from 1."""
        if not 1 <= number < NUMBER_LIMIT:
            raise ValueError(
                f"number {number} of order {self._tag}: expected one from 1 to {NUMBER_LIMIT - 1}"
            )
        place = _start(number)
        while True:
            place = self._forth(place)
            serial = self._whole(place)
            if is_printable(serial):
                return serial

    def number(self, serial: str) -> int | None:
        """The running number of a serial; None for one that this order does not make."""
        place = self._place(serial)
        if place is None or not is_printable(serial):
            return None
        while True:
            place = self._back(place)
            if is_printable(self._whole(place)):
                return _started(place)

    def _whole(self, place: int) -> str:
        random = in_alphabet(place, RANDOM_CHARACTERS)
        mac = mac_of(self._tag, random, self._mac_key) if self._mac_key else ""
        return f"{self._tag}{random}{mac}"

    def _place(self, serial: str) -> int | None:
        """Where in the permutation a serial stands; None if it is not of this order's form, or its MAC is wrong."""
        expected = TOKEN_CHARACTERS if self._mac_key else SERIAL_CHARACTERS
        random = serial[TAG_CHARACTERS:SERIAL_CHARACTERS]
        if len(serial) != expected or not serial.startswith(self._tag) or not _DIGITS.keys() >= set(random):
            return None
        place = 0
        for character in random:
            place = place << 5 | _DIGITS[character]
        return place if self._whole(place) == serial else None

    def _forth(self, place: int) -> int:
        left, right = place >> _HALF_BITS, place & _HALF
        for function in self._rounds:
            left, right = right, left ^ function(right)
        return left << _HALF_BITS | right

    def _back(self, place: int) -> int:
        left, right = place >> _HALF_BITS, place & _HALF
        for function in reversed(self._rounds):
            left, right = right ^ function(left), left
        return left << _HALF_BITS | right


def is_printable(serial: str) -> bool:
    """Whether a serial may stand on a label: not of digits alone, and nothing that reads like two values run together."""
    return not serial.isdigit() and not suspects_lost_separator(serial)


def _start(number: int) -> int:
    """Where the walk of a number begins: its five characters, then ``ZZZZZ``.

    Such a serial is always printable, whatever the tag and the MAC: it is not of digits alone; behind the number nothing begins like an
    Application Identifier, and what stands in front of the Zs is too short to hold an identifier before a date; a MAC is too short
    for either; where a crypto tail would have its ``93`` a Z stands.
    """
    return number << _HALF_BITS | _HALF


def _started(place: int) -> int | None:
    number = place >> _HALF_BITS
    return number if place & _HALF == _HALF and number > 0 else None


def _rounds(key: bytes) -> tuple[Callable[[int], int], ...]:
    def function_of(number: int) -> Callable[[int], int]:
        keyed = hashlib.blake2b(digest_size=4, key=key, person=b"cm serials", salt=bytes((number,)))

        def function(half: int) -> int:
            state = keyed.copy()
            state.update(half.to_bytes(4, "big"))
            return int.from_bytes(state.digest(), "big") & _HALF

        return function

    return tuple(function_of(number) for number in range(ROUNDS))
