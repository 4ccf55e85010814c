"""From a frame to a scan: AIM identifiers and the forms of the group separator."""

from __future__ import annotations

import pytest

from devices.decoding import CodeRules, scan_from_frame
from devices.framing import Frame
from devices.scan import Scan


def scan(raw: bytes, rules: CodeRules | None = None, fault: str | None = None) -> Scan:
    frame = Frame(raw=raw, first_us=1, last_us=2, intact=fault is None, fault=fault)
    return scan_from_frame(frame, rules or CodeRules(), device="till-1", wall_us=3)


def test_an_aim_identifier_is_taken_off_and_told() -> None:
    assert scan(b"]d2010950600013435221A1") == Scan(
        raw=b"010950600013435221A1", symbology="]d2", device="till-1", wall_us=3, monotonic_us=2
    )


def test_without_an_identifier_the_symbology_is_unknown() -> None:
    assert scan(b"4006381333931").symbology is None


def test_an_identifier_stays_where_the_profile_expects_none() -> None:
    assert scan(b"]E04006381333931", CodeRules(aim_prefix=False)).raw == b"]E04006381333931"


def test_an_identifier_alone_is_no_code() -> None:
    assert scan(b"]d2").fault == "only a symbology identifier (]d2) and no code; scan it again"


@pytest.mark.parametrize("form", ["<GS>", "^]", "{GS}", "\x1d"])
def test_every_form_of_the_group_separator_becomes_0x1d(form: str) -> None:
    rules = CodeRules(group_separators=(form,))
    assert scan(b"21ABC" + form.encode() + b"10LOT", rules).raw == b"21ABC\x1d10LOT"


def test_a_fault_keeps_its_bytes_as_they_came() -> None:
    assert scan(b"]d2\x00", fault="noise") == Scan(
        raw=b"]d2\x00",
        symbology=None,
        device="till-1",
        wall_us=3,
        monotonic_us=2,
        intact=False,
        fault="noise",
    )
