"""Numbers for use in one shop: EAN-13 with price or weight, and the 18 digits of a Chinese scale."""

from __future__ import annotations

import pytest

from protocol.codes import Code, InStoreLayout, Rules, RulesError, recognise

RULES = Rules(
    in_store=(
        InStoreLayout(layout="21IIIIIPPPPPC"),
        InStoreLayout(layout="23IIIIIPPPPPC", price_decimals=0),
        InStoreLayout(layout="02IIIIIVPPPPC"),
        InStoreLayout(layout="24IIIIVWWWWWC"),
        InStoreLayout(layout="28IIIIINNNNNC"),
        InStoreLayout(layout="29IIIIIIIIIIC"),
        InStoreLayout(layout="22IIIIIPPPPPWWWWWC"),
    )
)


def test_the_price_is_read_and_the_product_is_filed_under_price_zero() -> None:
    assert recognise("2112345006789", rules=RULES) == Code(
        kind="in_store", gtin="02112345000008", price="6.78", attributes={"item_reference": "12345"}
    )


def test_a_currency_without_decimals_has_a_price_without_decimals() -> None:
    assert recognise("2312345006783", rules=RULES).price == "678"


def test_a_price_with_the_right_verifier_is_read() -> None:
    assert recognise("0212345928752", rules=RULES).price == "28.75"


def test_a_price_with_the_wrong_verifier_is_refused() -> None:
    code = recognise("0212345828755", rules=RULES)
    assert (code.gtin, code.refusal) == (None, "the verifier of the price or weight is wrong")


def test_a_weight_with_its_verifier_is_read() -> None:
    assert recognise("2412346146850", rules=RULES).weight == "14.685"


def test_a_count_is_read() -> None:
    assert recognise("2812345000120", rules=RULES).quantity == "12"


def test_a_layout_of_an_item_alone_keeps_the_number() -> None:
    assert recognise("2912345678906", rules=RULES).gtin == "02912345678906"


def test_upc_a_of_the_shop_is_the_same_as_its_ean_13() -> None:
    assert recognise("212345928752", rules=RULES) == recognise("0212345928752", rules=RULES)


def test_the_18_digits_of_a_scale_give_price_and_weight() -> None:
    assert recognise("221234501250005004", rules=RULES) == Code(
        kind="in_store", price="12.50", weight="0.500", attributes={"item_reference": "12345"}
    )


def test_the_18_digits_of_a_scale_have_a_check_digit() -> None:
    code = recognise("221234501250005005", rules=RULES)
    assert (code.kind, code.refusal_cause) == ("in_store", "check_digit")


@pytest.mark.parametrize("digits", ["2112345006789", "0412345678903", "0212345928752"])
def test_without_a_layout_the_number_is_kept_and_a_warning_says_so(digits: str) -> None:
    code = recognise(digits)
    assert (code.kind, code.gtin, code.price, len(code.warnings)) == ("in_store", f"0{digits}", None, 1)


@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        ("", "expected a prefix"),
        ("21IIIIIPPPPP", "expected a prefix"),
        ("21IIPPIPPPPPC", "expected a prefix"),
        ("21IIIIIVNNNNC", "expected a prefix"),
        ("IIIIIIIIPPPPC", "expected a prefix"),
        ("21IIIIPPPPPC", "expected 13 or 18 digits, got 12"),
        ("40IIIIIPPPPPC", "begins with 02, 04 or 20 to 29"),
        ("28IIIIIPPPPPWWWWWC", "phone's payment code"),
        ("13IIIIIPPPPPWWWWWC", "phone's payment code"),
        ("2IIIIIIPPPPPWWWWWC", "phone's payment code"),
        ("21IIIIIIVPPPC", "4 or 5 digits"),
    ],
)
def test_a_layout_that_cannot_be_applied_is_refused_when_it_is_configured(layout: str, reason: str) -> None:
    with pytest.raises(RulesError, match=reason):
        InStoreLayout(layout=layout)
