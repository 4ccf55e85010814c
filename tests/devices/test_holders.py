"""Who holds a device, on folders laid out as /proc and udev's data are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devices.holders import Holder, holders_of, is_told_to_ignore, runs


class Machine:
    """The programs of a machine and what they have open."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.port = root / "ttyACM0"
        self.port.touch()
        self.link = root / "by-id"
        self.link.symlink_to(self.port)

    def start(self, pid: int, name: str, *opened: Path) -> None:
        descriptors = self.proc / str(pid) / "fd"
        descriptors.mkdir(parents=True)
        (self.proc / str(pid) / "comm").write_text(name + "\n")
        for number, path in enumerate(opened):
            (descriptors / str(number)).symlink_to(path)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_program_that_holds_a_port_is_named(machine: Machine) -> None:
    machine.start(412, "ModemManager", Path("/dev/null"), machine.port)
    machine.start(500, "bash", Path("/dev/null"))
    assert holders_of(str(machine.link), machine.proc) == [Holder("ModemManager", 412)]


def test_a_program_that_ends_while_we_look_is_passed_over(machine: Machine) -> None:
    (machine.proc / "7").mkdir(parents=True)
    assert holders_of(str(machine.port), machine.proc) == []


def test_what_this_process_has_open_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "port"
    with path.open("wb"):
        assert holders_of(str(path)) == []


def test_modem_manager_that_holds_a_port_is_kept_off_by_the_rules() -> None:
    assert "udev rules" in Holder("ModemManager", 1).remedy


def test_any_other_program_is_to_be_closed() -> None:
    assert Holder("minicom", 1).remedy == "close it"


def test_whether_a_program_runs_is_known_by_its_name(machine: Machine) -> None:
    machine.start(412, "ModemManager")
    assert (runs("ModemManager", machine.proc), runs("brltty", machine.proc)) == (True, False)


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("E:ID_MM_PORT_IGNORE=1", True),
        ("E:ID_MM_DEVICE_IGNORE=1", True),
        ("E:ID_MM_PORT_IGNORE=0", False),
        ("E:ID_MODEL=Scanner", False),
    ],
)
def test_the_mark_of_udev_keeps_modem_manager_off(tmp_path: Path, mark: str, told: bool) -> None:
    number = Path("/dev/null").stat().st_rdev
    (tmp_path / f"c{os.major(number)}:{os.minor(number)}").write_text(f"S:null\n{mark}\n")
    assert is_told_to_ignore("/dev/null", tmp_path) is told


def test_a_port_that_udev_does_not_know_is_not_marked(tmp_path: Path) -> None:
    assert is_told_to_ignore(str(tmp_path / "gone"), tmp_path) is False
