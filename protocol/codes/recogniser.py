"""A scanned string -> what it is. The order of the questions below decides every ambiguity; `docs/codes.md` says why."""

from __future__ import annotations

import datetime as dt
import re

import msgspec

from protocol.codes import check_digits
from protocol.codes import symbology as symbologies
from protocol.codes.code import Code, Refusal
from protocol.codes.digital_link import is_web_address, read_digital_link
from protocol.codes.element_strings import GS, read_bracketed, read_element_string
from protocol.codes.elements import Elements, code_of
from protocol.codes.own_codes import CONTROL_PREFIX, read_by_pattern, read_control
from protocol.codes.retail import (
    layout_for,
    read_eight_digits,
    read_in_store,
    read_trade_item,
    read_upc_e,
)
from protocol.codes.rules import PAYMENT_PREFIXES_18, Rules
from protocol.codes.symbology import Symbology

MAX_LENGTH = 2048
"""Characters. The longest label a counter meets, a web address in a QR Code, has a few hundred."""

DEFAULT_RULES = Rules()

_FRAMING = " \t\r\n\0"
_FAST_13 = frozenset("13456789")
"""First digits of an EAN-13 that cannot be a shop's own number; behind 0 it takes a closer look."""
_WALLETS = re.compile(r"(?:2[5-9]|30)\d{14,22}|62\d{17}")
_AZERTY_DIGITS = frozenset("&é\"'(-è_çà")
_SWAPPED_ADDRESS = re.compile(r"https?(?!:)[^a-z0-9]{3}", re.IGNORECASE)

_NOT_RECOGNISED = Refusal("not_recognised", "no code that is known here")
_PAYMENT = Refusal(
    "payment_code",
    "a phone's payment code: nothing of it is kept; pay at the till's own reader",
    "payment_code",
)


def recognise(
    raw: bytes | str,
    *,
    symbology: str | None = None,
    rules: Rules = DEFAULT_RULES,
    today: dt.date | None = None,
) -> Code:
    """What `raw` is, as a scanner sent it, with or without an AIM symbology identifier before the data.

    Never raises: what cannot be believed is a `Code` with a `refusal`. symbology: an AIM identifier or a name,
    where the scanner tells it apart from the data; an identifier in the data wins. today: the day from which
    the century of a date is reckoned (see `dates`).
    """
    if isinstance(raw, str):
        text = raw
    else:
        try:
            text = raw.decode("ascii")
        except UnicodeDecodeError:
            text = raw.decode("utf-8", "replace")
    text = text.strip(_FRAMING)
    if not symbology and len(text) == 13 and _is_plain_ean_13(text, rules):
        return Code(kind="gtin", gtin=f"0{text}")
    told = symbologies.named(symbology)
    if text.startswith("]"):
        in_data = symbologies.of_identifier(text)
        if in_data is None:
            return Refusal("symbology", "']' without a known AIM symbology identifier").as_code()
        told, text = in_data, text[3:].lstrip(_FRAMING)
    found = _unreadable(text) or _read(text, told, rules, today)
    code = found.as_code() if isinstance(found, Refusal) else found
    return msgspec.structs.replace(code, symbology=told.words) if told.words else code


def _is_plain_ean_13(text: str, rules: Rules) -> bool:
    """The common case, decided without the questions below; only where none of them could say otherwise."""
    return (
        text.isascii()
        and text.isdigit()
        and text[0] in _FAST_13
        and not rules.private_patterns
        and not rules.member_patterns
        and check_digits.has_check_digit(text)
    )


def _unreadable(text: str) -> Refusal | None:
    if not text.strip(GS):
        return Refusal("empty", "nothing in the scan")
    if len(text) > MAX_LENGTH:
        return Refusal("too_long", f"{len(text)} characters, at most {MAX_LENGTH} are read")
    if (len(text) >= 8 and _AZERTY_DIGITS.issuperset(text)) or _SWAPPED_ADDRESS.match(text):
        return Refusal("layout", "the scanner types for another keyboard layout; set both to the same one")
    if not text.isascii():
        return Refusal("non_ascii", "a character outside ASCII, which no code here holds")
    return None


def _read(text: str, told: Symbology, rules: Rules, today: dt.date | None) -> Code | Refusal:
    """First what is our own or must not be kept, then what a standard says."""
    if text.startswith(CONTROL_PREFIX):
        return read_control(text, rules)
    if told.carries == "gs1":
        return _read_standard(text, told, rules, today)
    if told.carries == "anything" and _could_pay(text.strip(GS)):
        return _PAYMENT
    return read_by_pattern(text, rules) or _read_standard(text, told, rules, today)


def _read_standard(text: str, told: Symbology, rules: Rules, today: dt.date | None) -> Code | Refusal:
    if is_web_address(text):
        link = read_digital_link(text, today)
        return link if isinstance(link, Refusal) else _warned(code_of(link.elements, today), *link.warnings)
    if text.startswith("("):
        return _code_of(read_bracketed(text, today), today)
    if told.carries == "gs1" or GS in text:
        return _code_of(read_element_string(text, limits=rules.serial_limits, today=today), today)
    if text.isdigit():
        found = _read_digits(text, rules) if told.carries == "anything" else _read_ean_upc(text, told, rules)
        if found:
            return found
    return _read_unmarked(text, told, rules, today)


def _could_pay(digits: str) -> bool:
    """Whether a phone's wallet could have shown these digits: Alipay, WeChat Pay or UnionPay.

    Asked before everything that might keep them, and of every symbology but the GS1 and EAN/UPC ones.
    """
    return bool(_WALLETS.fullmatch(digits)) or (
        len(digits) == 18 and digits.isdigit() and digits.startswith(PAYMENT_PREFIXES_18)
    )


def _read_ean_upc(digits: str, told: Symbology, rules: Rules) -> Code | Refusal:
    """What an EAN/UPC symbol holds, by its number of digits; an add-on symbol's digits come behind."""
    if told.carries == "ean_8":
        if len(digits) == 8:
            return read_trade_item(digits, rules)
    elif told.carries == "ean_13":
        add_on = digits[13:] if len(digits) in (15, 18) else ""
        number = digits.removesuffix(add_on)
        if len(number) in (6, 7, 8):
            return read_upc_e(number, rules)
        if len(number) in (12, 13):
            code = read_trade_item(number, rules)
            if add_on and isinstance(code, Code):
                return msgspec.structs.replace(code, attributes={**code.attributes, "add_on": add_on})
            return code
    return Refusal("bad_value", f"{len(digits)} digits alone are not what an {told.words} symbol holds")


def _read_digits(digits: str, rules: Rules) -> Code | Refusal | None:
    """Digits alone, by their number; None where an element string of digits may still be meant."""
    if len(digits) == 8:
        return read_eight_digits(digits, rules)
    if len(digits) in (12, 13, 14):
        return read_trade_item(digits, rules)
    if len(digits) == 18:
        return _read_18_digits(digits, rules)
    if len(digits) == 20 and digits.startswith(rules.drug_trace_prefixes):
        return Code(kind="drug_trace_code", item=f"drug:{digits}")
    return None


def _read_18_digits(digits: str, rules: Rules) -> Code | Refusal:
    """A scale's label where a layout claims the prefix, else an SSCC without its (00). Payment codes are out."""
    rule = layout_for(digits, rules)
    if not check_digits.has_check_digit(digits):
        return Refusal("check_digit", check_digits.fault(digits), "in_store" if rule else "sscc")
    if rule:
        return read_in_store(digits, rules)
    code = _code_of(read_element_string(f"00{digits}"), None)
    return _warned(code, "18 digits without (00), read as an SSCC")


def _read_unmarked(text: str, told: Symbology, rules: Rules, today: dt.date | None) -> Code | Refusal:
    """An element string that nothing marks as one: believed only where it numbers a trade item or logistic unit.

    Where it is long enough and begins like one its own fault is told, else only that it is not known.
    """
    code = _code_of(read_element_string(text, limits=rules.serial_limits, today=today), today)
    if isinstance(code, Refusal):
        return code if len(text) >= 16 and code.kind != "element_string" else _NOT_RECOGNISED
    if code.gtin is None and code.sscc is None:
        return _NOT_RECOGNISED
    return _warned(code, f"GS1 data in a plain {told.words} symbol") if told.words else code


def _code_of(elements: Elements | Refusal, today: dt.date | None) -> Code | Refusal:
    return elements if isinstance(elements, Refusal) else code_of(elements, today)


def _warned(code: Code | Refusal, *warnings: str) -> Code | Refusal:
    if isinstance(code, Refusal) or not warnings:
        return code
    return msgspec.structs.replace(code, warnings=code.warnings + warnings)
