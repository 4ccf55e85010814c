"""Element strings: Application Identifiers and values in one row (GS1 General Specifications 7.8).

A value of variable length ends at a separator (GS, 0x1D) or with the label. Where the separator is lost on
its way, two values read as one, and the longer one is often well formed; `suspects_lost_separator` says when
that is likelier than a strange serial. Such a label is refused, never taken apart by guessing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from protocol.codes.application_identifiers import ApplicationIdentifier, exactly, identifier_of
from protocol.codes.code import Refusal
from protocol.codes.elements import Elements, add, fault_of, kind_of

GS = "\x1d"

_BRACKETED = re.compile(r"\((\d{2,4})\)")
_PRINTED_SINCE, _PRINTED_UNTIL = "15", "50"
"""Years a date on goods may bear. A fixed span, so that what is suspect today is suspect tomorrow, and who
issues serials can avoid it for good."""
_DATES_ON_GOODS = frozenset(("11", "15", "17"))
_NUMBERS_WITH_CHECK_DIGIT = frozenset(("00", "01", "02"))
_CRYPTO_TAIL = re.compile(r"(?:.{6,8}|.{13})93.{4}")
"""A serial and a four-character verification code as Chestny ZNAK prints them, run together."""
_STRONG_FORM = re.compile(r"1[157]\d{6}|0[012]\d{14}|310\d{7}")
"""What every strong element (`_is_strong`) looks like. Most serials hold nothing of the kind, and are not taken apart."""


def read_element_string(
    text: str, *, limits: Mapping[str, int] | None = None, today: dt.date | None = None
) -> Elements | Refusal:
    """The elements of `text`, or why it may not be believed.

    limits: beginning of a GTIN-14 -> the longest serial printed with it; the longest beginning counts.
    """
    elements: Elements = {}
    text = text.lstrip(GS)
    separated = GS in text
    while text:
        identifier = identifier_of(text)
        if identifier is None:
            return Refusal("unknown_ai", _unknown(text), kind_of(elements))
        text = text[len(identifier.ai) :]
        if identifier.predefined_length:
            value, text = text[: identifier.predefined_length], text[identifier.predefined_length :]
        else:
            value, _, text = text.partition(GS)
        refusal = (
            _lost_separator(identifier, value)
            or fault_of(identifier, value, today)
            or add(elements, identifier.ai, value)
        )
        if refusal is None and not identifier.predefined_length:
            refusal = _run_together(identifier.ai, value, elements, limits or {}, separated=separated)
        if refusal:
            return Refusal(refusal.cause, refusal.words, kind_of({**elements, identifier.ai: value}))
        text = text.lstrip(GS)
    return elements


def read_bracketed(text: str, today: dt.date | None = None) -> Elements | Refusal:
    """The elements of what stands in print beside a symbol: `(01)…(21)…`. The brackets separate.

    Brackets are allowed in values, so only a known identifier in brackets begins an element.
    """
    elements: Elements = {}
    starts = [match for match in _BRACKETED.finditer(text) if exactly(match[1])]
    if not starts or starts[0].start() != 0:
        return Refusal("unknown_ai", "no known Application Identifier in the first brackets")
    ends = [match.start() for match in starts[1:]] + [len(text)]
    for match, end in zip(starts, ends, strict=True):
        identifier = exactly(match[1])
        assert identifier is not None
        value = text[match.end() : end].strip(f" {GS}")
        refusal = fault_of(identifier, value, today) or add(elements, identifier.ai, value)
        if refusal:
            return Refusal(refusal.cause, refusal.words, kind_of({**elements, identifier.ai: value}))
    return elements


def suspects_lost_separator(value: str, present: Mapping[str, str] | None = None) -> bool:
    """Whether `value`, unseparated at the end of a label, is likelier two values run together.

    That is so where it ends in elements that the label has not got yet (`present`), among them a date on
    goods, a weight, or a number whose check digit is right; or in the verification code of a crypto tail.
    Of random serials of 20 digits about one in 300 looks so, of 12 digits one in 1,000; who issues serials
    leaves those out.
    """
    if _CRYPTO_TAIL.fullmatch(value) and not value.isdigit():
        return True
    if not _STRONG_FORM.search(value, 1):
        return False
    return any(_is_evidence(value[at:], present or {}) for at in range(1, len(value)))


def _unknown(text: str) -> str:
    start = text[:4]
    return (
        f"no Application Identifier begins with {start!r}" if start.isdigit() else "no Application Identifier"
    )


def _lost_separator(identifier: ApplicationIdentifier, value: str) -> Refusal | None:
    """A value that no serial could be: too long, with a blank for the separator, or more elements at its end."""
    if identifier.predefined_length or identifier.matches(value):
        return None
    ai = identifier.ai
    if len(value) > identifier.max_length:
        words = f"({ai}) runs to {len(value)} characters, at most {identifier.max_length} are allowed"
    elif any(character <= " " for character in value):
        words = f"a blank or control character stands in ({ai})"
    elif any(_splits(identifier, value, at) for at in range(1, len(value))):
        words = f"({ai}) runs into further elements"
    else:
        return None
    return Refusal("separator_missing", f"separator missing: {words}")


def _splits(identifier: ApplicationIdentifier, value: str, at: int) -> bool:
    return identifier.matches(value[:at]) and _chain(value[at:], {}) is not None


def _run_together(
    ai: str, value: str, elements: Elements, limits: Mapping[str, int], *, separated: bool
) -> Refusal | None:
    """A value that is well formed, yet longer than the company prints, or suspect where nothing separates.

    Where the label has a separator anywhere, separators reach us, and the value is believed.
    """
    limit = _serial_limit(elements, limits) if ai == "21" else None
    if limit is not None:
        if len(value) <= limit:
            return None
        words = f"(21) has {len(value)} characters, this company's serials have at most {limit}"
    elif not separated and not ai.startswith("9") and suspects_lost_separator(value, elements):
        words = f"({ai}) ends in what reads as further elements"
    else:
        return None
    return Refusal("separator_missing", f"separator missing: {words}")


def _serial_limit(elements: Elements, limits: Mapping[str, int]) -> int | None:
    gtin = elements.get("01", "")
    prefixes = [prefix for prefix in limits if gtin.startswith(prefix)]
    return limits[max(prefixes, key=len)] if prefixes else None


def _is_evidence(tail: str, present: Mapping[str, str]) -> bool:
    chain = _chain(tail, present)
    return chain is not None and any(_is_strong(ai, value) for ai, value in chain.items())


def _is_strong(ai: str, value: str) -> bool:
    if ai in _DATES_ON_GOODS:
        return _PRINTED_SINCE <= value[:2] <= _PRINTED_UNTIL
    return ai in _NUMBERS_WITH_CHECK_DIGIT or ai.startswith("310")


def _chain(tail: str, present: Mapping[str, str]) -> Elements | None:
    """`tail` as sound elements to its end, none of which the label has already; None where it is not that."""
    elements: Elements = {}
    while tail:
        identifier = identifier_of(tail)
        if identifier is None or identifier.ai in elements or identifier.ai in present:
            return None
        end = len(identifier.ai) + (identifier.predefined_length or len(tail))
        value, tail = tail[len(identifier.ai) : end], tail[end:]
        if fault_of(identifier, value) is not None:
            return None
        elements[identifier.ai] = value
    return elements
