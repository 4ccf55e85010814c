"""Check digits and check characters of GS1 (General Specifications 7.9.1 and 7.9.5)."""

from __future__ import annotations

_CHARACTERS = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_CHECK_CHARACTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83)


def check_digit(digits: str) -> str:
    """The digit that completes `digits` (ASCII digits, without the check digit), whatever their number."""
    weighted = 3 * sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2]))
    return str(-weighted % 10)


def has_check_digit(number: str) -> bool:
    """Whether the last digit of `number` (ASCII digits) is the check digit of the others."""
    return check_digit(number[:-1]) == number[-1]


def fault(number: str) -> str:
    """The words of a refusal for a `number` whose check digit is wrong."""
    return f"check digit is {number[-1]}, expected {check_digit(number[:-1])}"


def check_characters(text: str) -> str:
    """The two characters that complete a Global Model Number or its kin: primes as weights from the right, modulo 1021.

    ``text``: at most 23 characters of those that GS1 allows in a value.
    """
    weighted = sum(
        prime * _CHARACTERS.index(character)
        for prime, character in zip(_PRIMES, reversed(text), strict=False)
    )
    high, low = divmod(weighted % 1021, 32)
    return _CHECK_CHARACTERS[high] + _CHECK_CHARACTERS[low]


def has_check_characters(text: str) -> bool:
    """Whether the last two characters of ``text`` are the check characters of the others."""
    return len(text) > 2 and check_characters(text[:-2]) == text[-2:]
