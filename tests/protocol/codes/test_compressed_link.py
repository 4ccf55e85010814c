"""Compressed Digital Links, whole and with the key left readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import recognise
from tests.protocol.codes.compression import compress

GTIN = "05412345000013"
SERIAL = "72292641703"


@pytest.mark.parametrize(
    ("segment", "readable"),
    [
        ("AN2yxDhfaiaw", "00/998440410914660971"),
        ("AQnYUc1gmg", f"01/{GTIN}"),
        ("AQnYUc1gmiCNV4JG", f"01/{GTIN}/10/ABC123"),
        ("AQnYUc1gmiCNV4JGQhcNT6K6c", f"01/{GTIN}/10/ABC123/21/{SERIAL}"),
        ("AQnYUc1gmiCNV4JGQhcNT6K6cibQCWN9Pee9tT-PQ", f"01/{GTIN}/22/AJY3095721P49/10/ABC123/21/{SERIAL}"),
        ("AQnYUc1gmkax7ipGrOHDPC5YNI8hMz", f"01/{GTIN}/235/8TFV883a904GH%263"),
        ("QUSaVjC_dA", "414/5060917510004"),
        ("QUSaVjC_dHBAVlCrg", "414/5060917510004/7040/5KFX"),
        ("JUa0T-eifdtOO9UFEmlYwv3Q", "414/5060917510004/254/RP56J920471"),
        ("JTLIetaiHYA", "253/3060077601309"),
        ("JVUqG5hJ5wA", "255/5678409730535"),
        ("gAYMBI_bNGwJk", "8006/054123450000130201"),
        ("IQuGp9FdPAAwYCR-2aNgTI", f"8006/054123450000130201/21/{SERIAL}"),
    ],
)
def test_a_link_compressed_by_other_software_says_what_it_said_before(segment: str, readable: str) -> None:
    assert recognise(f"https://id.gs1.org/{segment}") == recognise(f"https://id.gs1.org/{readable}")


@pytest.mark.parametrize("start", ["HTTPS://BRAND.EXAMPLE", "https://brand.example/some/path"])
def test_any_domain_and_path_may_stand_before_the_compressed_segment(start: str) -> None:
    assert recognise(f"{start}/AQnYUc1gmiCNV4JGQhcNT6K6c").item == f"01{GTIN}21{SERIAL}"


def test_the_key_may_stay_readable() -> None:
    assert recognise(f"https://a.b/01/{GTIN}/EEarwSMhC4an0V04").item == f"01{GTIN}21{SERIAL}"


def test_the_query_is_read_beside_a_compressed_segment() -> None:
    assert recognise("https://a.b/AQnYUc1gmg?17=261231&k=v").expiry == "2026-12-31"


@pytest.mark.parametrize(
    ("code", "identifiers"),
    [
        ("0C", ("01", "21")),
        ("0D", ("01", "17")),
        ("2D", ("01", "3103")),
        ("1A", ("01", "10", "21", "17")),
        ("1A", ("01", "10", "17", "21")),
        ("9D", ("414", "254")),
        ("9D", ("254", "414")),
    ],
)
def test_combinations_are_read_in_both_orders_in_use(code: str, identifiers: tuple[str, ...]) -> None:
    values = {
        "01": GTIN,
        "10": "ABC123",
        "17": "261231",
        "21": "Ser-7",
        "3103": "001250",
        "414": "5060917510004",
    }
    elements = {ai: values.get(ai, "RP56") for ai in identifiers}
    plain = recognise("]d2" + "".join(f"{ai}{value}\x1d" for ai, value in elements.items()))
    compressed = recognise(f"https://a.b/{compress(elements, (code, identifiers))}")
    assert (compressed.item, compressed.expiry, compressed.attributes) == (
        plain.item,
        plain.expiry,
        plain.attributes,
    )


def test_a_segment_that_is_sound_in_both_orders_with_different_values_is_refused() -> None:
    elements = {"01": GTIN, "10": "A", "17": "260910", "21": "9597536"}
    segment = compress(elements, ("1A", ("01", "10", "21", "17")))
    assert recognise(f"https://a.b/{segment}").refusal == "a compressed Digital Link that reads in two ways"


def test_other_keys_of_the_query_may_be_compressed_as_well() -> None:
    segment = compress({"01": GTIN}, others={"k1": "v 1", "num": "007", "hex": "beef"})
    assert recognise(f"https://a.b/{segment}").attributes == {"k1": "v 1", "num": "007", "hex": "beef"}


@pytest.mark.parametrize(
    "segment",
    [
        "AQnYUc1gmh",
        "AQnYUc1",
        "AQnYUc1gmw",
        "Dw",
        "B_____________",
        "_AAAAAAAAAAAAA",
        "6gAAAAAAAA",
        "gAgAgAgAgA",
        "AQnYUc1gmkJ____________",
        "AQnYUc1gmkH____________",
        "AQnYUc1gmvAAAAA",
    ],
)
def test_a_segment_that_is_not_sound_is_no_link(segment: str) -> None:
    assert recognise(f"https://a.b/{segment}").refusal_cause == "not_recognised"


def test_one_identifier_with_two_values_is_not_sound() -> None:
    segment = compress({"01": GTIN, "21": "A"}, ("0C", ("01", "21")))
    assert recognise(f"https://a.b/01/{GTIN}/{segment}").serial == "A"
    assert recognise(f"https://a.b/01/04912345123459/{segment}").refusal_cause == "not_recognised"


def test_a_wrong_check_digit_is_not_sound() -> None:
    assert recognise(f"https://a.b/{compress({'01': '05412345000014'})}").refusal_cause == "not_recognised"


def test_a_segment_without_a_key_is_no_link() -> None:
    assert (
        recognise(f"https://a.b/{compress({'10': 'ABC123', '17': '261231'})}").refusal_cause
        == "not_recognised"
    )


@given(
    st.text("0123456789", min_size=1, max_size=20)
    | st.text("0123456789abcdef", min_size=1, max_size=20)
    | st.text("0123456789ABCDEF", min_size=1, max_size=20)
    | st.text("ABCxyz-_09", min_size=1, max_size=20)
    | st.text("!\"%&'()*+,-./:;<=>?_Az09", min_size=1, max_size=20),
    st.text("0123456789", min_size=1, max_size=8),
)
def test_whatever_is_compressed_reads_back(serial: str, count: str) -> None:
    code = recognise(f"https://a.b/{compress({'01': GTIN, '21': serial, '30': count})}")
    assert (code.gtin, code.serial, code.quantity) == (GTIN, serial, str(int(count)))
