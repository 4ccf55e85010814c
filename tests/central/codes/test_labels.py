"""What stands on a label is what the recogniser reads back."""

from __future__ import annotations

import csv
import io
import string
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.codes.labels import COLUMNS, Label, csv_row
from central.codes.orders import Format, Order
from protocol.codes import recognise
from protocol.codes.short import is_sound, parse_short
from protocol.codes.signed import Tail, read_tail, signed_bytes_of
from tests.central.codes.orders_kit import GTIN, KEY, KEY_ID, TODAY, labels, order

SET_82 = "!\"%&'()*+,-./0123456789:;<=>?_" + string.ascii_letters
batches = st.none() | st.text(SET_82, min_size=1, max_size=20)
expiries = st.none() | st.integers(0, 18_000).map(lambda days: TODAY + timedelta(days=days))
numbers = st.integers(1, 10_000_000)


@given(st.sampled_from([Format.SGTIN, Format.DIGITAL_LINK]), batches, expiries, numbers)
def test_a_signed_label_is_read_back_with_everything_that_was_ordered(
    form: Format, batch: str | None, expiry: date | None, number: int
) -> None:
    of = order(form, batch=batch, expiry=expiry)
    label = labels(of).label(number)
    prefix = "]d2" if form is Format.SGTIN else "]Q1"
    code = recognise(prefix + label.code, today=TODAY)
    read = (code.refusal, code.kind, code.gtin, code.item, code.batch, code.expiry)
    assert read == (None, "sgtin", GTIN, label.item, batch, expiry.isoformat() if expiry else None)


@given(st.sampled_from([Format.SGTIN, Format.DIGITAL_LINK]), batches, expiries, numbers)
def test_the_signature_on_a_label_is_good(
    form: Format, batch: str | None, expiry: date | None, number: int
) -> None:
    label = labels(order(form, batch=batch, expiry=expiry)).label(number)
    code = recognise(label.code, today=TODAY)
    tail = read_tail(code)
    assert isinstance(tail, Tail)
    assert (tail.key_id, tail.day) == (KEY_ID, TODAY)
    KEY.public_key().verify(tail.signature, signed_bytes_of(code, tail))


@given(numbers, st.sampled_from([None, "https://b.example", "HTTPS://B.EXAMPLE/c/"]))
def test_a_short_label_holds_a_sound_token(number: int, domain: str | None) -> None:
    of = order(Format.SHORT, domain=domain)
    made = labels(of)
    label = made.label(number)
    found = parse_short(label.code)
    assert found is not None
    assert (found.tag, label.human_readable, label.item) == (of.tag, found.token, f"01{GTIN}21{found.token}")
    assert is_sound(found, made._serials._mac_key or b"")


FORMS: list[dict[str, Any]] = [
    {"form": Format.SGTIN},
    {"form": Format.SGTIN, "batch": 'A,"B"', "expiry": None},
    {"form": Format.SGTIN, "batch": "X" * 20},
    {"form": Format.DIGITAL_LINK, "batch": "{0}".replace("{", "(").replace("}", ")")},
    {"form": Format.DIGITAL_LINK, "batch": None, "domain": "https://id.example.com/XXXXXXXXXXXXXXXX"},
    {"form": Format.SHORT},
]


@pytest.mark.parametrize("form", FORMS)
def test_lines_made_at_once_are_those_made_one_by_one(form: dict[str, Any]) -> None:
    made = labels(order(**form))
    assert made.rows(7, 57).decode() == "".join(csv_row(label) for label in made.labels(7, 57))


@pytest.mark.parametrize("form", FORMS)
def test_a_line_of_the_file_is_the_label(form: dict[str, Any]) -> None:
    made = labels(order(**form))
    (row,) = csv.reader(io.StringIO(made.rows(3, 3).decode(), newline=""))
    number, *texts = row
    assert (len(COLUMNS), Label(int(number), *texts)) == (4, made.label(3))


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (order(), "(01)04012345678901(21){serial}(10)LOT7(17)271231"),
        (order(batch=None, expiry=None), "(01)04012345678901(21){serial}"),
    ],
)
def test_the_human_readable_text_names_the_item_and_not_its_signature(of: Order, expected: str) -> None:
    label = labels(of).label(1)
    assert label.human_readable == expected.format(serial=label.item[18:])


def test_two_labels_of_one_number_are_the_same_bytes() -> None:
    assert labels(order()).rows(1, 3) == labels(order()).rows(1, 3)
