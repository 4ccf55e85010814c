"""GS1 Digital Link: any domain, any case of scheme and host, escapes, attributes in the query."""

from __future__ import annotations

import pytest

from protocol.codes import Code, recognise

GTIN = "04912345123459"


def test_a_link_is_read_as_the_element_string_it_stands_for() -> None:
    link = recognise(f"https://id.gs1.org/01/{GTIN}/10/LOT7/21/A1?17=261231&3103=001250")
    assert link == recognise(f"01{GTIN}3103001250" + "17261231" + "10LOT7\x1d21A1")


@pytest.mark.parametrize(
    "start",
    [
        "HTTPS://ID.GS1.ORG",
        "http://brand.example:8080",
        "https://brand.example/a/b/c",
        "https://brand.example/00/x",
        "HtTp://xn--fiq228c.example",
    ],
)
def test_any_domain_and_path_before_the_key_will_do(start: str) -> None:
    assert recognise(f"{start}/01/{GTIN}/21/A1").item == f"01{GTIN}21A1"


@pytest.mark.parametrize("mark", ["]Q1", "]d1", "]Q3", "]Q0", ""])
def test_a_link_is_read_in_every_symbology(mark: str) -> None:
    assert recognise(f"{mark}https://a.b/01/{GTIN}/21/A1").item == f"01{GTIN}21A1"


def test_percent_escapes_are_undone() -> None:
    assert recognise(f"https://a.b/01/{GTIN}/21/A%2Fb%2B%25%3c").serial == "A/b+%<"


def test_a_plus_stands_for_itself() -> None:
    assert recognise(f"https://a.b/01/{GTIN}/21/A+B").serial == "A+B"


def test_further_query_keys_are_attributes() -> None:
    code = recognise(f"https://a.b/01/{GTIN}?linkType=gs1:pip&lang=zh&note=%E4%B8%AD&flag")
    assert code.attributes == {"linkType": "gs1:pip", "lang": "zh", "note": "中", "flag": ""}


def test_an_identifier_in_escapes_is_that_identifier() -> None:
    assert recognise(f"https://a.b/01/{GTIN}?%32%31=A%20B").refusal_cause == "bad_value"


@pytest.mark.parametrize("key", ["310s", "310\x1d", "3103x", "392s"])
def test_a_further_key_that_resembles_an_identifier_is_an_attribute(key: str) -> None:
    code = recognise(f"https://a.b/01/{GTIN}?{key}=001250")
    assert (code.weight, code.price, list(code.attributes.values())) == (None, None, ["001250"])


def test_a_semicolon_parts_the_query_too() -> None:
    assert recognise(f"https://a.b/01/{GTIN}?17=261231;10=B").batch == "B"


def test_a_fragment_and_a_slash_at_the_end_say_nothing() -> None:
    assert recognise(f"https://a.b/01/{GTIN}/?#top") == Code(kind="gtin", gtin=GTIN)


@pytest.mark.parametrize("number", ["4912345123459", "04912345123459"])
def test_a_shorter_gtin_is_filled_up(number: str) -> None:
    assert recognise(f"https://a.b/01/{number}").gtin == GTIN


def test_a_gtin_8_and_a_gtin_12_are_filled_up() -> None:
    gtins = [recognise(f"https://a.b/01/{number}").gtin for number in ("96385074", "036000291452")]
    assert gtins == ["00000096385074", "00036000291452"]


def test_the_short_names_of_the_first_versions_are_known() -> None:
    link = recognise(f"https://a.b/gtin/{GTIN}/lot/B/ser/A1?exp=261231")
    assert link == recognise(f"https://a.b/01/{GTIN}/10/B/21/A1?17=261231")


def test_a_pallet_in_a_link_is_its_sscc() -> None:
    code = recognise(f"https://a.b/00/106141412345678908?02={GTIN}&37=25")
    assert (code.item, code.quantity, code.attributes) == ("00106141412345678908", "25", {"02": GTIN})


def test_another_key_is_an_element_string() -> None:
    assert recognise("https://a.b/414/4912345123459/254/7").attributes == {"414": "4912345123459", "254": "7"}


def test_a_value_that_looks_like_a_key_is_a_value() -> None:
    assert recognise(f"https://a.b/01/{GTIN}/21/01").serial == "01"


def test_the_serial_in_the_query_again_is_one() -> None:
    assert recognise(f"https://a.b/01/{GTIN}/21/A1?21=A1").serial == "A1"


def test_qualifiers_out_of_order_are_read_with_a_warning() -> None:
    code = recognise(f"https://a.b/01/{GTIN}/21/A1/10/B")
    assert (code.item, code.warnings) == (
        f"01{GTIN}21A1",
        ("the qualifiers in the path are not in the order of the standard",),
    )


def test_a_number_in_the_query_that_is_no_identifier_is_left_out_with_a_warning() -> None:
    code = recognise(f"https://a.b/01/{GTIN}?9812=x&05=y")
    assert (code.attributes, len(code.warnings)) == ({}, 2)


@pytest.mark.parametrize(
    ("rest", "kind", "cause"),
    [
        ("01/04912345123458/21/A1", "gtin", "check_digit"),
        ("01/00000000000000", "gtin", "all_zero"),
        (f"01/{GTIN}/21/A1?21=B", "sgtin", "conflict"),
        (f"01/{GTIN}?17=261331", "gtin", "bad_value"),
        (f"01/{GTIN}?17=260230", "gtin", "bad_date"),
        (f"01/{GTIN}/21/A%2", "sgtin", "bad_value"),
        (f"01/{GTIN}/21/A%FF", "sgtin", "bad_value"),
        (f"01/{GTIN}/21/A%20B", "sgtin", "bad_value"),
        (f"01/{GTIN}/21/{'A' * 21}", "sgtin", "bad_value"),
        (f"01/{GTIN}/414/4912345123459", "gtin", "unknown_ai"),
        (f"01/{GTIN}/21/A/22", "gtin", "bad_value"),
        (f"01/{GTIN}/21/", "gtin", "bad_value"),
        (f"01/{GTIN}?x=%2", "gtin", "bad_value"),
        (f"01/{GTIN}?=x", "gtin", "bad_value"),
        (f"01/{GTIN}?x=1&x=2", "gtin", "conflict"),
        (f"01/{GTIN}/no!thing", "gtin", "not_recognised"),
        (f"01/{GTIN}?02=04912345123459", "gtin", "conflict"),
        ("01", "unknown", "not_recognised"),
        ("", "unknown", "not_recognised"),
        ("products/blue-shirt", "unknown", "not_recognised"),
        ("products/blue%20shirt?id=1", "unknown", "not_recognised"),
    ],
)
def test_a_fault_in_a_link_refuses_it(rest: str, kind: str, cause: str) -> None:
    code = recognise(f"https://a.b/{rest}")
    assert (code.kind, code.gtin, code.refusal_cause) == (kind, None, cause)


@pytest.mark.parametrize("link", ["https://", "http://?x", "https:///01/04912345123459"])
def test_an_address_without_a_host_is_refused(link: str) -> None:
    assert recognise(link).refusal == "a web address without a host"
