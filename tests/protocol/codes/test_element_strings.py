"""GS1 element strings, marked, unmarked and typed with brackets."""

from __future__ import annotations

import datetime as dt

import pytest

from protocol.codes import Code, full_date, recognise

GTIN = "04912345123459"
SSCC = "106141412345678908"


def test_a_full_label_is_read_field_by_field() -> None:
    label = f"]d201{GTIN}1726123115261130112601013103001250" + "39221250\x1d2112345678\x1d10LOT7\x1d240X/1"
    assert recognise(label) == Code(
        kind="sgtin",
        gtin=GTIN,
        serial="12345678",
        batch="LOT7",
        expiry="2026-12-31",
        price="12.50",
        weight="1.250",
        attributes={"15": "261130", "11": "260101", "240": "X/1"},
        symbology="GS1 DataMatrix",
        item=f"01{GTIN}2112345678",
    )


@pytest.mark.parametrize("mark", ["]C1", "]e0", "]d2", "]Q3", "]J1"])
def test_every_gs1_symbology_carries_element_strings(mark: str) -> None:
    assert recognise(f"{mark}01{GTIN}21A1").item == f"01{GTIN}21A1"


def test_element_strings_are_read_without_any_mark() -> None:
    assert recognise(f"01{GTIN}21A1").item == f"01{GTIN}21A1"


def test_the_order_of_elements_does_not_matter() -> None:
    assert recognise(f"21A1\x1d10B\x1d01{GTIN}") == recognise(f"01{GTIN}10B\x1d21A1")


def test_separators_in_front_at_the_end_and_twice_are_tolerated() -> None:
    assert recognise(f"\x1d01{GTIN}\x1d21A1\x1d\x1d10B\x1d\r\n") == recognise(f"01{GTIN}21A1\x1d10B")


def test_gs1_data_in_a_symbol_that_does_not_say_so_is_read_with_a_warning() -> None:
    assert recognise(f"]d101{GTIN}21A1").warnings == ("GS1 data in a plain Data Matrix symbol",)


def test_the_case_of_a_serial_is_kept() -> None:
    assert recognise(f"01{GTIN}21aBc").item != recognise(f"01{GTIN}21ABC").item


@pytest.mark.parametrize("serial", ["A10B21C", "2117AB", "01X01", "X10", "A211B", "00", "1", "9991X"])
def test_the_digits_of_identifiers_inside_a_serial_are_part_of_it(serial: str) -> None:
    assert recognise(f"]d201{GTIN}21{serial}").serial == serial


def test_the_check_digit_of_the_gtin_inside_is_verified() -> None:
    code = recognise("]d2010491234512345821A1")
    assert (code.kind, code.gtin, code.item, code.refusal) == (
        "gtin",
        None,
        None,
        "(01) check digit is 8, expected 9",
    )


@pytest.mark.parametrize(
    "label",
    [
        f"00{SSCC[:-1]}9",
        "0204912345123458375",
        "4144912345123450",
        "8006049123451234580101",
        "40212345678901234561",
        "80131987654Ad4X4bL5ttr2310c2X",
    ],
)
def test_every_check_digit_inside_is_verified(label: str) -> None:
    assert recognise(f"]C1{label}").refusal_cause == "check_digit"


def test_two_different_serials_in_one_label_are_refused() -> None:
    code = recognise(f"01{GTIN}21A\x1d21B")
    assert (code.serial, code.refusal) == (None, "two different values for (21) in one label")


def test_the_same_element_twice_is_one() -> None:
    assert recognise(f"01{GTIN}21A\x1d21A") == recognise(f"01{GTIN}21A")


def test_the_check_characters_of_a_model_number_are_those_of_the_standard() -> None:
    assert recognise("(8013)1987654Ad4X4bL5ttr2310c2K").attributes == {"8013": "1987654Ad4X4bL5ttr2310c2K"}


@pytest.mark.parametrize("other", ["0204912345123459", "0304912345123459", "8006049123451234590101"])
def test_two_ways_to_number_the_product_exclude_each_other(other: str) -> None:
    assert recognise(f"]d201{GTIN}{other}").refusal_cause == "conflict"


@pytest.mark.parametrize("pair", ["3712", "21A\x1d235B", "2559501101020917"])
def test_elements_that_exclude_each_other_refuse_the_label(pair: str) -> None:
    assert recognise(f"]d201{GTIN}{pair}").refusal_cause == "conflict"


@pytest.mark.parametrize("pieces", ["0302", "0002", "0000"])
def test_a_piece_that_there_is_not_is_believed_with_a_warning(pieces: str) -> None:
    assert recognise(f"]d28006{GTIN}{pieces}").warnings == (f"(8006) is piece {pieces[:2]} of {pieces[2:]}",)


@pytest.mark.parametrize("pair", ["31030012503102001250", "39221250\x1d39231250", "39221250\x1d39329781251"])
def test_two_weights_or_prices_that_differ_are_refused(pair: str) -> None:
    assert recognise(f"]d201{GTIN}{pair}").refusal_cause == "conflict"


def test_a_price_with_its_currency_is_a_price_and_keeps_the_currency() -> None:
    code = recognise(f"]d201{GTIN}39329781250")
    assert (code.price, code.attributes) == ("12.50", {"3932": "9781250"})


@pytest.mark.parametrize(
    ("element", "price"),
    [("39201250", "1250"), ("39235", "0.005"), ("3922000", "0.00"), ("39281", "0.00000001")],
)
def test_a_price_is_an_exact_decimal(element: str, price: str) -> None:
    assert recognise(f"]d201{GTIN}{element}").price == price


def test_a_count_of_pieces_is_the_quantity() -> None:
    assert recognise(f"]d201{GTIN}30012").quantity == "12"


def test_a_pallet_is_its_sscc_with_content_and_count() -> None:
    assert recognise(f"]C100{SSCC}02{GTIN}3725") == Code(
        kind="sscc",
        sscc=SSCC,
        quantity="25",
        attributes={"02": GTIN},
        symbology="GS1-128",
        item=f"00{SSCC}",
    )


def test_a_piece_of_an_item_has_an_id_of_its_own() -> None:
    code = recognise(f"]d28006{GTIN}0102\x1d21S1")
    assert (code.kind, code.gtin, code.item) == ("sgtin", GTIN, f"8006{GTIN}010221S1")


def test_data_without_a_product_or_unit_is_an_element_string() -> None:
    assert recognise("]C110LOT7") == Code(kind="element_string", batch="LOT7", symbology="GS1-128")


def test_unmarked_data_without_a_product_or_unit_is_not_believed() -> None:
    assert recognise("10LOT7").refusal_cause == "not_recognised"


def test_a_crypto_tail_is_kept() -> None:
    code = recognise("0104600439931256215+Q!l9dGVz'B*\x1d91EE06\x1d92mZ3xY0ab+/=")
    assert (code.serial, code.attributes) == ("5+Q!l9dGVz'B*", {"91": "EE06", "92": "mZ3xY0ab+/="})


@pytest.mark.parametrize(
    ("label", "cause"),
    [
        ("]d2", "empty"),
        ("]d2xyz", "unknown_ai"),
        ("]d20812", "unknown_ai"),
        ("]d20104912", "bad_value"),
        (f"]d201{GTIN}21", "bad_value"),
        (f"]d201{GTIN}21A^B", "bad_value"),
        (f"]d201{GTIN}17261331", "bad_value"),
        (f"]d201{GTIN}17260230", "bad_date"),
        (f"]d201{GTIN}17260010", "bad_date"),
        (f"]d201{GTIN}70032602302359", "bad_date"),
        (f"]d201{GTIN}70032612312460", "bad_date"),
        (f"]d201{GTIN}7007260101261301", "bad_date"),
        (f"]d201{GTIN}70032612001200", "bad_date"),
        (f"]d201{GTIN}70112612312460", "bad_date"),
        (f"]C100{SSCC}43242612312460", "bad_date"),
        (f"]d201{GTIN}37XY", "bad_value"),
    ],
)
def test_a_fault_in_an_element_refuses_the_label_with_its_cause(label: str, cause: str) -> None:
    code = recognise(label)
    assert (code.gtin, code.refusal_cause) == (None, cause)


def test_the_hour_of_expiry_gives_the_day_of_expiry() -> None:
    code = recognise(f"]d201{GTIN}70032612311830")
    assert (code.expiry, code.attributes) == ("2026-12-31", {"7003": "2612311830"})


def test_a_delivery_date_may_have_no_day_and_no_time() -> None:
    assert recognise(f"]C100{SSCC}43242612009999").attributes == {"4324": "2612009999"}


@pytest.mark.parametrize(
    ("printed", "expiry"), [("260200", "2026-02-28"), ("280200", "2028-02-29"), ("261200", "2026-12-31")]
)
def test_day_00_is_the_last_day_of_the_month(printed: str, expiry: str) -> None:
    assert recognise(f"01{GTIN}17{printed}").expiry == expiry


@pytest.mark.parametrize(
    ("year", "yymmdd", "expected"),
    [
        (2026, "760101", 2076),
        (2026, "770101", 1977),
        (2026, "000101", 2000),
        (2060, "100101", 2110),
        (2060, "110101", 2011),
        (2060, "990101", 2099),
        (1999, "480101", 2048),
        (1999, "500101", 1950),
    ],
)
def test_the_century_is_the_one_within_49_years_back_and_50_ahead(
    year: int, yymmdd: str, expected: int
) -> None:
    date = full_date(yymmdd, dt.date(year, 6, 1))
    assert date is not None
    assert date.year == expected


def test_a_year_beyond_the_calendar_is_no_date() -> None:
    assert full_date("000101", dt.date(9999, 1, 1)) is None


def test_today_reaches_the_dates_of_every_carrier() -> None:
    today = dt.date(2060, 1, 1)
    expiries = {
        recognise(scan, today=today).expiry
        for scan in (f"01{GTIN}17100101", f"(01){GTIN}(17)100101", f"https://a.b/01/{GTIN}?17=100101")
    }
    assert expiries == {"2110-01-01"}


def test_what_a_person_copies_from_beside_the_symbol_is_accepted() -> None:
    assert recognise(f"(01){GTIN}(21)A1(10)B") == recognise(f"01{GTIN}21A1\x1d10B")


def test_blanks_between_typed_elements_are_tolerated() -> None:
    assert recognise(f" (01) {GTIN} (21) A1 ") == recognise(f"01{GTIN}21A1")


def test_brackets_inside_a_typed_value_belong_to_it() -> None:
    assert recognise(f"(01){GTIN}(21)A(1)(05)").serial == "A(1)(05)"


@pytest.mark.parametrize(
    ("typed", "cause"),
    [
        ("(", "unknown_ai"),
        ("(05)1", "unknown_ai"),
        (f"(x)(01){GTIN}", "unknown_ai"),
        ("(01)04912345123458", "check_digit"),
        (f"(01){GTIN}(21)A(21)B", "conflict"),
        (f"(01){GTIN}(21)", "bad_value"),
    ],
)
def test_a_fault_in_typed_brackets_refuses_them(typed: str, cause: str) -> None:
    assert recognise(typed).refusal_cause == cause
