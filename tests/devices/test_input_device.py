"""Our own reader of input devices: the kernel's numbers and bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices import input_device
from devices.identity import DeviceIdentity
from devices.input_device import Event, InputDevice
from devices.key_events import EV_KEY
from tests.devices.key_devices import REPORT, KeyMachine, event

SCANNER = DeviceIdentity(
    vendor_id=0x0C2E, product_id=0x0B6A, serial_number="17032B0E96", socket="usb-1.3/input0"
)


@pytest.fixture
def machine(tmp_path: Path) -> KeyMachine:
    one = KeyMachine(tmp_path)
    one.plug_in(7, SCANNER)
    return one


def opened(machine: KeyMachine) -> InputDevice:
    return machine.open(str(machine.dev / "event7"))


def test_the_requests_are_the_kernels() -> None:
    """From linux/input.h, as a C compiler has them on x86-64 and ARM64."""
    assert [
        input_device.EVIOCGID,
        input_device.EVIOCGNAME,
        input_device.EVIOCGPHYS,
        input_device.EVIOCGUNIQ,
        input_device.EVIOCGKEY,
        input_device.EVIOCGBIT_KEYS,
        input_device.EVIOCGRAB,
    ] == [0x80084502, 0x81004506, 0x81004507, 0x81004508, 0x80604518, 0x80604521, 0x40044590]


def test_a_device_says_who_it_is(machine: KeyMachine) -> None:
    device = opened(machine)
    assert (device.info.vendor, device.info.product, device.name, device.phys, device.uniq) == (
        0x0C2E,
        0x0B6A,
        "Maker Scanner",
        "usb-1.3/input0",
        "17032B0E96",
    )
    device.close()


def test_a_device_without_serial_number_has_an_empty_one(machine: KeyMachine) -> None:
    machine.becomes(7, DeviceIdentity(vendor_id=1, product_id=2, socket="usb-1/input0"))
    device = opened(machine)
    assert device.uniq == ""
    device.close()


def test_held_keys_and_known_keys_are_read_from_bitmaps(machine: KeyMachine) -> None:
    machine.held = [42, 0x2FF]
    device = opened(machine)
    assert (device.active_keys(), device.capabilities()) == ([42, 0x2FF], {EV_KEY: [*range(2, 12), 28]})
    device.close()


def test_events_come_out_as_the_kernel_wrote_them(machine: KeyMachine) -> None:
    device = opened(machine)
    machine.send(7, event(EV_KEY, 30, 1) + REPORT)
    assert device.read() == [
        Event(1_700_000_000, 42, EV_KEY, 30, 1),
        Event(1_700_000_000, 42, 0, 0, 0),
    ]
    device.close()


def test_an_event_cut_anywhere_is_put_together(machine: KeyMachine) -> None:
    device = opened(machine)
    read = []
    for byte in event(EV_KEY, 30, 1) + event(EV_KEY, 30, 0):
        machine.send(7, bytes([byte]))
        read += device.read()
    assert [(one.code, one.value) for one in read] == [(30, 1), (30, 0)]
    device.close()


def test_where_nothing_waits_reading_says_so(machine: KeyMachine) -> None:
    device = opened(machine)
    with pytest.raises(BlockingIOError):
        device.read()
    device.close()


def test_a_device_that_is_gone_is_an_error(machine: KeyMachine) -> None:
    device = opened(machine)
    machine.unplug(7)
    with pytest.raises(OSError, match="No such device"):
        device.read()
    device.close()


def test_what_is_no_input_device_is_refused_by_the_kernel_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="Inappropriate ioctl"):
        InputDevice(str(path))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
