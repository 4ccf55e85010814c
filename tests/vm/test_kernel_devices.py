"""Keyboard and HID-POS scanners on the kernel's own devices (uinput, uhid, evdev, hidraw), as root."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from evdev import InputDevice as PackagedDevice

from devices.connection import Backoff
from devices.evdev_input import KeyboardSource
from devices.hid_nodes import list_hid_nodes
from devices.hid_pos import HidPosSource
from devices.identity import DeviceIdentity
from devices.input_device import InputDevice
from devices.input_nodes import list_input_nodes
from devices.profile import load_profile
from devices.scan import DeviceState, Scan
from tests.devices.hid_scanners import COUNTED, KEYBOARD, SCANNER, counted, pieces
from tests.devices.pseudo_terminal import running
from tests.vm.virtual_devices import BLUETOOTH, VirtualHid, VirtualKeyboard

TYPING = DeviceIdentity(vendor_id=0x05E0, product_id=0x1200, socket="usb-virtual-1/input0")
PERSONS = DeviceIdentity(vendor_id=0x046D, product_id=0xC31C, socket="usb-virtual-2/input0")
GTIN = "4006381333931"
LONG = b"https://id.example.com/01/04006381333931/21/" + b"S" * 100


@pytest.fixture(params=["module", "own reader"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test with the module and with our own reader."""
    if request.param == "own reader":
        monkeypatch.setitem(sys.modules, "evdev", None)
    return str(request.param)


@pytest.fixture
def keyboard() -> Iterator[VirtualKeyboard]:
    one = VirtualKeyboard(TYPING)
    yield one
    one.unplug()


@pytest.fixture
def scanner() -> Iterator[VirtualHid]:
    one = VirtualHid(SCANNER, COUNTED)
    yield one
    one.unplug()


def typing(identity: DeviceIdentity = TYPING) -> KeyboardSource:
    return KeyboardSource(identity, load_profile("generic-keyboard"), backoff=Backoff(0.05, 0.1))


def hid_pos() -> HidPosSource:
    return HidPosSource(SCANNER, load_profile("generic-hidpos"), backoff=Backoff(0.05, 0.1))


def node_of(identity: DeviceIdentity) -> str:
    (path,) = [node.path for node in list_input_nodes() if identity.fits(node.identity)]
    return path


def raws(scans: list[Scan]) -> list[str]:
    return [scan.raw.decode() for scan in scans if scan.intact]


@pytest.mark.usefixtures("reader")
def test_a_keyboard_scanner_types_a_scan(keyboard: VirtualKeyboard) -> None:
    with running(typing()) as till:
        till.until(DeviceState.OPEN)
        keyboard.press("RIGHTBRACE D 2 0 1 F8 LEFTSHIFT+A LEFTALT+KP0+KP2+KP9 B ENTER")
        scan = till.next_scan()
    assert (scan.raw, scan.symbology) == (b"01\x1dA\x1db", "]d2")


@pytest.mark.usefixtures("reader")
def test_a_hundred_scans_without_one_missing(keyboard: VirtualKeyboard) -> None:
    codes = [f"{number:013d}" for number in range(100)]
    read = []
    with running(typing()) as till:
        till.until(DeviceState.OPEN)
        for code in codes:
            keyboard.type(code)
            read.append(till.next_scan())
    assert raws(read) == codes


@pytest.mark.usefixtures("reader")
def test_what_is_grabbed_reaches_nobody_else_and_a_persons_keyboard_does(keyboard: VirtualKeyboard) -> None:
    persons = VirtualKeyboard(PERSONS)
    listeners = [InputDevice(node_of(TYPING)), InputDevice(node_of(PERSONS))]
    with running(typing()) as till:
        till.until(DeviceState.OPEN)
        keyboard.type(GTIN)
        persons.press("A")
        till.next_scan()
        heard = [len(listeners[1].read())]
        with pytest.raises(BlockingIOError):
            listeners[0].read()
        with pytest.raises(OSError, match="busy"):
            listeners[0].grab()
    for listener in listeners:
        listener.close()
    persons.unplug()
    assert heard == [4]


@pytest.mark.usefixtures("reader")
def test_keys_the_kernel_drops_cost_their_scan_and_only_that(keyboard: VirtualKeyboard) -> None:
    let_go, first = threading.Event(), threading.Event()
    scans: list[Scan] = []
    done = threading.Event()

    def deliver(scan: Scan) -> None:
        scans.append(scan)
        if len(scans) == 1:
            first.set()
            let_go.wait(60)
        if scan.raw == b"2":
            done.set()

    stop, opened = threading.Event(), threading.Event()
    source = typing()
    thread = threading.Thread(
        target=source.run,
        args=(deliver, lambda status: opened.set() if status.state is DeviceState.OPEN else None, stop),
    )
    thread.start()
    assert opened.wait(60)
    keyboard.type("1")
    assert first.wait(60)
    keyboard.type(GTIN * 8)  # far more than the kernel keeps for a reader that is busy
    let_go.set()
    while not done.wait(0.8):  # a person scans again; what was lost has been given up by then
        keyboard.type("2")
    stop.set()
    thread.join()
    assert {scan.raw for scan in scans if scan.intact} == {b"1", b"2"}
    assert {scan.fault for scan in scans if not scan.intact} == {
        "the machine was too busy and lost key presses; scan it again"
    }


@pytest.mark.usefixtures("reader")
def test_a_keyboard_scanner_is_found_again_under_another_number() -> None:
    first = VirtualKeyboard(TYPING)
    with running(typing()) as till:
        till.until(DeviceState.OPEN)
        was = node_of(TYPING)
        first.type("1")
        scans = [till.next_scan()]
        first.press("4 0")
        first.unplug()  # what the driver has not read by now is gone with the device
        till.until(DeviceState.ABSENT)
        other = VirtualKeyboard(PERSONS)  # takes the number that is free now
        again = VirtualKeyboard(TYPING)
        till.until(DeviceState.OPEN)
        now = node_of(TYPING)
        again.type(GTIN)
        while scans[-1].raw.decode() != GTIN:
            scans.append(till.next_scan())
    other.unplug()
    again.unplug()
    assert was != now
    assert raws(scans) == ["1", GTIN]


def test_our_own_reader_says_of_a_device_what_the_module_says(keyboard: VirtualKeyboard) -> None:
    keyboard.press("A")
    path = node_of(TYPING)
    ours, theirs = InputDevice(path), PackagedDevice(path)
    said = [
        (*one.info, one.name, one.phys, one.uniq, one.capabilities()[1], one.active_keys())
        for one in (ours, theirs)
    ]
    ours.close()
    theirs.close()
    assert said[0] == said[1]


def test_a_bluetooth_keyboard_is_known_by_its_address() -> None:
    address = DeviceIdentity(vendor_id=0x0C2E, product_id=0x0B6A, serial_number="00:0a:3a:5e:11:22")
    first = VirtualHid(address, KEYBOARD, bus=BLUETOOTH)
    with running(typing(address)) as till:
        till.until(DeviceState.OPEN)
        first.send(b"\0\0\x1e\0\0\0\0\0", bytes(8), b"\0\0\x28\0\0\0\0\0", bytes(8))  # 1, Enter
        scan = till.next_scan()
        first.unplug()
        till.until(DeviceState.ABSENT)
        again = VirtualHid(address, KEYBOARD, bus=BLUETOOTH)
        till.until(DeviceState.OPEN)
    again.unplug()
    assert scan.raw == b"1"


def test_a_hid_pos_scanner_is_listed_and_a_keyboard_is_not(scanner: VirtualHid) -> None:
    other = VirtualHid(PERSONS, KEYBOARD)
    with running(hid_pos()) as till:
        till.until(DeviceState.OPEN)
        listed = [(node.identity, node.descriptor) for node in list_hid_nodes()]
        scanner.send(counted(b"1"))
        till.next_scan()
    other.unplug()
    assert listed == [(SCANNER, COUNTED)]


def test_hid_pos_scans_short_and_long(scanner: VirtualHid) -> None:
    with running(hid_pos()) as till:
        till.until(DeviceState.OPEN)
        scanner.send(counted(GTIN.encode(), aim=b"]E0"), *pieces(LONG, aim=b"]Q1"))
        scans = till.next_scans(2)
    assert [(scan.raw, scan.symbology) for scan in scans] == [(GTIN.encode(), "]E0"), (LONG, "]Q1")]


def test_a_hundred_hid_pos_scans_without_one_missing(scanner: VirtualHid) -> None:
    codes = [f"{number:013d}" for number in range(100)]
    read: list[Scan] = []
    with running(hid_pos()) as till:
        till.until(DeviceState.OPEN)
        for burst in range(0, 100, 25):
            scanner.send(*(counted(code.encode()) for code in codes[burst : burst + 25]))
            read += till.next_scans(25)
    assert raws(read) == codes


def test_reports_the_kernel_drops_are_noticed(scanner: VirtualHid) -> None:
    source, gate = hid_pos(), threading.Event()
    scans: list[Scan] = []
    first, opened, stop = threading.Event(), threading.Event(), threading.Event()

    def deliver(scan: Scan) -> None:
        scans.append(scan)
        if len(scans) == 1:
            first.set()
            gate.wait(60)

    thread = threading.Thread(
        target=source.run,
        args=(deliver, lambda status: opened.set() if status.state is DeviceState.OPEN else None, stop),
    )
    thread.start()
    assert opened.wait(60)
    scanner.send(counted(b"first"))
    assert first.wait(60)
    scanner.send(*(counted(f"{number:013d}".encode()) for number in range(100)))
    gate.set()
    while len([scan for scan in scans if not scan.intact]) < 1:
        stop.wait(0.05)
    stop.set()
    thread.join()
    assert [scan.raw for scan in scans if scan.intact] == [b"first"] + [
        f"{number:013d}".encode() for number in range(63)
    ]


def test_a_hid_pos_scanner_is_found_again_under_another_number() -> None:
    first = VirtualHid(SCANNER, COUNTED)
    with running(hid_pos()) as till:
        till.until(DeviceState.OPEN)
        (was,) = [node.path for node in list_hid_nodes()]
        first.send(counted(b"1"), pieces(LONG)[0])
        till.next_scan()
        first.unplug()
        half = till.next_scan()
        till.until(DeviceState.ABSENT)
        other = VirtualHid(PERSONS, KEYBOARD)
        until_taken(was)
        again = VirtualHid(SCANNER, COUNTED)
        till.until(DeviceState.OPEN)
        (now,) = [node.path for node in list_hid_nodes()]
        again.send(counted(GTIN.encode()))
        whole = till.next_scan()
    other.unplug()
    again.unplug()
    assert was != now
    assert (half.raw, half.intact, whole.raw.decode()) == (LONG[:56], False, GTIN)


def until_taken(path: str) -> None:
    """Wait until the kernel has given this number to the next device."""
    waiting = threading.Event()
    while not Path(path).exists():
        waiting.wait(0.01)
