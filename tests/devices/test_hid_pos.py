"""The HID-POS driver. Its device files are packet pipes, which like hidraw give one report a read."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices import clocks
from devices.connection import Backoff
from devices.errors import ProfileError
from devices.hid_nodes import HidNode, list_hid_nodes
from devices.hid_pos import HidPosSource, _trouble_with
from devices.identity import DeviceIdentity
from devices.profile import load_profile
from devices.recording import Recorder, read_recording
from devices.replay import ReplaySource
from devices.scan import DeviceState
from tests.devices.hid_scanners import KEYBOARD, SCANNER, UNNUMBERED, HidMachine, counted, pieces
from tests.devices.pseudo_terminal import Running, running

GTIN = b"4006381333931"
LONG = b"https://id.example.com/01/04006381333931/21/" + b"S" * 100
GENERIC = load_profile("generic-hidpos")
ADOPTED = DeviceIdentity.parse("0c2e:0b81#17032B0E96")


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test ends by stopping a source; half a second each would add up."""
    monkeypatch.setattr("devices.hid_pos._IDLE_WAIT_S", 0.02)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[HidMachine]:
    one = HidMachine(tmp_path)
    yield one
    one.close()


def source(
    machine: HidMachine, identity: DeviceIdentity = ADOPTED, recorder: Recorder | None = None
) -> HidPosSource:
    return HidPosSource(
        identity,
        GENERIC,
        name="till-3",
        backoff=Backoff(first_s=0.01, longest_s=0.02),
        recorder=recorder,
        list_nodes=machine.nodes,
    )


@pytest.fixture
def till(machine: HidMachine) -> Iterator[Running]:
    """The agent's side, with the scanner open as hidraw2."""
    machine.plug_in(2, SCANNER)
    with running(source(machine)) as run:
        run.until(DeviceState.OPEN)
        yield run


def test_only_scanners_are_listed_with_their_identity(machine: HidMachine) -> None:
    machine.plug_in(0, SCANNER, KEYBOARD)
    machine.plug_in(10, SCANNER)
    machine.plug_in(9, DeviceIdentity(vendor_id=1, product_id=2), b"\xff\xff")
    (node,) = machine.nodes()
    assert (node.path, node.identity, node.name, node.usable, node.remark) == (
        str(machine.dev / "hidraw10"),
        SCANNER,
        "Maker Scanner",
        True,
        "a HID-POS scanner made by Metrologic (Honeywell); it is used only once it is adopted",
    )


def test_a_bluetooth_scanner_is_known_by_its_address(machine: HidMachine) -> None:
    address = DeviceIdentity(vendor_id=0x0C2E, product_id=0x0B6A, serial_number="00:0a:3a:5e:11:22")
    machine.plug_in(1, address, bus=5)
    assert [address.fits(node.identity) for node in machine.nodes()] == [True]


def test_a_machine_without_hidraw_lists_nothing(tmp_path: Path) -> None:
    assert list_hid_nodes(tmp_path / "none", tmp_path) == []


def test_a_scan_arrives_with_its_symbology_and_times(machine: HidMachine, till: Running) -> None:
    before = clocks.monotonic_us()
    machine.send(2, counted(GTIN, aim=b"]E0"))
    scan = till.next_scan()
    assert (scan.raw, scan.symbology, scan.device, scan.intact) == (GTIN, "]E0", "till-3", True)
    assert before <= scan.monotonic_us <= clocks.monotonic_us()


def test_a_long_code_comes_in_pieces(machine: HidMachine, till: Running) -> None:
    machine.send(2, *pieces(LONG, aim=b"]Q1"))
    assert till.next_scan().raw == LONG


def test_a_hundred_scans_in_bursts_without_one_missing(machine: HidMachine, till: Running) -> None:
    codes = [f"{number:013d}".encode() for number in range(100)]
    read = []
    for burst in range(0, 100, 25):  # the kernel keeps 63 unread reports, so no burst may be longer
        machine.send(2, *(counted(code) for code in codes[burst : burst + 25]))
        read += till.next_scans(25)
    assert [scan.raw for scan in read] == codes


def test_unplugged_in_mid_code_and_replugged_under_another_number(machine: HidMachine, till: Running) -> None:
    machine.send(2, counted(GTIN), pieces(LONG)[0])
    assert till.next_scan().raw == GTIN
    machine.unplug(2)
    half = till.next_scan()
    lost = till.until(DeviceState.ABSENT)
    machine.plug_in(7, SCANNER)
    till.until(DeviceState.OPEN)
    machine.send(7, counted(GTIN))
    whole = till.next_scan()
    assert (half.raw, half.intact) == (LONG[:56], False)
    assert lost.detail.endswith("plug it in, it is opened by itself")
    assert (whole.raw, whole.device, whole.intact) == (GTIN, "till-3", True)


def test_what_was_on_its_way_while_it_was_opened_is_not_trusted(machine: HidMachine) -> None:
    machine.plug_in(2, SCANNER)
    machine.send(2, pieces(LONG)[-1], counted(GTIN))
    with running(source(machine)) as till:
        scans = till.next_scans(2)
    assert [(scan.raw, scan.intact) for scan in scans] == [(LONG[112:], False), (GTIN, True)]


def test_a_scanner_that_is_not_there_is_absent_until_it_appears(machine: HidMachine) -> None:
    with running(source(machine)) as till:
        absent = till.until(DeviceState.ABSENT)
        machine.plug_in(3, SCANNER)
        till.until(DeviceState.OPEN)
    assert absent.detail == "no HID-POS scanner 0c2e:0b81#17032B0E96 is there; plug it in or switch it on"


def test_two_equal_scanners_are_told_apart_by_their_sockets(machine: HidMachine) -> None:
    left = DeviceIdentity(vendor_id=0x05E0, product_id=0x1300, socket="usb-1.3/input0")
    right = DeviceIdentity(vendor_id=0x05E0, product_id=0x1300, socket="usb-1.4/input0")
    machine.plug_in(0, left)
    machine.plug_in(1, right)
    with running(source(machine, left)) as one, running(source(machine, right)) as other:
        one.until(DeviceState.OPEN)
        other.until(DeviceState.OPEN)
        machine.send(0, counted(b"LEFT"))
        machine.send(1, counted(b"RIGHT"))
        assert (one.next_scan().raw, other.next_scan().raw) == (b"LEFT", b"RIGHT")


def test_an_identity_that_fits_two_opens_neither(machine: HidMachine) -> None:
    for number in (0, 1):
        machine.plug_in(
            number, DeviceIdentity(vendor_id=1, product_id=2, serial_number="0", socket=f"usb-{number}")
        )
    with running(source(machine, DeviceIdentity.parse("0001:0002#0"))) as till:
        failed = till.until(DeviceState.FAILED)
    assert failed.detail == (
        "0001:0002#0 fits 2 devices (0001:0002#0@usb-0, 0001:0002#0@usb-1); adopt the one meant with its socket"
    )


def test_a_scanner_another_agent_reads_is_busy_until_it_is_let_go(machine: HidMachine) -> None:
    machine.plug_in(2, SCANNER)
    other = os.open(machine.dev / "hidraw2", os.O_RDWR)
    fcntl.flock(other, fcntl.LOCK_EX)
    with running(source(machine)) as till:
        busy = till.until(DeviceState.BUSY)
        os.close(other)
        till.until(DeviceState.OPEN)
    assert busy.detail.endswith("is read by another program (a second agent?); close it")


def test_a_number_that_passed_to_another_device_is_not_read(machine: HidMachine) -> None:
    machine.plug_in(2, SCANNER)
    answers = iter([machine.nodes(), []])
    passed = HidPosSource(ADOPTED, GENERIC, backoff=Backoff(0.01, 0.02), list_nodes=lambda: next(answers, []))
    with running(passed) as till:
        assert till.until(DeviceState.ABSENT).detail == "Maker Scanner was unplugged just as it was opened"


def test_as_many_waiting_reports_as_the_kernel_keeps_mean_that_the_next_are_gone(machine: HidMachine) -> None:
    machine.plug_in(2, SCANNER)
    machine.roomy(2)
    machine.send(2, *(counted(f"{number:013d}".encode()) for number in range(70)))
    with running(source(machine)) as till:
        scans = till.next_scans(70)
    assert [place for place, scan in enumerate(scans) if not scan.intact] == [0, 63]
    assert scans[63].fault == "the machine was too busy and lost a part; scan it again"


def test_what_was_recorded_replays_to_the_same_scans(machine: HidMachine, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    recorder = Recorder(path, clocks.wall_us, clocks.monotonic_us)
    machine.plug_in(2, SCANNER, UNNUMBERED)
    with running(source(machine, recorder=recorder)) as till:
        till.until(DeviceState.OPEN)
        machine.send(2, b"\x10" + b"4" * 16 + b"\x01", b"\x04" + b"5555".ljust(16, b"\0") + b"\0")
        live = till.next_scan()
        machine.unplug(2)
        till.until(DeviceState.ABSENT)
    recorder.close()
    with running(ReplaySource(read_recording(path), full_speed=True)) as again:
        replayed = again.next_scan()
    assert (live.raw, live.symbology) == (replayed.raw, replayed.symbology) == (b"4" * 16 + b"5555", None)


def test_a_profile_for_another_link_is_refused() -> None:
    with pytest.raises(ProfileError, match="expected one for a hidpos scanner"):
        HidPosSource(ADOPTED, load_profile("generic-serial"))


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.EACCES, DeviceState.NO_PERMISSION),
        (errno.EAGAIN, DeviceState.BUSY),
        (errno.ENODEV, DeviceState.ABSENT),
        (errno.EIO, DeviceState.ABSENT),
        (errno.EINVAL, DeviceState.FAILED),
    ],
)
def test_what_a_failed_opening_means(number: int, state: DeviceState) -> None:
    node = HidNode(path="/dev/hidraw2", name="S", identity=ADOPTED, descriptor=b"", usable=True, remark="")
    assert _trouble_with(OSError(number, os.strerror(number)), node).state is state
