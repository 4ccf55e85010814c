"""The serial driver on real pseudo-terminals: bursts, noise, losses, replugs, and ports that cannot be used."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import clocks
from devices.connection import Backoff
from devices.profile import load_profile
from devices.recording import Recorder, read_recording
from devices.replay import ReplaySource
from devices.scan import DeviceState
from devices.serial_port import SerialSource, _trouble_with, list_serial_ports
from tests.devices.pseudo_terminal import PATIENCE_S, PtyScanner, Running, running, serial_source

GTIN = b"4006381333931"
GENERIC = load_profile("generic-serial")


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test ends by stopping a source; half a second each would add up."""
    monkeypatch.setattr("devices.serial_port._IDLE_WAIT_S", 0.02)


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[PtyScanner]:
    one = PtyScanner(tmp_path / "usb-Maker_Scanner_123")
    one.plug_in()
    yield one
    if one.link.is_symlink():
        one.unplug()


@pytest.fixture
def till(scanner: PtyScanner) -> Iterator[Running]:
    """The agent's side, with the port open."""
    with running(serial_source(scanner.link, GENERIC)) as run:
        run.until(DeviceState.OPEN)
        yield run


def test_a_scan_arrives_with_its_device_and_times(scanner: PtyScanner, till: Running) -> None:
    before = (clocks.wall_us(), clocks.monotonic_us())
    scanner.send(b"]d2" + GTIN + b"\r\n")
    scan = till.next_scan()
    after = (clocks.wall_us(), clocks.monotonic_us())
    assert (scan.raw, scan.symbology, scan.device, scan.intact) == (GTIN, "]d2", "till-1", True)
    assert before[0] - 1000 <= scan.wall_us <= after[0] + 1000
    assert before[1] <= scan.monotonic_us <= after[1]


def test_one_byte_at_a_time(scanner: PtyScanner, till: Running) -> None:
    for byte in GTIN + b"\r":
        scanner.send(bytes([byte]))
    assert till.next_scan().raw == GTIN


def test_a_hundred_scans_in_a_burst_without_one_missing(scanner: PtyScanner, till: Running) -> None:
    codes = [f"{number:013d}".encode() for number in range(100)]
    scanner.send(b"".join(code + b"\r\n" for code in codes))
    assert [scan.raw for scan in till.next_scans(100)] == codes


def test_group_separators_pass_the_line_unharmed(scanner: PtyScanner, till: Running) -> None:
    scanner.send(b"010950600013435221A\x1d10B\x1e\x1c\x04\r")
    assert till.next_scan().raw == b"010950600013435221A\x1d10B\x1e\x1c\x04"


def test_without_suffix_a_pause_ends_the_code(scanner: PtyScanner, till: Running) -> None:
    scanner.send(GTIN)
    assert till.next_scan().raw == GTIN


def test_a_noise_burst_is_a_fault_and_the_next_code_is_read(scanner: PtyScanner, till: Running) -> None:
    scanner.send(bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r")
    faults = [till.next_scan().intact for _ in range(3)]  # the burst holds an STX and a TAB
    scanner.send(GTIN + b"\r")
    assert faults == [False, False, False]
    assert till.next_scan().raw == GTIN


def test_a_megabyte_without_terminator_is_one_fault_and_the_next_code_is_read(
    scanner: PtyScanner, till: Running
) -> None:
    for _ in range(256):
        scanner.send(b"\xa5" * 4096)
    scanner.send(b"\r" + GTIN + b"\r")
    assert [(len(scan.raw), scan.intact) for scan in till.next_scans(2)] == [(4096, False), (13, True)]


class WatchedRecorder(Recorder):
    """Tells when the driver has read something, which no scan shows while the code is not whole."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, clocks.wall_us, clocks.monotonic_us)
        self.has_read = threading.Event()

    def bytes_read(self, device: str, now_us: int, data: bytes) -> None:
        super().bytes_read(device, now_us, data)
        self.has_read.set()


def test_unplugged_in_mid_code_and_replugged_under_another_number(
    scanner: PtyScanner, tmp_path: Path
) -> None:
    recorder = WatchedRecorder(tmp_path / "session.jsonl")
    source = SerialSource(
        str(scanner.link),
        load_profile("zebra-symbol"),
        backoff=Backoff(first_s=0.01, longest_s=0.02),
        recorder=recorder,
    )
    first_terminal = scanner.terminal
    with running(source) as till:
        till.until(DeviceState.OPEN)
        scanner.send(b"400638")
        recorder.has_read.wait(PATIENCE_S)
        next_number = os.openpty()
        scanner.unplug()
        half = till.next_scan()
        lost = till.until(DeviceState.ABSENT)
        same_number = os.openpty()
        scanner.plug_in()
        till.until(DeviceState.OPEN)
        scanner.send(GTIN + b"\r")
        whole = till.next_scan()
    recorder.close()
    for end in (*next_number, *same_number):
        os.close(end)
    assert scanner.terminal != first_terminal
    assert (half.raw, half.intact) == (b"400638", False)
    assert lost.detail.endswith("plug it in, it is opened by itself")
    assert (whole.raw, whole.intact) == (GTIN, True)


def test_a_port_that_is_not_there_is_absent_until_it_appears(tmp_path: Path) -> None:
    scanner = PtyScanner(tmp_path / "scanner")
    with running(serial_source(scanner.link, GENERIC)) as till:
        absent = till.until(DeviceState.ABSENT)
        scanner.plug_in()
        till.until(DeviceState.OPEN)
        scanner.send(GTIN + b"\r")
        assert till.next_scan().raw == GTIN
    scanner.unplug()
    assert absent.detail == (
        f"{scanner.link} is not there; plug the scanner in, or correct its path in the configuration"
    )


def test_a_link_to_a_port_that_is_gone_is_absent(tmp_path: Path) -> None:
    link = tmp_path / "scanner"
    link.symlink_to(tmp_path / "gone")
    with running(serial_source(link, GENERIC)) as till:
        assert (
            till.until(DeviceState.ABSENT).detail
            == f"{link} points to a port that is gone; plug the scanner in"
        )


def test_a_pattern_finds_the_one_port_that_fits(scanner: PtyScanner) -> None:
    with running(serial_source(scanner.link.parent / "usb-Maker_*", GENERIC)) as till:
        till.until(DeviceState.OPEN)
        scanner.send(GTIN + b"\r")
        assert till.next_scan().raw == GTIN


def test_a_pattern_that_fits_two_ports_opens_neither(scanner: PtyScanner, tmp_path: Path) -> None:
    twin = PtyScanner(tmp_path / "usb-Maker_Scanner_456")
    twin.plug_in()
    with running(serial_source(tmp_path / "usb-*", GENERIC)) as till:
        failed = till.until(DeviceState.FAILED)
    twin.unplug()
    assert failed.detail == (
        f"{tmp_path}/usb-* fits 2 ports ({scanner.link}, {twin.link}); make it fit exactly one"
    )


def test_a_port_held_by_another_program_is_busy_until_it_is_let_go(scanner: PtyScanner) -> None:
    other = os.open(scanner.link, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with running(serial_source(scanner.link, GENERIC)) as till:
        busy = till.until(DeviceState.BUSY)
        os.close(other)
        till.until(DeviceState.OPEN)
    assert busy.detail.startswith(f"{scanner.link} is held by another program")


def test_a_path_that_is_no_serial_port_is_failed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with running(serial_source(path, GENERIC)) as till:
        assert till.until(DeviceState.FAILED).detail.startswith(f"{path} cannot be used: ")


def test_one_broken_device_does_not_stop_a_good_one(scanner: PtyScanner, tmp_path: Path) -> None:
    with (
        running(serial_source(tmp_path / "nothing", GENERIC)) as broken,
        running(serial_source(scanner.link, GENERIC)) as good,
    ):
        broken.until(DeviceState.ABSENT)
        good.until(DeviceState.OPEN)
        scanner.send(GTIN + b"\r")
        assert good.next_scan().raw == GTIN


def test_stopping_in_mid_code_leaves_no_half_code(scanner: PtyScanner) -> None:
    with running(serial_source(scanner.link, load_profile("zebra-symbol"))) as till:
        till.until(DeviceState.OPEN)
        scanner.send(GTIN + b"\r" + b"4006")
        assert till.next_scan().raw == GTIN
    assert [scan.intact for scan in till.scans.queue] in ([], [False])
    assert till.until(DeviceState.CLOSED).scans == 1


def test_what_was_recorded_replays_to_the_same_scans(scanner: PtyScanner, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    recorder = Recorder(path, clocks.wall_us, clocks.monotonic_us)
    with running(SerialSource(str(scanner.link), GENERIC, name="till-1", recorder=recorder)) as till:
        till.until(DeviceState.OPEN)
        scanner.send(GTIN + b"\r" + b"40\x0063\r" + b"]E0" + GTIN + b"\r\n")
        live = till.next_scans(3)
    recorder.close()
    with running(ReplaySource(read_recording(path), full_speed=True)) as again:
        replayed = again.next_scans(3)
    assert [(scan.raw, scan.symbology, scan.fault) for scan in live] == [
        (scan.raw, scan.symbology, scan.fault) for scan in replayed
    ]


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.EACCES, DeviceState.NO_PERMISSION),
        (errno.EBUSY, DeviceState.BUSY),
        (errno.EAGAIN, DeviceState.BUSY),
        (errno.ENXIO, DeviceState.ABSENT),
        (errno.EINVAL, DeviceState.FAILED),
    ],
)
def test_what_a_failed_opening_means(number: int, state: DeviceState) -> None:
    error = OSError(number, os.strerror(number))
    assert _trouble_with(error, "/dev/ttyACM0", GENERIC).state is state


def test_listing_the_ports_opens_none_and_says_which_may_be_used() -> None:
    assert [port.why_not for port in list_serial_ports() if port.usable and port.why_not] == []
