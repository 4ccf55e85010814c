"""Bare numbers, as EAN/UPC, ITF-14 and a shop's own scale print them: digits without identifiers.

EAN/UPC and ITF-14: GS1 General Specifications 5.2 and 5.3. Numbers for use in one shop: 1.4.4 and 2.1.11.
"""

from __future__ import annotations

from biip import ParseError
from biip.checksums import gs1_price_weight_check_digit
from biip.upc import Upc

from protocol.codes import check_digits
from protocol.codes.code import Code, Refusal
from protocol.codes.elements import decimal_text
from protocol.codes.rules import InStoreLayout, Rules, slice_of

_IN_STORE_13 = ("02", "04", "2")
_IN_STORE_8 = ("0", "2")


def read_trade_item(digits: str, rules: Rules) -> Code | Refusal:
    """8, 12, 13 or 14 digits: EAN-8, UPC-A, EAN-13, ITF-14, all as GTIN-14."""
    if not check_digits.has_check_digit(digits):
        return Refusal("check_digit", check_digits.fault(digits), "gtin")
    gtin = digits.zfill(14)
    if not gtin.strip("0"):
        return Refusal("all_zero", "the number is all zeros, which numbers nothing", "gtin")
    if len(digits) == 8:
        return Code(kind="in_store" if digits.startswith(_IN_STORE_8) else "gtin", gtin=gtin)
    if gtin.startswith("0") and gtin[1:].startswith(_IN_STORE_13):
        return read_in_store(gtin[1:], rules)
    return Code(kind="gtin", gtin=gtin)


def read_eight_digits(digits: str, rules: Rules) -> Code | Refusal:
    """EAN-8 or UPC-E, where nobody says which. The check digit decides; where it fits both, the rules do."""
    as_upc_e = read_upc_e(digits, rules)
    as_ean_8 = read_trade_item(digits, rules)
    if isinstance(as_upc_e, Refusal):
        return as_ean_8
    if isinstance(as_ean_8, Refusal) or rules.prefer_upc_e:
        return as_upc_e
    return Code(
        kind=as_ean_8.kind,
        gtin=as_ean_8.gtin,
        warnings=(
            "eight digits that are sound as UPC-E too, read as EAN-8; let the scanner send AIM identifiers",
        ),
    )


def read_upc_e(digits: str, rules: Rules) -> Code | Refusal:
    """UPC-E of 6, 7 or 8 digits, expanded to UPC-A (5.2.2.4)."""
    try:
        upc_a = Upc.parse(digits).as_upc_a()
    except ParseError:
        return Refusal("check_digit", "no UPC-E: number system or check digit is wrong", "gtin")
    return read_trade_item(upc_a, rules)


def read_in_store(digits: str, rules: Rules) -> Code | Refusal:
    """A number that means something in one shop only: 13 digits, or the 18 of a Chinese scale.

    Its check digit has been verified. The GTIN-14 of 13 digits is what a shop files the product under: price,
    weight and count set to zero, and the check digit made anew.
    """
    rule = layout_for(digits, rules)
    if rule is None:
        warning = f"no in-store layout for prefix {digits[:2]}: price and weight are not read"
        return Code(kind="in_store", gtin=f"0{digits}", warnings=(warning,))
    parts = {letter: digits[slice_of(rule.layout, letter)] for letter in "IVPWN"}
    verified = rule.layout[slice_of(rule.layout, "V").stop]
    if parts["V"] and parts["V"] != str(gs1_price_weight_check_digit(parts[verified])):
        return Refusal("check_digit", "the verifier of the price or weight is wrong", "in_store")
    kept = slice_of(rule.layout, "I").stop
    filed_under = digits[:kept].ljust(12, "0")
    return Code(
        kind="in_store",
        gtin=f"0{filed_under}{check_digits.check_digit(filed_under)}" if len(digits) == 13 else None,
        price=decimal_text(parts["P"], rule.price_decimals) if parts["P"] else None,
        weight=decimal_text(parts["W"], rule.weight_decimals) if parts["W"] else None,
        quantity=str(int(parts["N"])) if parts["N"] else None,
        attributes={"item_reference": parts["I"]},
    )


def layout_for(digits: str, rules: Rules) -> InStoreLayout | None:
    """The first configured layout that fits the length and prefix of `digits`."""
    for rule in rules.in_store:
        prefix = rule.layout[: slice_of(rule.layout, "I").start]
        if len(rule.layout) == len(digits) and digits.startswith(prefix):
            return rule
    return None
