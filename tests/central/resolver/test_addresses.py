"""What was asked: forms of an address, and what is wrong with it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.resolver.addresses import (
    Asked,
    AskedShort,
    Elsewhere,
    Unreadable,
    concerns,
    passed_on,
    read,
)

TODAY = date(2026, 3, 2)
GTIN = "09506000134352"
TOKEN = "ABCD0123456789XYZW00"


def asked(path: str, query: str = "") -> Asked:
    found = read(path, query, "c", TODAY)
    assert isinstance(found, Asked), found
    return found


def refused(path: str, query: str = "") -> Unreadable:
    found = read(path, query, "c", TODAY)
    assert isinstance(found, Unreadable), found
    return found


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"/01/{GTIN}/21/A7K2", ""),
        (f"/01/{GTIN}/21/A7K2/", ""),
        ("/01/9506000134352/21/A7K2", ""),
        (f"/gtin/{GTIN}/ser/A7K2", ""),
        (f"/01/{GTIN}", "21=A7K2"),
        (f"/01/{GTIN}/10/LOT7/21/A7K2", ""),
        (f"/01/{GTIN}/22/2A/10/LOT7/21/A7K2", "17=270131"),
        (f"/01/{GTIN}/21/A7K2", "utm_source=x&utm_source=y&linkType=gs1:pip&fbclid=%E2%98%83"),
    ],
)
def test_every_form_of_an_address_names_the_same_item(path: str, query: str) -> None:
    assert asked(path, query).code.item == f"01{GTIN}21A7K2"


def test_an_escaped_slash_belongs_to_the_serial() -> None:
    assert asked(f"/01/{GTIN}/21/A%2FB").code.serial == "A/B"


def test_case_of_a_serial_is_kept() -> None:
    assert asked(f"/01/{GTIN}/21/aBc").code.serial == "aBc"


def test_the_path_is_that_of_the_key_and_its_qualifiers_alone() -> None:
    found = asked(f"/gtin/{GTIN}/lot/LOT7/ser/A%2fB/", "17=270131&91=K7Q3&x=y")
    assert found.path == f"/01/{GTIN}/10/LOT7/21/A%2FB"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/AQnYUc1gmg", "/01/05412345000013"),
        ("/AQnYUc1gmiCNV4JGQhcNT6K6c", "/01/05412345000013/10/ABC123/21/72292641703"),
        (f"/01/{GTIN}/EEarwSMhC4an0V04/", f"/01/{GTIN}/10/ABC123/21/72292641703"),
    ],
)
def test_a_compressed_link_is_read_in_full(path: str, expected: str) -> None:
    found = asked(path)
    assert (found.compressed, found.path) == (True, expected)


@pytest.mark.parametrize(
    ("path", "query", "cause", "words"),
    [
        ("/01/09506000134353/21/A", "", "check_digit", "expected"),
        ("/01/notagtin", "", "bad_value", "(01)"),
        ("/01", "", "bad_value", "without a value"),
        (f"/01/{GTIN}/21", "", "bad_value", "without a value"),
        (f"/01/{GTIN}/foo", "", "not_recognised", "no GS1 Digital Link"),
        (f"/01/{GTIN}/8011/5", "", "unknown_ai", "does not qualify"),
        (f"/01/{GTIN}/21/A/10/LOT", "", "bad_value", "order of the standard"),
        (f"/01/{GTIN}/21/{'A' * 21}", "", "bad_value", "(21)"),
        (f"/01/{GTIN}/21/A%2", "", "bad_value", "percent-escape"),
        (f"/01/{GTIN}/21/A", "17=270230", "bad_date", "no date"),
        (f"/01/{GTIN}/21/A", "21=B", "conflict", "two different values"),
        (f"/01/{GTIN}/21/A", "linkType=all&linkType=gs1:pip", "conflict", "linkType"),
        (f"/01/{GTIN}/21/Ä", "", "non_ascii", "ASCII"),
        (f"/01/{GTIN}/21/A", "x=" + "y" * 3000, "too_long", "characters"),
        ("/c/ABC", "", "not_recognised", "20 letters and digits"),
    ],
)
def test_what_is_not_sound_is_refused_with_the_reason(path: str, query: str, cause: str, words: str) -> None:
    fault = refused(path, query)
    assert (fault.cause, words in fault.words) == (cause, True), fault


@pytest.mark.parametrize("token", [TOKEN, TOKEN.lower()])
def test_a_short_code_is_read_under_its_own_path(token: str) -> None:
    found = read(f"/c/{token}", "linkType=linkset", "c", TODAY)
    assert isinstance(found, AskedShort)
    assert (found.short.token, found.link_type) == (TOKEN, "linkset")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("gs1:pip", "gs1:pip"),
        ("gs1%3Apip", "gs1:pip"),
        ("https%3A%2F%2Fref.gs1.org%2Fvoc%2Fpip", "gs1:pip"),
        ("https://gs1.org/voc/pip", "gs1:pip"),
        ("all", "all"),
        ("schema:Review", "schema:Review"),
    ],
)
def test_a_link_type_may_be_written_in_full_or_short(written: str, expected: str) -> None:
    assert asked(f"/01/{GTIN}", f"linkType={written}").link_type == expected


def test_a_redirection_takes_along_what_is_not_for_us_and_not_for_internal_use() -> None:
    found = asked(f"/01/{GTIN}/21/A", "linkType=gs1:pip&utm=a%20b&11=260101&91=K7Q3&92=abc&98=x")
    assert passed_on(found) == [("utm", "a b"), ("11", "260101")]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/01/{GTIN}", True),
        ("/01", True),
        ("/gtin/1", True),
        ("/00/123", True),
        ("/8006/1", True),
        ("/DBHKVAdpQgZ8cwPeXg", True),
        (f"/c/{TOKEN}", True),
        ("/c", False),
        ("/c/a/b", False),
        ("/", False),
        ("//01/1", False),
        ("/v1/nothing", False),
        ("/favicon.ico", False),
        ("/docs", False),
        ("/21/A", False),
    ],
)
def test_only_addresses_that_a_code_may_hold_concern_the_check(path: str, expected: bool) -> None:
    assert concerns(path, "c") == expected


def test_a_single_word_that_is_no_compressed_link_is_nothing_of_ours() -> None:
    assert read("/there-is-nothing-here", "", "c", TODAY) == Elsewhere()


@given(
    st.lists(
        st.sampled_from(["01", "21", "10", "00", "gtin", GTIN, "A7K2", "%", "%2F", "", "c", TOKEN])
        | st.text(max_size=20),
        max_size=8,
    ),
    st.text(max_size=60),
)
def test_any_path_and_query_is_an_answer_never_a_fault(segments: list[str], query: str) -> None:
    found = read("/" + "/".join(segments), query, "c", TODAY)
    assert isinstance(found, Asked | AskedShort | Unreadable | Elsewhere)
