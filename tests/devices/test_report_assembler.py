"""Reports to scans: codes in several pieces, losses, and whatever comes too late."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.hid_scan_report import find_scan_reports
from devices.profile import load_profile
from devices.report_assembler import ReportAssembler
from devices.scan import Scan
from tests.devices.hid_scanners import COUNTED, counted, pieces

PROFILE = load_profile("generic-hidpos")
LONG = bytes(range(0x20, 0x7F)) * 3  # 285 bytes, six reports
GTIN = b"4006381333931"


def assembler(max_length: int = 4096) -> ReportAssembler:
    framing = msgspec.structs.replace(PROFILE.framing, max_length=max_length)
    profile = msgspec.structs.replace(PROFILE, framing=framing)
    return ReportAssembler("till-3", profile, find_scan_reports(COUNTED))


def fed(device: ReportAssembler, *reports: bytes, at_ms: int = 0) -> list[Scan]:
    return [scan for report in reports for scan in device.bytes_read(report, at_ms * 1000)]


def told(scans: list[Scan]) -> list[tuple[bytes, bool]]:
    return [(scan.raw, scan.intact) for scan in scans]


def test_a_report_is_a_scan_with_its_symbology() -> None:
    device = assembler()
    device.wall_offset_us = 1_000
    assert fed(device, counted(GTIN, aim=b"]E0")) == [
        Scan(raw=GTIN, symbology="]E0", device="till-3", wall_us=1_000, monotonic_us=0)
    ]


def test_a_code_over_several_reports_is_one_scan() -> None:
    assert told(fed(assembler(), *pieces(LONG))) == [(LONG, True)]


@given(st.binary(min_size=1, max_size=400).filter(lambda code: code.strip(b"\r\n\t\x03\x02") == code))
def test_any_code_comes_out_as_it_went_in(code: bytes) -> None:
    assert told(fed(assembler(), *pieces(code, aim=b"]Q1"))) == [(code, True)] or code.startswith(b"]")


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8), st.data())
def test_whatever_report_is_lost_unnoticed_no_single_code_is_cut(
    sizes: list[int], data: st.DataObject
) -> None:
    """After a loss the kernel told of, or a pause, nothing intact is anything but a whole code that was sent."""
    codes = [bytes([65 + place]) * size for place, size in enumerate(sizes)]
    device = assembler()
    scans: list[Scan] = []
    now_us = 0
    for code in codes:
        for report in pieces(code):
            if data.draw(st.booleans()):
                scans += device.bytes_read(report, now_us)
            else:
                device.dropped(now_us)
        now_us += 2_000_000
        scans += device.tick(now_us)
    assert [scan.raw for scan in scans if scan.intact and scan.raw not in codes] == []


def test_a_hundred_scans_in_a_burst_without_one_missing() -> None:
    codes = [f"{number:070d}".encode() for number in range(100)]
    reports = [report for code in codes for report in pieces(code)]
    assert [scan.raw for scan in fed(assembler(), *reports)] == codes


def test_group_separators_and_their_spellings() -> None:
    assert told(fed(assembler(), counted(b"01040063813339310\x1d10A"))) == [
        (b"01040063813339310\x1d10A", True)
    ]


def test_an_identifier_in_front_of_the_code_too_is_taken_off() -> None:
    (scan,) = fed(assembler(), counted(b"]E0" + GTIN, aim=b"]E0"))
    assert (scan.raw, scan.symbology) == (GTIN, "]E0")


@pytest.mark.parametrize(("aim", "symbology"), [(b"", None), (b"A10", None), (b"]X0", "]X0")])
def test_what_is_no_identifier_is_none(aim: bytes, symbology: str | None) -> None:
    (scan,) = fed(assembler(), counted(GTIN, aim=aim))
    assert (scan.symbology, scan.intact) == (symbology, True)


@pytest.mark.parametrize("suffix", [b"\r", b"\n", b"\r\n", b"\t", b"\x03", b""])
def test_a_suffix_left_on_is_taken_off(suffix: bytes) -> None:
    assert told(fed(assembler(), counted(GTIN + suffix))) == [(GTIN, True)]


def test_reports_of_other_numbers_and_empty_ones_are_no_scans() -> None:
    assert fed(assembler(), b"\x05\x01\x02", counted(b"", aim=b""), b"") == []


def test_a_code_whose_rest_does_not_come_is_a_fault() -> None:
    device = assembler()
    fed(device, *pieces(LONG)[:2])
    (scan,) = device.tick(500_000)
    assert (scan.raw, scan.intact, scan.fault) == (
        LONG[:112],
        False,
        "the rest of the code did not come within 500 ms; scan it again",
    )


def test_a_rest_that_comes_after_all_is_no_code() -> None:
    device = assembler()
    reports = pieces(LONG)
    fed(device, *reports[:2])
    device.tick(500_000)
    assert told(fed(device, *reports[2:], at_ms=600)) == [(LONG[112:], False)]


def test_the_next_scan_after_a_cut_code_is_read() -> None:
    device = assembler()
    fed(device, *pieces(LONG)[:2])
    device.tick(500_000)
    assert told(fed(device, counted(GTIN), at_ms=1_500)) == [(GTIN, True)]


def test_another_symbology_in_mid_code_makes_both_faults() -> None:
    scans = fed(assembler(), pieces(LONG)[0], counted(GTIN, aim=b"]E0"), counted(GTIN, aim=b"]E0"))
    assert told(scans) == [(LONG[:56], False), (GTIN, False), (GTIN, True)]


def test_a_loss_in_mid_code_costs_all_up_to_the_next_end_and_only_that() -> None:
    device = assembler()
    reports = pieces(LONG)
    fed(device, reports[0])
    device.dropped(0)
    assert told(fed(device, *reports[2:], counted(GTIN))) == [(LONG[:56] + LONG[112:], False), (GTIN, True)]


def test_a_loss_between_codes_is_told_though_nothing_comes() -> None:
    device = assembler()
    device.dropped(0)
    (scan,) = device.tick(500_000)
    assert (scan.raw, scan.fault) == (b"", "the machine was too busy and lost a part; scan it again")


def test_a_garbled_report_costs_its_code() -> None:
    device = assembler()
    reports = pieces(LONG)
    reports[1] = counted(b"", says=255)
    assert told(fed(device, *reports, counted(GTIN))) == [(LONG[:56] + LONG[112:], False), (GTIN, True)]


def test_past_the_cap_is_one_fault_and_the_next_code_is_read() -> None:
    endless = [counted(b"\xa5" * 56, more=True)] * 2000
    scans = fed(assembler(), *endless, counted(b"\xa5"), counted(GTIN))
    assert [(len(scan.raw), scan.intact) for scan in scans] == [(4096, False), (13, True)]


def test_past_the_cap_a_pause_resynchronises() -> None:
    device = assembler(max_length=16)
    fed(device, counted(b"\xa5" * 56, more=True))
    assert device.tick(500_000) == []
    assert told(fed(device, counted(GTIN), at_ms=600)) == [(GTIN, True)]


def test_a_device_that_vanishes_leaves_no_half_code() -> None:
    device = assembler()
    fed(device, pieces(LONG)[0])
    assert told(device.abandon("unplugged")) == [(LONG[:56], False)]
    assert told(fed(device, counted(GTIN))) == [(GTIN, True)]


def test_nothing_is_due_while_nothing_has_begun() -> None:
    device = assembler()
    fed(device, *pieces(LONG))
    assert (device.timeout_us, device.deadline_us, device.tick(10**9)) == (None, None, [])
