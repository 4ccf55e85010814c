"""What a person sees of a trigger, and what is masked."""

from __future__ import annotations

import datetime as dt

import pytest

from agent.scanners.showing import Shown, mask, shown
from agent.scanners.tapping import Trigger
from devices.recording import BytesRead, Dropped, Entry, KeyEvent
from devices.scan import Scan
from protocol.codes import Rules
from tests.devices.calibration.simulated import chords_of, typed

TODAY = dt.date(2026, 11, 21)
ITEM = "010950600013435221ABC12"
PAYMENT = "280012345678901234"


def trigger(code: str, *, aim: str = "", suffix: str = "\r", fault: str | None = None) -> Trigger:
    entries = (
        BytesRead(device="s", at_us=1000, hex=(aim + code).encode().hex()),
        BytesRead(device="s", at_us=43_000, hex=suffix.encode().hex()),
    )
    scan = Scan(
        raw=code.encode(), symbology=aim or None, device="s", wall_us=0, monotonic_us=0,
        intact=fault is None, fault=fault,
    )  # fmt: skip
    return Trigger(entries=entries, scans=(scan,))


def seen(one: Trigger, *, show_codes: bool = False) -> Shown:
    return shown(one, "front", Rules(), TODAY, show_codes=show_codes)


def test_a_product_number_is_shown_whole() -> None:
    found = seen(trigger("4006381333931", aim="]E0"))
    assert (found.masked, found.raw, found.ending, found.scans[0].code, found.scans[0].label["gtin"]) == (
        False, "]E04006381333931<CR>", "CR, 42 ms", "4006381333931", "04006381333931",
    )  # fmt: skip


@pytest.mark.parametrize("code", [ITEM, PAYMENT, "M-4711", "https://x.example/01/09506000134352/21/ABC12"])
def test_what_stands_for_one_thing_one_person_or_money_is_masked(code: str) -> None:
    found = seen(trigger(code))
    assert found.masked is True
    assert [character for character in found.raw.replace("<CR>", "") if character.isalnum()] == []
    assert set(found.scans[0].label) <= {"kind", "gtin", "symbology", "refusal", "refusal_cause"}


def test_a_masked_item_still_tells_its_product() -> None:
    label = seen(trigger(ITEM, aim="]d2")).scans[0].label
    assert (label["kind"], label["gtin"]) == ("sgtin", "09506000134352")


def test_a_masked_code_keeps_its_length_and_its_control_characters() -> None:
    assert seen(trigger("0195-\x1d7", aim="]d2")).raw == "]d2•••••<GS>•<CR>"


def test_codes_are_shown_on_demand() -> None:
    found = seen(trigger(ITEM), show_codes=True)
    assert (found.masked, found.raw, found.scans[0].label["serial"]) == (False, f"{ITEM}<CR>", "ABC12")


def test_a_code_that_was_cut_is_masked_and_tells_its_fault() -> None:
    found = seen(trigger("40063", fault="no end of code within 500 ms; scan it again"))
    assert (found.masked, found.scans[0].summary) == (True, "no end of code within 500 ms; scan it again")


def test_what_gave_no_scan_is_masked() -> None:
    entries: tuple[Entry, ...] = (BytesRead(device="s", at_us=0, hex=b"123".hex()),)
    found = seen(Trigger(entries=entries, scans=()))
    assert (found.masked, found.raw, found.ending, found.scans) == (True, "•••", "no suffix, 0 ms", ())


def keys(code: str) -> Trigger:
    pressed = typed([chords_of("us")[one] for one in code] + ["LEFTCTRL+RIGHTBRACE", "KP7", "ENTER"])
    scan = Scan(raw=code.encode(), symbology=None, device="s", wall_us=0, monotonic_us=0)
    return Trigger(entries=pressed.entries, scans=(scan,))


def test_keys_are_shown_in_order() -> None:
    found = seen(keys("40063813339310"), show_codes=True)
    assert (found.keys[:2], found.keys[-4:], found.ending.split(",")[0]) == (
        ("4", "0"), ("LEFTCTRL", "RIGHTBRACE", "KP7", "ENTER"), "ENTER",
    )  # fmt: skip


def test_keys_of_a_masked_code_show_what_is_no_letter_and_no_digit() -> None:
    assert seen(keys("aB-")).keys == (
        "•",
        "LEFTSHIFT",
        "•",
        "MINUS",
        "LEFTCTRL",
        "RIGHTBRACE",
        "KP•",
        "ENTER",
    )


def test_lost_keys_are_told() -> None:
    entries = (KeyEvent(device="s", at_us=0, code=2, value=1), Dropped(device="s", at_us=5))
    assert seen(Trigger(entries=entries, scans=())).lost_keys is True


def test_a_mask_hides_whatever_prints() -> None:
    assert mask("aZ09-é<\x1d") == "•••••••\x1d"
