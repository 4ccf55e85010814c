"""Report descriptors, and the parts of a code in a report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import DescriptorError
from devices.hid_descriptor import InputField, parse_descriptor
from devices.hid_scan_report import Piece, find_scan_reports
from tests.devices.hid_scanners import COUNTED, KEYBOARD, UNNUMBERED, ZERO_FILLED, counted


def test_the_fields_of_a_report_are_found_where_the_descriptor_lays_them() -> None:
    found = {field.usage: (field.bit_offset, field.bit_length) for field in parse_descriptor(COUNTED).fields}
    assert found == {
        (0x01, 0x3B): (8, 8),
        (0x8C, 0xFB): (16, 8),
        (0x8C, 0xFC): (24, 8),
        (0x8C, 0xFD): (32, 8),
        (0x8C, 0xFE): (40, 448),
        (0xFF66, 0x04): (488, 8),
        (0xFF66, 0x05): (496, 8),
        (0x8C, 0xFF): (504, 1),
    }


def test_a_state_put_aside_is_taken_back() -> None:
    pushed = bytes.fromhex("058c 7508 9501 a4 7510 9504 b4 09fe 8102")
    assert parse_descriptor(pushed).fields == (
        InputField(report_id=0, usage=(0x8C, 0xFE), bit_offset=0, bit_length=8),
    )


def test_a_usage_of_four_bytes_brings_its_own_page() -> None:
    (field,) = parse_descriptor(bytes.fromhex("0501 7508 9502 0bfe008c00 8102")).fields
    assert field.usage == (0x8C, 0xFE)


def test_a_long_item_is_passed_over() -> None:
    (field,) = parse_descriptor(bytes.fromhex("058c fe0399aabbcc 7508 9502 09fe 8102")).fields
    assert field.bit_length == 16


@pytest.mark.parametrize(
    ("descriptor", "says"),
    [
        ("26ff", "byte 0: 2 bytes should follow, and there are 1"),
        ("b4", "byte 0: takes back a state that was never put aside"),
        ("8500", "byte 0: report number 0; expected 1 to 255"),
        ("a4" * 17, "byte 16: more than 16 states put aside"),
        ("7508 97ffffff7f 09fe 8102", "a report of 17179869176 bits; expected at most 131072"),
        ("058c 09fe 7507 9501 8102", "expected whole bytes"),
        ("00" * 4097, "4097 bytes; expected at most 4096"),
    ],
)
def test_a_descriptor_that_makes_no_sense_is_refused(descriptor: str, says: str) -> None:
    with pytest.raises(DescriptorError, match=says):
        find_scan_reports(bytes.fromhex(descriptor))


@given(st.binary(max_size=300))
def test_no_descriptor_does_more_than_be_refused(descriptor: bytes) -> None:
    try:
        reports = find_scan_reports(descriptor)
    except DescriptorError:
        return
    for report in reports.values():
        report.read(b"\x02" * 64)


def test_a_keyboard_has_no_scanned_data() -> None:
    assert find_scan_reports(KEYBOARD) == {}


def test_a_report_with_a_byte_count() -> None:
    (report,) = find_scan_reports(COUNTED).values()
    assert report.read(counted(b"4006381333931\0\0", aim=b"]E0", more=True)) == Piece(
        data=b"4006381333931\0\0", symbology="]E0", continued=True
    )


def test_a_report_without_byte_count_ends_at_its_zeros() -> None:
    report = find_scan_reports(ZERO_FILLED)[1]
    assert report.read(b"\x01]E0" + b"4006381333931".ljust(16, b"\0") + b"\0") == Piece(
        data=b"4006381333931", symbology="]E0"
    )


def test_a_report_without_number_and_identifier() -> None:
    report = find_scan_reports(UNNUMBERED)[0]
    assert report.read(b"\x04" + b"4006".ljust(16, b"\0") + b"\x01") == Piece(data=b"4006", continued=True)


def test_a_count_beyond_the_report_is_a_fault() -> None:
    (report,) = find_scan_reports(COUNTED).values()
    assert report.read(counted(b"4006", says=57)).fault == (
        "a report says it has 57 bytes and can hold 56; scan it again"
    )


def test_a_short_report_is_whole_where_only_zeros_are_missing() -> None:
    (report,) = find_scan_reports(COUNTED).values()
    assert report.read(counted(b"4006")[:10]) == Piece(data=b"4006", symbology="]d2")


@pytest.mark.parametrize(("data", "kept"), [(b"4006", 8), (b"4" * 56, 61)])
def test_a_short_report_that_lacks_data_or_whether_more_follows_is_a_fault(data: bytes, kept: int) -> None:
    (report,) = find_scan_reports(COUNTED).values()
    assert report.read(counted(data)[:kept]).fault == f"a report of {kept} bytes was cut short; scan it again"
