"""Adopted devices are remembered beside the journal; the configuration wins."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.scanners.adoption import Adopted, AdoptionError, adopt, forget, not_configured, read_adopted
from agent.settings import ScannerSettings

FRONT = Adopted(
    kind="serial", identity="0c2e:0b61#17032B0E96", name="front", profile="honeywell-2d", since_wall_us=1
)
BACK = Adopted(
    kind="evdev", identity="05e0:1200@usb-0000:01:00.0-1.3/input0", name="back", profile="generic-keyboard",
    since_wall_us=2,
)  # fmt: skip


def test_nothing_is_adopted_at_first(tmp_path: Path) -> None:
    assert read_adopted(tmp_path) == ()


def test_adopted_devices_are_read_back_in_their_order(tmp_path: Path) -> None:
    adopt(tmp_path, FRONT)
    adopt(tmp_path, BACK)
    assert read_adopted(tmp_path) == (FRONT, BACK)


def test_adopting_a_device_again_replaces_what_was_said_of_it(tmp_path: Path) -> None:
    again = msgspec.structs.replace(FRONT, name="window", profile="generic-serial")
    adopt(tmp_path, FRONT)
    adopt(tmp_path, again)
    assert read_adopted(tmp_path) == (again,)


def test_two_devices_have_no_common_name(tmp_path: Path) -> None:
    adopt(tmp_path, FRONT)
    with pytest.raises(AdoptionError, match="name 'front': device 0c2e:0b61#17032B0E96 has it already"):
        adopt(tmp_path, msgspec.structs.replace(BACK, name="front"))


@pytest.mark.parametrize("wanted", ["front", "0c2e:0b61#17032B0E96"])
def test_a_device_is_forgotten_by_its_name_or_identity(tmp_path: Path, wanted: str) -> None:
    adopt(tmp_path, FRONT)
    assert (forget(tmp_path, wanted), read_adopted(tmp_path)) == (FRONT, ())


def test_what_is_not_adopted_cannot_be_forgotten(tmp_path: Path) -> None:
    adopt(tmp_path, FRONT)
    with pytest.raises(AdoptionError, match="device 'door' is not adopted; expected one of: front"):
        forget(tmp_path, "door")


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"version": 2, "devices": []}', b'{"version": 1, "devices": [{}]}']
)
def test_a_damaged_record_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "devices.json").write_bytes(content)
    with pytest.raises(AdoptionError, match="remove it, and adopt them anew"):
        read_adopted(tmp_path)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        AdoptionError, match="cannot be written: No such file or directory; is data_dir right"
    ):
        adopt(tmp_path / "gone", FRONT)


@pytest.mark.parametrize(
    "configured",
    [
        ScannerSettings(kind="serial", path="/dev/ttyACM0", name="front"),
        ScannerSettings(kind="serial", path="0c2e:0b61#17032B0E96"),
        ScannerSettings(kind="serial", path="0c2e:0b61#17032B0E96@1-1.3:1.0"),
    ],
)
def test_a_scanner_of_the_configuration_wins(configured: ScannerSettings) -> None:
    assert not_configured((FRONT, BACK), (configured,)) == (BACK,)


def test_a_link_of_the_configuration_to_the_same_port_wins(tmp_path: Path) -> None:
    port, link = tmp_path / "port", tmp_path / "link"
    port.touch()
    link.symlink_to(port)
    adopted = msgspec.structs.replace(FRONT, identity=str(port))
    assert not_configured((adopted,), (ScannerSettings(kind="serial", path=str(link)),)) == ()


def test_other_scanners_of_the_configuration_change_nothing() -> None:
    other = ScannerSettings(kind="serial", path="/dev/ttyUSB7")
    assert not_configured((FRONT, BACK), (other,)) == (FRONT, BACK)
