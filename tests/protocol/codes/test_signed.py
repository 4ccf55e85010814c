"""The signed part of a label: what we sign reads back, and whatever is altered is not what was signed."""

from __future__ import annotations

from base64 import b64encode
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.codes import Code, RenderError, recognise, render_digital_link, render_element_string
from protocol.codes.signed import (
    BadTail,
    Tail,
    has_lost_its_case,
    misreadings,
    read_tail,
    signed_bytes,
    signed_bytes_of,
    tail_elements,
)
from tests.protocol.codes.test_render import gtins, values

GTIN, SERIAL, DAY = "04912345123459", "K7Q3-a_B.9", date(2026, 9, 21)
SIGNATURE = bytes(range(64))
key_ids = st.from_regex(r"\A[0-9A-Za-z]{4}\Z")
days = st.dates(date(2000, 1, 1), date(2000, 1, 1) + timedelta(days=65535))
signatures = st.binary(min_size=64, max_size=64)
expiries = st.none() | st.dates(date(1976, 1, 1), date(2075, 12, 31)).map(date.isoformat)


class Facts(NamedTuple):
    """Everything that is signed."""

    key_id: str
    gtin: str
    serial: str
    day: date
    batch: str | None
    expiry: str | None

    def as_signed(self) -> bytes:
        return signed_bytes(**self._asdict())

    def as_printed(self, signature: bytes) -> dict[str, str]:
        elements = elements_of(self.gtin, self.serial, self.batch, self.expiry)
        return elements | tail_elements(self.key_id, self.day, signature)


signed = st.builds(
    Facts,
    key_id=key_ids,
    gtin=gtins,
    serial=values(max_size=20),
    day=days,
    batch=st.none() | values(max_size=20),
    expiry=expiries,
)


def elements_of(
    gtin: str = GTIN, serial: str = SERIAL, batch: str | None = None, expiry: str | None = None
) -> dict[str, str]:
    label = {"01": gtin, "21": serial}
    if batch is not None:
        label["10"] = batch
    if expiry is not None:
        label["17"] = date.fromisoformat(expiry).strftime("%y%m%d")
    return label


def label(signature: bytes = SIGNATURE) -> dict[str, str]:
    return elements_of() | tail_elements("K7Q3", DAY, signature)


def read(text: str) -> Tail | BadTail | None:
    return read_tail(recognise(text))


# -- it reads back ----------------------------------------------------------------------------------------------------


@given(signed, signatures, st.sampled_from(("", "]d2", "]C1", "]Q3")))
def test_what_is_signed_and_printed_as_an_element_string_reads_back(
    facts: Facts, signature: bytes, mark: str
) -> None:
    code = recognise(mark + render_element_string(facts.as_printed(signature)))
    tail = read_tail(code)
    assert tail == Tail(key_id=facts.key_id, day=facts.day, signature=signature)
    assert signed_bytes_of(code, tail) == facts.as_signed()


@given(signed, signatures, st.sampled_from(("https://id.gs1.org", "HTTPS://BRAND.EXAMPLE", "http://a.b/c/")))
def test_what_is_signed_and_printed_as_a_digital_link_reads_back(
    facts: Facts, signature: bytes, domain: str
) -> None:
    code = recognise(render_digital_link(facts.as_printed(signature), domain))
    tail = read_tail(code)
    assert tail == Tail(key_id=facts.key_id, day=facts.day, signature=signature)
    assert signed_bytes_of(code, tail) == facts.as_signed()


def test_the_tail_stands_behind_a_separator_in_an_element_string_and_in_the_query_of_a_link() -> None:
    tail = tail_elements("K7Q3", DAY, SIGNATURE)
    assert (render_element_string(label()), render_digital_link(label(), "HTTPS://B.EXAMPLE")) == (
        f"01{GTIN}21{SERIAL}\x1d91K7Q3\x1d92{tail['92']}",
        f"HTTPS://B.EXAMPLE/01/{GTIN}/21/{SERIAL}?91=K7Q3&92={tail['92']}",
    )


def test_a_label_whose_separator_before_the_tail_is_lost_is_refused_and_not_called_forged() -> None:
    code = recognise(render_element_string(label()).replace("\x1d", ""))
    assert (code.refusal_cause, read_tail(code)) == ("separator_missing", None)


# -- what is altered shows --------------------------------------------------------------------------------------------


@given(signed, st.sampled_from(Facts._fields), signed)
def test_another_key_product_serial_batch_expiry_or_day_is_not_what_was_signed(
    facts: Facts, field: str, others: Facts
) -> None:
    altered = facts._replace(**{field: getattr(others, field)})
    assume(altered != facts)
    assert altered.as_signed() != facts.as_signed()


@given(signed, signed)
def test_two_labels_never_share_what_is_signed(facts: Facts, others: Facts) -> None:
    assert (facts.as_signed() == others.as_signed()) == (facts == others)


def test_the_century_of_an_expiry_hangs_on_the_clock_and_not_on_what_was_signed() -> None:
    printed = render_element_string(label() | {"17": "700131"})
    early, late = (recognise(printed, today=date(year, 1, 1)) for year in (2016, 2026))
    tail = read_tail(late)
    assert (early.expiry, late.expiry) == ("1970-01-31", "2070-01-31")
    assert isinstance(tail, Tail)
    assert signed_bytes_of(early, tail) == signed_bytes_of(late, tail)


@pytest.mark.parametrize(
    "elements",
    [
        {"8006": f"{GTIN}0102", "21": SERIAL},  # one piece of the item: an id of its own
        {"00": "106141412345678908", "01": GTIN, "21": SERIAL},  # a case that holds it
        {"01": GTIN},
    ],
)
def test_the_tail_of_an_item_proves_nothing_on_a_label_of_something_else(elements: dict[str, str]) -> None:
    found = read(render_element_string({**elements, **tail_elements("K7Q3", DAY, SIGNATURE)}))
    assert found == BadTail(
        "K7Q3", "its signed part is that of a single item, and the label does not name one"
    )


# -- what is not ours -------------------------------------------------------------------------------------------------


def test_a_chestny_znak_label_is_somebody_elses() -> None:
    tail = b64encode(SIGNATURE).decode()
    assert (len(tail), read(f"]d201{GTIN}21aB3dE6g\x1d91EE06\x1d92{tail}")) == (88, None)


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"91": "K7Q3"},
        {"92": "A" * 88},
        {"91": "K7Q", "92": "A" * 88},
        {"91": "K7QéÄ", "92": "A" * 88},
        {"91": "K7Q3", "92": "A" * 87},
        {"91": "K7Q3", "92": "A" * 87 + "="},
        {"91": "K7Q3", "92": "A" * 87 + "+"},
        {"91": "K7Q3", "92": "A" * 88 + "\n"},
    ],
)
def test_what_has_not_our_shape_is_somebody_elses(attributes: dict[str, str]) -> None:
    code = Code(kind="sgtin", gtin=GTIN, serial="A", item=f"01{GTIN}21A", attributes=attributes)
    assert read_tail(code) is None


@given(
    st.builds(
        Code,
        kind=st.sampled_from(("sgtin", "gtin", "private", "unknown")),
        gtin=st.none() | st.text(),
        serial=st.none() | st.text(),
        item=st.none() | st.text(),
        attributes=st.dictionaries(st.sampled_from(("91", "92", "240")), st.text()),
    )
)
def test_any_code_has_a_tail_or_a_bad_one_or_none(code: Code) -> None:
    assert isinstance(read_tail(code), Tail | BadTail | None)
    assert len(list(misreadings(code))) in (0, 2)


@given(st.binary() | signatures.map(lambda signature: render_element_string(label(signature)).encode()))
def test_any_scan_has_a_tail_or_a_bad_one_or_none(raw: bytes) -> None:
    assert isinstance(read_tail(recognise(raw)), Tail | BadTail | None)


# -- what is printed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_id", ["", "K7Q", "K7Q34", "K7Q-", "K7Qé", "١٢٣٤"])
def test_a_key_that_no_label_could_carry_is_refused(key_id: str) -> None:
    with pytest.raises(RenderError, match="expected 4 letters and digits"):
        tail_elements(key_id, DAY, SIGNATURE)


@pytest.mark.parametrize(
    ("day", "signature"), [(DAY, b""), (date(1999, 12, 31), SIGNATURE), (date(2179, 6, 7), SIGNATURE)]
)
def test_a_signature_or_day_that_does_not_fit_is_refused(day: date, signature: bytes) -> None:
    with pytest.raises(RenderError, match="expected 64 bytes, from 2000-01-01 to 2179-06-06"):
        tail_elements("K7Q3", day, signature)


# -- garbled on the way -----------------------------------------------------------------------------------------------


@given(signatures)
def test_a_label_read_with_caps_lock_on_is_found_among_its_misreadings(signature: bytes) -> None:
    code = recognise(render_element_string(label(signature)))
    garbled = recognise(render_element_string(label(signature)).swapcase())
    assert code in [meant for meant, _ in misreadings(garbled)]


@given(signatures)
def test_a_label_read_through_another_countrys_keys_is_found_among_its_misreadings(signature: bytes) -> None:
    fields = label(signature) | {"21": "YzA4"}
    printed = render_element_string(fields)
    typed = printed.translate(str.maketrans("yzYZ-_", "zyZY/?"))
    assert recognise(printed) in [meant for meant, _ in misreadings(recognise(typed))]


def test_a_tail_in_capitals_alone_was_changed_on_its_way() -> None:
    code = recognise(render_element_string(label()))
    shouted = msgspec.structs.replace(code, attributes={"91": "K7Q3", "92": code.attributes["92"].upper()})
    assert (has_lost_its_case(code), has_lost_its_case(shouted)) == (False, True)
