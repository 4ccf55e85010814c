"""A separator that did not reach us: refused and named, never taken apart by guessing."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import Rules, recognise, suspects_lost_separator

GTIN = "04912345123459"


def refusal(label: str, rules: Rules | None = None) -> str | None:
    return recognise(label, rules=rules or Rules()).refusal


@pytest.mark.parametrize(
    "rest",
    [
        "21ABC1231726123110LOT7",
        "21ABC12317261231 10LOT7",
        "21ABC12310LOT717261231",
        "21123456781726123110LOT7",
        "10LOT71726123121SER1",
        "21ABC12317261231",
        "21ABC3103001250",
        "215pyhB!l93dGVz",
        "21ABCDEFGHIJKLM93dGVz",
        "21ABCDEFGHIJKLM91EE0692mZ3xY0ab",
        "371210LOT7",
        "21ABC\t10LOT7",
        "240" + "X" * 31,
    ],
)
def test_a_lost_separator_is_refused_by_its_name(rest: str) -> None:
    code = recognise(f"]d201{GTIN}{rest}")
    assert (code.item, code.refusal_cause) == (None, "separator_missing")
    assert (code.refusal or "").startswith("separator missing: ")


def test_a_batch_that_swallowed_the_product_number_is_refused() -> None:
    assert (
        refusal("]d210LOT70104912345123459")
        == "separator missing: (10) ends in what reads as further elements"
    )


def test_the_refusal_says_which_element_swallowed_the_rest() -> None:
    expected = "separator missing: (21) ends in what reads as further elements"
    assert refusal(f"01{GTIN}21ABC1231726123110LOT7") == expected


def test_the_same_label_with_its_separators_is_read() -> None:
    assert recognise(f"01{GTIN}21ABC123\x1d1726123110LOT7").serial == "ABC123"


def test_a_strange_serial_is_believed_where_separators_reach_us() -> None:
    assert recognise(f"01{GTIN}10LOT7\x1d21ABC12317261231").serial == "ABC12317261231"


def test_a_strange_serial_is_believed_where_the_label_has_its_date_already() -> None:
    assert recognise(f"01{GTIN}1727013121ABC12317261231").serial == "ABC12317261231"


def test_a_strange_serial_is_believed_from_brackets() -> None:
    assert recognise(f"(01){GTIN}(21)ABC12317261231").serial == "ABC12317261231"


@pytest.mark.parametrize(
    "serial",
    [
        "ABC17991231",
        "ABC17261331",
        "ABC12310LOT",
        "17261231",
        "ABC0104912345123458",
        "ABC1726123199",
        "123456789312",
    ],
)
def test_a_serial_with_little_evidence_against_it_is_believed(serial: str) -> None:
    assert recognise(f"01{GTIN}21{serial}").serial == serial


def test_internal_data_is_never_suspected() -> None:
    assert recognise(f"01{GTIN}91ABC17261231").attributes == {"91": "ABC17261231"}


def test_a_company_that_prints_short_serials_has_longer_ones_refused() -> None:
    rules = Rules(serial_limits={"0491234": 6})
    assert refusal(f"01{GTIN}21ABC12310LOT7", rules) == (
        "separator missing: (21) has 12 characters, this company's serials have at most 6"
    )


def test_a_serial_within_the_limit_of_its_company_is_not_suspected() -> None:
    rules = Rules(serial_limits={"0491234": 14})
    assert recognise(f"01{GTIN}21ABC12317261231", rules=rules).serial == "ABC12317261231"


def test_the_limit_of_the_longest_beginning_counts() -> None:
    rules = Rules(serial_limits={"0": 20, "0491234": 6, "04": 20})
    assert recognise(f"01{GTIN}21ABC12345", rules=rules).refusal_cause == "separator_missing"


def test_a_strange_serial_is_believed_where_a_separator_ends_it() -> None:
    assert recognise(f"01{GTIN}21ABC12317261231\x1d").serial == "ABC12317261231"


def test_a_limit_of_another_company_says_nothing() -> None:
    assert recognise(f"01{GTIN}21ABC12345", rules=Rules(serial_limits={"0999": 6})).serial == "ABC12345"


@given(
    st.text("ABCDEFGHJKLMNPQRSTUVWX0123456789", min_size=1, max_size=12),
    st.dates(dt.date(2015, 1, 1), dt.date(2050, 12, 31)),
)
def test_any_serial_run_together_with_an_expiry_date_is_suspected(serial: str, date: dt.date) -> None:
    assert suspects_lost_separator(f"{serial}17{date:%y%m%d}")


@given(st.text("ABCDEFGHJKLMNPQRSTUVWX", min_size=1, max_size=20))
def test_a_serial_of_letters_is_never_suspected(serial: str) -> None:
    assert not suspects_lost_separator(serial)
