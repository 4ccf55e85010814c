"""Finding keyboard-like devices and knowing them again, on a folder laid out as sysfs does."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.errors import DevicesError
from devices.identity import DeviceIdentity
from devices.input_nodes import list_input_nodes

# The key bitmap of a common USB keyboard, as a 64-bit kernel prints it.
KEYBOARD_KEYS = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe"
MOUSE_KEYS = "1f0000 0 0 0 0"

SCANNER = DeviceIdentity(vendor_id=0x0C2E, product_id=0x0B6A, serial_number="17032B0E96")


class Machine:
    """A machine's input devices."""

    def __init__(self, root: Path) -> None:
        self.sys = root / "sys"
        self.dev = root / "dev"
        self.dev.mkdir()

    def plug_in(
        self, number: int, identity: DeviceIdentity, *, name: str = "Scanner", keys: str = KEYBOARD_KEYS
    ) -> None:
        about = self.sys / f"event{number}" / "device"
        for path, text in {
            "capabilities/key": keys,
            "id/vendor": f"{identity.vendor_id:04x}",
            "id/product": f"{identity.product_id:04x}",
            "uniq": identity.serial_number,
            "phys": identity.socket,
            "name": name,
        }.items():
            (about / path).parent.mkdir(parents=True, exist_ok=True)
            (about / path).write_text(text + "\n")
        (self.dev / f"event{number}").touch()

    def identities(self) -> list[DeviceIdentity]:
        return [node.identity for node in list_input_nodes(self.sys, self.dev)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_scanner_is_listed_with_its_identity_and_path(machine: Machine) -> None:
    machine.plug_in(7, SCANNER)
    (node,) = list_input_nodes(machine.sys, machine.dev)
    assert (node.path, node.identity) == (str(machine.dev / "event7"), SCANNER)


def test_a_mouse_is_not_listed(machine: Machine) -> None:
    machine.plug_in(3, SCANNER, keys=MOUSE_KEYS)
    assert machine.identities() == []


def test_after_a_replug_under_another_number_the_identity_is_the_same(machine: Machine) -> None:
    machine.plug_in(7, SCANNER)
    machine.plug_in(12, SCANNER)
    assert machine.identities() == [SCANNER, SCANNER]


def test_a_device_without_serial_number_is_known_by_its_socket(machine: Machine) -> None:
    left = DeviceIdentity(vendor_id=0x05E0, product_id=0x1200, socket="usb-0000:01:00.0-1.3/input0")
    right = DeviceIdentity(vendor_id=0x05E0, product_id=0x1200, socket="usb-0000:01:00.0-1.4/input0")
    machine.plug_in(4, left)
    machine.plug_in(5, right)
    assert [left.fits(identity) for identity in machine.identities()] == [True, False]


def test_a_bluetooth_scanner_is_known_by_its_address() -> None:
    adopted = DeviceIdentity(vendor_id=0x0C2E, product_id=0x0B6A, serial_number="00:0a:3a:5e:11:22")
    assert adopted.fits(
        DeviceIdentity(
            vendor_id=0x0C2E, product_id=0x0B6A, serial_number="00:0a:3a:5e:11:22", socket="dc:a6:32:00:00:01"
        )
    )


def test_no_permission_is_said_in_words(machine: Machine) -> None:
    machine.plug_in(7, SCANNER)
    (machine.dev / "event7").unlink()
    (node,) = list_input_nodes(machine.sys, machine.dev)
    assert (node.usable, node.remark) == (
        False,
        (
            "made by Metrologic (Honeywell), so most likely a scanner; no permission: add the agent's user to the "
            "group 'input'"
        ),
    )


@pytest.mark.parametrize(
    "text", ["0c2e:0b6a#17032B0E96", "0c2e:0b6a@usb-0000:01:00.0-1.3/input0", "0c2e:0b6a#17@usb-1/input0"]
)
def test_an_identity_reads_back_as_written(text: str) -> None:
    assert str(DeviceIdentity.parse(text)) == text


@pytest.mark.parametrize("text", ["", "0c2e:0b6a", "/dev/input/event7", "xyz:0b6a#1"])
def test_an_identity_that_names_no_single_device_is_refused(text: str) -> None:
    with pytest.raises(DevicesError, match="expected vendor:product#serial or vendor:product@socket"):
        DeviceIdentity.parse(text)
