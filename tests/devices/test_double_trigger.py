"""The window in which the same code from the same device is one scan."""

from __future__ import annotations

from devices.double_trigger import DoubleTrigger
from devices.scan import Scan


def scan(raw: bytes, at_ms: int, *, device: str = "till-1", intact: bool = True) -> Scan:
    return Scan(raw=raw, symbology=None, device=device, wall_us=0, monotonic_us=at_ms * 1000, intact=intact)


def repeated(*scans: Scan, window_ms: int = 500) -> list[bool]:
    trigger = DoubleTrigger(window_ms)
    return [trigger.repeated(one) for one in scans]


def test_the_same_code_within_the_window_is_repeated() -> None:
    assert repeated(scan(b"A", 0), scan(b"A", 499)) == [False, True]


def test_the_same_code_after_the_window_is_a_new_scan() -> None:
    assert repeated(scan(b"A", 0), scan(b"A", 500)) == [False, False]


def test_another_code_passes_and_does_not_close_the_window() -> None:
    assert repeated(scan(b"A", 0), scan(b"B", 100), scan(b"A", 200)) == [False, False, True]


def test_the_same_code_from_another_device_passes() -> None:
    assert repeated(scan(b"A", 0), scan(b"A", 100, device="till-2")) == [False, False]


def test_a_label_left_before_the_scanner_counts_once() -> None:
    assert repeated(*(scan(b"A", at_ms) for at_ms in range(0, 5_000, 400))) == [False] + [True] * 12


def test_the_window_is_configurable() -> None:
    assert repeated(scan(b"A", 0), scan(b"A", 499), window_ms=300) == [False, False]


def test_a_scan_that_is_not_intact_neither_repeats_nor_is_remembered() -> None:
    assert repeated(scan(b"A", 0, intact=False), scan(b"A", 10), scan(b"A", 20, intact=False)) == [False] * 3


def test_a_noisy_device_does_not_fill_memory() -> None:
    trigger = DoubleTrigger()
    for number in range(1_000):
        trigger.repeated(scan(str(number).encode(), 0))
    assert len(trigger._seen_us["till-1"]) == 64


def test_devices_without_number_do_not_fill_memory() -> None:
    trigger = DoubleTrigger()
    for number in range(1_000):
        trigger.repeated(scan(b"A", 0, device=f"phone {number}"))
    assert len(trigger._seen_us) == 256
    assert trigger.repeated(scan(b"A", 1, device="phone 999"))
