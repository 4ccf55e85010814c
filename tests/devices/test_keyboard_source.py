"""The keyboard driver at work, with our own reader on pipes: adoption, grabs, losses, replugs and bursts."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.connection import Backoff
from devices.evdev_input import KeyboardSource, open_key_device
from devices.identity import DeviceIdentity
from devices.profile import load_profile
from devices.scan import DeviceState
from tests.devices.key_devices import DROPPED, REPORT, KeyMachine, digits, strokes
from tests.devices.pseudo_terminal import Running, running

SCANNER = DeviceIdentity(
    vendor_id=0x0C2E, product_id=0x0B6A, serial_number="17032B0E96", socket="usb-1.3/input0"
)
PERSONS = DeviceIdentity(vendor_id=0x046D, product_id=0xC31C, socket="usb-1.1/input0")
ADOPTED = DeviceIdentity.parse("0c2e:0b6a#17032B0E96")
GTIN = "4006381333931"


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test ends by stopping a source; half a second each would add up."""
    monkeypatch.setattr("devices.evdev_input._IDLE_WAIT_S", 0.02)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[KeyMachine]:
    one = KeyMachine(tmp_path)
    yield one
    one.close()


def source(machine: KeyMachine, identity: DeviceIdentity = ADOPTED) -> KeyboardSource:
    return KeyboardSource(
        identity,
        load_profile("generic-keyboard"),
        name="till-2",
        backoff=Backoff(first_s=0.01, longest_s=0.02),
        list_nodes=machine.nodes,
        open_device=machine.open,
    )


@pytest.fixture
def till(machine: KeyMachine) -> Iterator[Running]:
    """The agent's side, with the scanner open as event7."""
    machine.plug_in(7, SCANNER)
    with running(source(machine)) as run:
        run.until(DeviceState.OPEN)
        yield run


def test_keys_become_a_scan(machine: KeyMachine, till: Running) -> None:
    machine.send(
        7, strokes("RIGHTBRACE D 2 0 1 F8 LEFTSHIFT+A LEFTALT+KP0+KP2+KP9 B LEFTCTRL+RIGHTBRACE C ENTER")
    )
    scan = till.next_scan()
    assert (scan.raw, scan.symbology, scan.device) == (b"01\x1dA\x1db\x1dc", "]d2", "till-2")


def test_a_hundred_scans_in_a_burst_without_one_missing(machine: KeyMachine, till: Running) -> None:
    codes = [f"{number:013d}" for number in range(100)]
    machine.send(7, b"".join(digits(code) for code in codes))
    assert [scan.raw.decode() for scan in till.next_scans(100)] == codes


def test_keys_the_kernel_dropped_cost_the_whole_scan_and_only_that(
    machine: KeyMachine, till: Running
) -> None:
    machine.send(
        7, strokes("4 0 0") + DROPPED + strokes("LEFTSHIFT+6") + REPORT + digits("933") + digits(GTIN)
    )
    lost, whole = till.next_scans(2)
    assert (lost.intact, lost.fault) == (
        False,
        "the machine was too busy and lost key presses; scan it again",
    )
    assert (whole.raw.decode(), whole.intact) == (GTIN, True)


def test_after_a_loss_no_question_is_asked_that_would_flush_the_next_code(
    machine: KeyMachine, till: Running
) -> None:
    machine.send(7, digits("1") + DROPPED + REPORT + digits("2") + digits("3"))
    scans = till.next_scans(3)
    assert [(scan.raw, scan.intact) for scan in scans] == [(b"1", True), (b"2", False), (b"3", True)]
    assert machine.times_asked_for_held_keys == 1


def test_what_was_on_its_way_while_it_was_opened_is_not_trusted(machine: KeyMachine) -> None:
    machine.plug_in(7, SCANNER)
    machine.send(7, digits("933") + digits(GTIN))
    with running(source(machine)) as till:
        scans = till.next_scans(2)
    assert [(scan.raw.decode(), scan.intact) for scan in scans] == [("933", False), (GTIN, True)]


def test_a_key_held_while_it_was_opened_belongs_to_a_code_that_is_not_trusted(machine: KeyMachine) -> None:
    machine.plug_in(7, SCANNER)
    machine.held = [42]
    with running(source(machine)) as till:
        till.until(DeviceState.OPEN)
        machine.send(7, strokes("A ENTER"))
        scan = till.next_scan()
    assert (scan.raw, scan.fault) == (
        b"A",
        "the scanner was opened in the middle of this code; scan it again",
    )


def test_only_the_adopted_device_is_opened_and_grabbed(machine: KeyMachine) -> None:
    machine.plug_in(0, PERSONS)
    machine.plug_in(1, DeviceIdentity(vendor_id=0x0C2E, product_id=0x0B6A, serial_number="another"))
    machine.plug_in(7, SCANNER)
    with running(source(machine)) as till:
        till.until(DeviceState.OPEN)
    assert machine.grabbed == [str(machine.dev / "event7")]


def test_a_persons_keyboard_that_took_the_scanners_number_is_not_grabbed(machine: KeyMachine) -> None:
    machine.plug_in(7, SCANNER)
    machine.becomes(7, PERSONS)
    with running(source(machine)) as till:
        absent = till.until(DeviceState.ABSENT)
    assert absent.detail.endswith("event7 was another device by the time it was opened; it was not grabbed")
    assert machine.grabbed == []


def test_an_adopted_scanner_that_is_unplugged_leaves_the_keyboard_alone(machine: KeyMachine) -> None:
    machine.plug_in(0, PERSONS)
    with running(source(machine)) as till:
        till.until(DeviceState.ABSENT)
    assert machine.grabbed == []


def test_unplugged_in_mid_code_and_replugged_under_another_number(machine: KeyMachine, till: Running) -> None:
    machine.send(7, digits(GTIN) + strokes("4 0 0"))
    assert till.next_scan().raw.decode() == GTIN
    machine.unplug(7)
    half = till.next_scan()
    till.until(DeviceState.ABSENT)
    machine.plug_in(12, SCANNER)
    till.until(DeviceState.OPEN)
    machine.send(12, digits(GTIN))
    whole = till.next_scan()
    assert (half.raw, half.intact) == (b"400", False)
    assert (whole.raw.decode(), whole.device) == (GTIN, "till-2")


def test_two_equal_scanners_are_told_apart_by_their_sockets(machine: KeyMachine) -> None:
    left = DeviceIdentity(vendor_id=0x05E0, product_id=0x1200, socket="usb-1.3/input0")
    right = DeviceIdentity(vendor_id=0x05E0, product_id=0x1200, socket="usb-1.4/input0")
    machine.plug_in(3, left)
    machine.plug_in(4, right)
    with running(source(machine, left)) as one, running(source(machine, right)) as other:
        one.until(DeviceState.OPEN)
        other.until(DeviceState.OPEN)
        machine.send(3, digits("111"))
        machine.send(4, digits("222"))
        assert (one.next_scan().raw, other.next_scan().raw) == (b"111", b"222")


def test_equal_scanners_that_cannot_be_told_apart_are_not_opened(machine: KeyMachine) -> None:
    for number in (3, 4):
        machine.plug_in(
            number, DeviceIdentity(vendor_id=1, product_id=2, serial_number="0", socket=f"usb-{number}")
        )
    with running(source(machine, DeviceIdentity.parse("0001:0002#0"))) as till:
        failed = till.until(DeviceState.FAILED)
    assert failed.detail.startswith("0001:0002#0 fits 2 devices")
    assert machine.grabbed == []


def test_a_device_another_program_has_grabbed_is_busy_until_it_is_let_go(machine: KeyMachine) -> None:
    machine.busy = True
    machine.plug_in(7, SCANNER)
    with running(source(machine)) as till:
        busy = till.until(DeviceState.BUSY)
        machine.busy = False
        till.until(DeviceState.OPEN)
    assert busy.detail.endswith("is grabbed by another program; close it (a second agent?)")


@pytest.mark.parametrize("with_module", [True, False])
def test_the_kernel_is_asked_with_the_module_and_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, with_module: bool
) -> None:
    if not with_module:
        monkeypatch.setitem(sys.modules, "evdev", None)
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(OSError, match="Inappropriate ioctl for device") as refused:
        open_key_device(str(path))
    assert refused.value.errno == errno.ENOTTY
