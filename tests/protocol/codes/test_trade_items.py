"""EAN/UPC and ITF-14: bare numbers, all compared as GTIN-14."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from protocol.codes import Code, Rules, recognise

PRODUCTS = Path(__file__).parents[3] / "deploy" / "data" / "retail" / "products.csv"


@pytest.mark.parametrize(
    ("digits", "gtin"),
    [
        ("4006381333931", "04006381333931"),
        ("96385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("0036000291452", "00036000291452"),
        ("14006381333938", "14006381333938"),
        ("04006381333931", "04006381333931"),
        ("04252614", "00042100005264"),
    ],
)
def test_every_bare_trade_item_number_is_read_as_a_gtin_of_14_digits(digits: str, gtin: str) -> None:
    assert recognise(digits) == Code(kind="gtin", gtin=gtin)


def test_upc_a_and_the_ean_13_with_its_leading_zero_are_one_product() -> None:
    assert recognise(b"036000291452").gtin == recognise(b"0036000291452").gtin


@pytest.mark.parametrize("digits", ["4006381333932", "96385075", "036000291453", "14006381333939"])
def test_a_wrong_check_digit_is_refused(digits: str) -> None:
    code = recognise(digits)
    assert (code.gtin, code.refusal_cause) == (None, "check_digit")


def test_the_refusal_of_a_check_digit_says_which_one_was_expected() -> None:
    assert recognise("4006381333932").refusal == "check digit is 2, expected 1"


@pytest.mark.parametrize(
    "digits", ["00000000", "000000000000", "0" * 13, "0" * 14, "01" + "0" * 14, "00" * 10]
)
def test_a_number_of_zeros_numbers_nothing(digits: str) -> None:
    assert recognise(digits).refusal_cause == "all_zero"


def test_eight_digits_that_are_sound_only_as_ean_8_are_ean_8() -> None:
    assert recognise("40170725") == Code(kind="gtin", gtin="00000040170725")


def test_eight_digits_that_are_sound_both_ways_are_ean_8_with_a_warning() -> None:
    code = recognise("01234565")
    assert (code.gtin, len(code.warnings)) == ("00000001234565", 1)


def test_eight_digits_that_are_sound_both_ways_are_upc_e_where_the_rules_say_so() -> None:
    assert recognise("01234565", rules=Rules(prefer_upc_e=True)).gtin == "00012345000065"


@pytest.mark.parametrize(("data", "gtin"), [("01234565", "00012345000065"), ("425261", "00042100005264")])
def test_upc_e_is_expanded_where_the_scanner_says_that_it_is_upc_e(data: str, gtin: str) -> None:
    assert recognise(data, symbology="UPC-E") == Code(kind="gtin", gtin=gtin, symbology="UPC-E")


def test_upc_e_with_an_impossible_number_system_is_refused() -> None:
    assert recognise("]E091234565").refusal_cause == "check_digit"


def test_an_ean_8_in_the_range_of_shops_is_in_store() -> None:
    assert recognise("]E420123451").kind == "in_store"


def test_an_ean_8_that_also_parses_as_an_element_string_is_an_ean_8() -> None:
    assert recognise("37123451") == Code(kind="gtin", gtin="00000037123451")


def test_the_same_digits_marked_as_gs1_data_are_an_element_string() -> None:
    assert recognise("]d237123451").quantity == "123451"


def test_the_add_on_of_a_magazine_is_kept_apart() -> None:
    code = recognise("]E3977147396801205")
    assert (code.gtin, code.attributes) == ("09771473968012", {"add_on": "05"})


def test_an_add_on_does_not_hide_a_wrong_check_digit() -> None:
    assert recognise("]E3977147396801305").refusal_cause == "check_digit"


@pytest.mark.parametrize("scan", ["]E105", "]E44006381333931", "]E01234", "]E212345"])
def test_a_number_of_digits_that_an_ean_symbol_cannot_hold_is_refused(scan: str) -> None:
    assert recognise(scan).refusal_cause == "bad_value"


def test_every_product_of_a_real_catalogue_is_a_gtin() -> None:
    with PRODUCTS.open(newline="") as file:
        gtins = [row["gtin"] for row in csv.DictReader(file)]
    misread = [gtin for gtin in gtins if recognise(gtin.encode()) != Code(kind="gtin", gtin=f"0{gtin}")]
    assert (len(gtins), misread) == (4893, [])
