"""The GS1 check digit, modulo 10 with weights 3 and 1 (GS1 General Specifications 7.9.1)."""

from __future__ import annotations


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
