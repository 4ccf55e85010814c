"""A serial port is found by the identity of its scanner, under whatever number it has now."""

from __future__ import annotations

from pathlib import Path

import msgspec

from devices.connection import Trouble
from devices.identity import DeviceIdentity
from devices.profile import load_profile
from devices.scan import DeviceState
from devices.serial_identity import FoundPort, identity_in, port_of
from tests.devices.pseudo_terminal import running, serial_source

LEFT = DeviceIdentity(vendor_id=0x05F9, product_id=0x4204, socket="1-1.3:1.0")
RIGHT = DeviceIdentity(vendor_id=0x05F9, product_id=0x4204, socket="1-1.4:1.0")
NUMBERED = DeviceIdentity(vendor_id=0x0C2E, product_id=0x0B61, serial_number="17032B0E96", socket="1-1.2:1.0")


def port(path: str, identity: DeviceIdentity | None) -> FoundPort:
    return FoundPort(
        path=path,
        stable_path=path,
        description="",
        vendor_id=None,
        product_id=None,
        serial_number=None,
        identity=identity,
        usable=True,
    )


PORTS = [
    port("/dev/ttyS0", None),
    port("/dev/ttyACM0", LEFT),
    port("/dev/ttyACM1", RIGHT),
    port("/dev/ttyACM2", NUMBERED),
]


def test_a_scanner_with_a_serial_number_is_found_in_any_socket() -> None:
    assert port_of(msgspec.structs.replace(NUMBERED, socket=""), PORTS) == "/dev/ttyACM2"


def test_equal_scanners_without_serial_numbers_are_told_apart_by_socket() -> None:
    assert [port_of(LEFT, PORTS), port_of(RIGHT, PORTS)] == ["/dev/ttyACM0", "/dev/ttyACM1"]


def test_another_model_in_the_same_socket_is_not_opened() -> None:
    other = msgspec.structs.replace(LEFT, product_id=0x0001)
    assert port_of(other, PORTS) == Trouble(
        state=DeviceState.ABSENT, detail="no scanner 05f9:0001@1-1.3:1.0 is there; plug the scanner in"
    )


def test_an_identity_that_fits_two_ports_opens_neither() -> None:
    told = port_of(DeviceIdentity(vendor_id=0x05F9, product_id=0x4204), PORTS)
    assert told == Trouble(
        state=DeviceState.FAILED,
        detail="05f9:4204 fits 2 ports (/dev/ttyACM0, /dev/ttyACM1); adopt the one meant with its socket",
    )


def test_a_path_is_no_identity() -> None:
    assert [identity_in(path) for path in ("/dev/ttyACM0", "COM3", "/dev:x", "0c2e:0b6a")] == [None] * 4


def test_a_source_by_identity_waits_for_its_scanner() -> None:
    with running(serial_source(Path("0c2e:ffff#none"), load_profile("generic-serial"))) as source:
        assert (
            source.until(DeviceState.ABSENT).detail
            == "no scanner 0c2e:ffff#none is there; plug the scanner in"
        )
