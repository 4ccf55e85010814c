"""For each device: whether it may be used, and why."""

from __future__ import annotations

import msgspec
import pytest

from agent.errors import AgentError
from agent.scanners.adoption import Adopted
from agent.scanners.listing import (
    Listed,
    Plugged,
    Standing,
    chosen,
    list_devices,
    modem_manager_notice,
    standing_of,
)
from agent.settings import ScannerSettings
from devices.holders import Holder
from devices.identity import DeviceIdentity

HONEYWELL = DeviceIdentity(
    vendor_id=0x0C2E, product_id=0x0B61, serial_number="17032B0E96", socket="1-1.2:1.0"
)
UNKNOWN = DeviceIdentity(vendor_id=0x1A2C, product_id=0x2124, socket="usb-0000:01:00.0-1.3/input0")

PORT = Plugged(kind="serial", path="/dev/ttyACM0", title="Xenon", identity=HONEYWELL, group="dialout")
KEYS = Plugged(kind="evdev", path="/dev/input/event7", title="HID Keyboard", identity=UNKNOWN, group="input")
POSITION = Plugged(kind="hidpos", path="/dev/hidraw2", title="Xenon", identity=HONEYWELL, group="input")


def told(device: Plugged) -> tuple[Standing, str]:
    found = standing_of(device, (), ())
    return found.standing, found.why


def changed(device: Plugged, **fields: object) -> Plugged:
    return msgspec.structs.replace(device, **fields)


def test_a_scanner_of_a_known_maker_is_free() -> None:
    assert told(PORT) == (Standing.FREE, "made by Metrologic (Honeywell); not adopted")


def test_a_keyboard_of_an_unknown_maker_may_be_a_persons() -> None:
    assert told(KEYS) == (
        Standing.KEYBOARD,
        "may be a person's keyboard; if it is a scanner: devices adopt --it-is-a-scanner",
    )


def test_the_keyboard_of_the_machine_itself_is_never_used() -> None:
    own = DeviceIdentity(vendor_id=1, product_id=1, socket="isa0060/serio0/input0")
    assert told(changed(KEYS, identity=own)) == (Standing.BUILT_IN, "never used: it is this machine's own")


def test_a_hid_pos_scanner_is_free_whoever_made_it() -> None:
    assert told(changed(POSITION, identity=UNKNOWN)) == (Standing.FREE, "not adopted")


def test_no_permission_names_the_group() -> None:
    assert told(changed(PORT, readable=False)) == (
        Standing.NO_PERMISSION,
        "no permission: add the agent's user to the group 'dialout', and start the agent anew",
    )


def test_no_permission_for_anyone_names_the_udev_rules() -> None:
    assert told(changed(POSITION, readable=False, group=None)) == (
        Standing.NO_PERMISSION,
        "no permission, and no group has one: install the udev rules of deploy/udev, and plug it in anew",
    )


def test_a_port_that_modem_manager_holds_says_so() -> None:
    standing, why = told(changed(PORT, holders=(Holder("ModemManager", 412),)))
    assert (standing, why.startswith("opened by ModemManager (process 412): install the udev rules")) == (
        Standing.BUSY,
        True,
    )


def test_a_keyboard_that_a_desktop_reads_is_no_trouble() -> None:
    """A desktop opens every keyboard; grabbing takes it away from it."""
    assert told(changed(KEYS, holders=(Holder("Xorg", 700),)))[0] is Standing.KEYBOARD


def test_modem_manager_that_may_come_is_a_warning_and_a_notice() -> None:
    warned = changed(PORT, modem_manager=True)
    assert told(warned)[1].endswith(
        "ModemManager runs and may open it first: install the udev rules of deploy/udev"
    )
    assert modem_manager_notice([warned, KEYS]) == (
        "ModemManager runs and was not told to keep off /dev/ttyACM0; install the udev rules of deploy/udev, or a "
        "scanner's first codes are lost to it"
    )


def test_without_modem_manager_there_is_no_notice() -> None:
    assert modem_manager_notice([PORT, KEYS]) is None


def test_an_adopted_device_is_ours_in_any_socket() -> None:
    adopted = Adopted(
        kind="serial", identity="0c2e:0b61#17032B0E96", name="front", profile="honeywell-2d", since_wall_us=1
    )
    moved = changed(PORT, identity=msgspec.structs.replace(HONEYWELL, socket="1-1.4:1.0"))
    assert standing_of(moved, (adopted,), ()) == Listed(
        device=moved, standing=Standing.ADOPTED, why="with profile honeywell-2d", name="front"
    )


def test_an_adopted_device_says_what_keeps_it_from_working() -> None:
    adopted = Adopted(
        kind="serial", identity="0c2e:0b61#17032B0E96", name="front", profile="honeywell-2d", since_wall_us=1
    )
    found = standing_of(changed(PORT, readable=False), (adopted,), ())
    assert (found.standing, "no permission" in found.why) == (Standing.ADOPTED, True)


def test_a_device_of_the_configuration_is_configured_by_its_path_too() -> None:
    found = standing_of(PORT, (), (ScannerSettings(kind="serial", path="/dev/ttyACM0"),))
    assert (found.standing, found.name) == (Standing.CONFIGURED, "ttyACM0")


def test_what_is_adopted_and_not_plugged_in_is_absent() -> None:
    gone = Adopted(
        kind="evdev", identity="ffff:ffff#none", name="door", profile="generic-keyboard", since_wall_us=1
    )
    listed = [one for one in list_devices((gone,), (), agent_pid=None) if one.name == "door"]
    assert [(one.standing, one.why) for one in listed] == [
        (Standing.ABSENT, "not plugged in, or switched off")
    ]


@pytest.mark.parametrize("wanted", ["/dev/ttyACM0", "0c2e:0b61#17032B0E96@1-1.2:1.0", "front"])
def test_a_device_is_chosen_by_path_identity_or_name(wanted: str) -> None:
    front = Listed(device=PORT, standing=Standing.ADOPTED, why="", name="front")
    assert chosen([front, standing_of(KEYS, (), ())], wanted) is front


def test_a_choice_that_fits_two_devices_is_refused() -> None:
    listed = [standing_of(one, (), ()) for one in (PORT, POSITION)]
    with pytest.raises(AgentError, match="fits 2 devices"):
        chosen(listed, "0c2e:0b61#17032B0E96")


def test_a_choice_that_is_not_there_names_what_is() -> None:
    with pytest.raises(AgentError, match=r"'/dev/ttyACM9' is not there; expected one .*: /dev/ttyACM0"):
        chosen([standing_of(PORT, (), ())], "/dev/ttyACM9")


def test_a_device_without_serial_number_is_adopted_by_its_socket() -> None:
    assert (PORT.stable, KEYS.stable, changed(PORT, identity=None).stable) == (
        "0c2e:0b61#17032B0E96",
        "1a2c:2124@usb-0000:01:00.0-1.3/input0",
        "/dev/ttyACM0",
    )
