"""Keys and bytes to scans, with losses on the way."""

from __future__ import annotations

from devices.assembler import Assembler
from devices.key_events import EV_KEY, EV_SYN, SYN_DROPPED, SYN_REPORT, Action, DropWatch
from devices.keycodes import KEY_CODES
from devices.layout import load_layout
from devices.profile import load_profile
from devices.scan import Scan


def keyboard() -> Assembler:
    return Assembler("till-2", load_profile("generic-keyboard"), load_layout("us"))


def press(assembler: Assembler, names: str, now_us: int = 0) -> list[Scan]:
    scans = []
    for name in names.split():
        for value in (1, 0):
            scans += assembler.key(KEY_CODES[f"KEY_{name}"], value, now_us)
    return scans


def test_keys_up_to_enter_are_one_scan() -> None:
    assembler = keyboard()
    assembler.wall_offset_us = 1_000
    assert press(assembler, "4 0 F8 1 ENTER", now_us=5) == [
        Scan(raw=b"40\x1d1", symbology=None, device="till-2", wall_us=1_005, monotonic_us=5)
    ]


def test_dropped_keys_cost_the_whole_scan_and_only_that() -> None:
    assembler = keyboard()
    press(assembler, "4 0 0")
    assembler.keys_dropped(0)
    scans = press(assembler, "9 3 1 ENTER 4 0 ENTER")
    assert [(scan.raw, scan.fault) for scan in scans] == [
        (b"400931", "the machine was too busy and lost key presses; scan it again"),
        (b"40", None),
    ]


def test_a_key_without_meaning_costs_the_scan() -> None:
    (scan,) = press(keyboard(), "4 0 F5 1 ENTER")
    assert (scan.intact, scan.fault and scan.fault.startswith("KEY_F5 prints nothing in layout us")) == (
        False,
        True,
    )


def test_events_after_a_loss_are_skipped_up_to_the_next_report() -> None:
    watch = DropWatch()
    events = [
        (EV_KEY, 30),
        (EV_SYN, SYN_DROPPED),
        (EV_KEY, 31),
        (EV_SYN, SYN_REPORT),
        (EV_KEY, 32),
        (EV_SYN, SYN_REPORT),
    ]
    assert [watch.see(kind, code) for kind, code in events] == [
        Action.KEY,
        Action.DROPPED,
        Action.SKIP,
        Action.SKIP,
        Action.KEY,
        Action.SKIP,
    ]


def test_a_device_that_vanishes_leaves_no_half_code() -> None:
    assembler = keyboard()
    press(assembler, "4 0 0")
    assert [(scan.raw, scan.intact) for scan in assembler.abandon("unplugged")] == [(b"400", False)]
