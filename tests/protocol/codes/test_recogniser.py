"""What surrounds the data: framing, symbology identifiers, lengths, characters; and that nothing ever raises."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.codes import MAX_LENGTH, Code, Rules, recognise
from tests.protocol.codes.fuzz import fuzz

EAN_13 = Code(kind="gtin", gtin="04006381333931")
ITEM = "010491234512345921A1"


@pytest.mark.parametrize(
    "scan",
    ["4006381333931\r\n", b"\t4006381333931\r", " 4006381333931 ", b"4006381333931\0", b"4006381333931\n"],
)
def test_what_a_scanner_puts_around_the_data_is_taken_off(scan: bytes | str) -> None:
    assert recognise(scan) == EAN_13


@pytest.mark.parametrize("scan", ["", b"", " \r\n", "\x1d", "]d2", "]C1\x1d"])
def test_an_empty_scan_is_refused(scan: bytes | str) -> None:
    assert recognise(scan).refusal_cause == "empty"


@pytest.mark.parametrize("scan", ["]", "]]", "]d", "]y1x", "]E", "]\x1d1", "] 01", "]d\x1d2"])
def test_a_bracket_without_a_known_symbology_is_refused(scan: str) -> None:
    code = recognise(scan)
    assert (code.kind, code.refusal) == ("unknown", "']' without a known AIM symbology identifier")


def test_the_longest_scan_is_read_and_a_longer_one_is_refused() -> None:
    link = f"https://a.b/01/04912345123459/21/A1?x={'y' * MAX_LENGTH}"
    assert recognise(link[:MAX_LENGTH]).item == ITEM
    assert recognise(link[: MAX_LENGTH + 1]).refusal == "2049 characters, at most 2048 are read"


def test_ten_kilobytes_of_noise_are_refused_for_their_length() -> None:
    assert recognise(bytes(range(1, 251)) * 40).refusal_cause == "too_long"


@pytest.mark.parametrize(
    "scan",
    [
        "中文",
        b"\xff\xfe",
        "４００６３８１３３３９３１",
        "400638133393\u0661",
        "é0104912345123459",
        "\ud800",
        b"\xe4\xb8\xad",
    ],
)
def test_a_character_outside_ascii_is_refused(scan: bytes | str) -> None:
    assert recognise(scan).refusal_cause == "non_ascii"


@pytest.mark.parametrize(
    "scan",
    ["à&é\"'(-è_çà&é", "httpsÖ--id.gs1.org-01-04912345123459", "httpsç//x", "HTTPS>&&ID.GS1.ORG", "http;++x"],
)
def test_a_scan_typed_for_another_keyboard_layout_is_named_as_such(scan: str) -> None:
    assert recognise(scan).refusal_cause == "layout"


@pytest.mark.parametrize(
    "scan", ["hello", "123", "-", "M1", "1234567", "A104912345123459", "0104912", "httpd", "9" * 21]
)
def test_a_scan_that_is_nothing_known_is_refused(scan: str) -> None:
    assert recognise(scan) == Code(
        kind="unknown", refusal="no code that is known here", refusal_cause="not_recognised"
    )


@pytest.mark.parametrize(
    ("symbology", "words"),
    [
        ("]d2", "GS1 DataMatrix"),
        ("d2", "GS1 DataMatrix"),
        ("gs1 datamatrix", "GS1 DataMatrix"),
        ("]C0", "Code 128"),
        ("QR Code", "QR Code"),
        ("something new", "something new"),
        ("xyz", "xyz"),
    ],
)
def test_the_symbology_may_be_told_apart_from_the_data(symbology: str, words: str) -> None:
    code = recognise(ITEM, symbology=symbology)
    assert (code.symbology, code.item) == (words, ITEM)


def test_the_identifier_in_the_data_wins_over_what_is_told_apart() -> None:
    assert recognise(f"]Q3{ITEM}", symbology="]d2").symbology == "GS1 QR Code"


def test_a_symbology_nobody_told_is_not_made_up() -> None:
    assert recognise("4006381333931").symbology is None


def test_a_refusal_keeps_the_symbology() -> None:
    assert recognise("]E04006381333932").symbology == "EAN-13"


def test_an_itf_14_is_a_gtin() -> None:
    assert recognise("]I114006381333938") == Code(kind="gtin", gtin="14006381333938", symbology="ITF-14")


def test_a_number_that_is_no_ean_in_an_ean_symbol_is_refused() -> None:
    assert recognise("]E0ABC").refusal_cause == "not_recognised"


def test_what_is_returned_goes_through_json_and_back() -> None:
    code = recognise(f"]d2{ITEM}\x1d10B")
    assert msgspec.json.decode(msgspec.json.encode(code), type=Code) == code


RULES = Rules(
    private_patterns=(r"https://b\.example/(\w+)",), member_patterns=(r"M\d+",), control_keys=(b"k" * 16,)
)


@given(
    st.binary(max_size=200)
    | st.text(max_size=200)
    | st.from_regex(r"\A[\]()0-9A-Za-z/:.%?&=<> \x1d-]{0,80}\Z"),
    st.none() | st.text(max_size=5) | st.sampled_from(("]d2", "]E0", "EAN-8", "]C0")),
)
@example(b"]", None)
@example("\ud800", "\ud800")
@example("https://a.b/01", None)
def test_any_bytes_are_a_value_or_a_refusal_with_a_cause(raw: bytes | str, symbology: str | None) -> None:
    for rules in (Rules(), RULES):
        code = recognise(raw, symbology=symbology, rules=rules)
        refused = (code.gtin, code.sscc, code.item) == (None, None, None) and bool(code.refusal_cause)
        assert refused if code.refusal else code.kind not in ("unknown", "payment_code")


def test_a_slice_of_the_fuzzing_run_finds_nothing() -> None:
    assert fuzz(count=3000, seed=1) == []


def test_a_blank_behind_the_symbology_identifier_is_taken_off() -> None:
    assert recognise(f"]d2 {ITEM}").item == ITEM


@pytest.mark.parametrize("name", ["zzz", "dm1"])
def test_a_name_of_three_letters_is_no_symbology_identifier(name: str) -> None:
    assert recognise("4006381333931", symbology=name).symbology == name
