"""``devices`` as a person or a program uses it, with scanners on pseudo-terminals."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT

import pytest

from devices.profile import load_profile
from tests.agent.commands.test_commands import Outcome, run
from tests.agent.running_agent import command, environment
from tests.devices.pseudo_terminal import PtyScanner


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[PtyScanner]:
    plugged = PtyScanner(tmp_path / "front")
    plugged.plug_in()
    yield plugged
    plugged.unplug()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "agent.toml"
    path.write_text(f'data_dir = "{tmp_path / "data"}"\n')
    return path


def listed(config: Path) -> list[dict[str, object]]:
    told = run("devices", "--json", "--config", str(config))
    assert told.returncode == 0, told.stderr
    found: list[dict[str, object]] = json.loads(told.stdout)["devices"]
    return found


def adopt(scanner: PtyScanner, config: Path, *options: str) -> Outcome:
    return run("devices", "adopt", str(scanner.link), "--config", str(config), *options)


@pytest.mark.parametrize("name", ["adopt", "forget", "test", "calibrate"])
def test_every_command_of_devices_explains_itself(name: str) -> None:
    found = run("devices", name, "--help")
    assert (found.returncode, "Usage" in found.stdout) == (0, True)


def test_an_adopted_device_is_listed_as_ours(scanner: PtyScanner, config: Path) -> None:
    told = adopt(scanner, config, "--name", "till-1")
    assert told.stdout.splitlines() == [
        f"adopted: serial {scanner.link} as till-1, profile generic-serial",
        "no agent runs now; it counts from the next start",
    ]
    assert [(one["name"], one["standing"], one["why"]) for one in listed(config) if one["name"]] == [
        ("till-1", "adopted", "with profile generic-serial")
    ]


def test_a_forgotten_device_is_ours_no_more(scanner: PtyScanner, config: Path) -> None:
    adopt(scanner, config)
    told = run("devices", "forget", "front", "--config", str(config))
    assert told.stdout.startswith(f"forgotten: serial {scanner.link}, which was front\n")
    assert [one for one in listed(config) if one["name"] == "front"] == []


def test_an_unplugged_device_is_listed_as_absent_and_can_be_forgotten(tmp_path: Path, config: Path) -> None:
    plugged = PtyScanner(tmp_path / "door")
    plugged.plug_in()
    adopt(plugged, config)
    plugged.unplug()
    assert [one["standing"] for one in listed(config) if one["name"] == "door"] == ["absent"]
    assert run("devices", "forget", "door", "--config", str(config)).returncode == 0


def test_a_device_of_the_configuration_needs_no_adoption(scanner: PtyScanner, config: Path) -> None:
    config.write_text(config.read_text() + f'[[scanner]]\nkind = "serial"\npath = "{scanner.link}"\n')
    told = adopt(scanner, config)
    assert (told.returncode, "is in the configuration already, as front" in told.stderr) == (1, True)


def test_a_profile_for_another_link_is_refused(scanner: PtyScanner, config: Path) -> None:
    told = adopt(scanner, config, "--profile", "generic-keyboard")
    assert (told.returncode, told.stderr.count("\n"), "expected one for a serial scanner" in told.stderr) == (
        1,
        1,
        True,
    )


def test_a_device_that_is_not_there_is_refused(config: Path) -> None:
    told = run("devices", "adopt", "/dev/ttyACM99", "--config", str(config))
    assert (told.returncode, "device '/dev/ttyACM99' is not there" in told.stderr) == (1, True)


def test_a_port_that_another_program_holds_says_which(scanner: PtyScanner, config: Path) -> None:
    adopt(scanner, config)
    with Path(scanner.terminal).open("rb") as port, subprocess.Popen(["sleep", "60"], stdin=port) as other:
        (why,) = [one["why"] for one in listed(config) if one["name"] == "front"]
        other.kill()
    assert why == f"with profile generic-serial; opened by sleep (process {other.pid}): close it"


class Watching:
    """`devices test` as a process of its own; it is open once it says so."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            command("devices", "test", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self.process.stderr is not None
        assert self.process.stderr.readline().endswith("is open\n")

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self) -> tuple[int, str]:
        """Press Ctrl-C."""
        self.process.send_signal(SIGINT)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


def test_a_test_shows_each_scan_as_a_line_of_json_and_ends_at_ctrl_c(
    scanner: PtyScanner, config: Path
) -> None:
    testing = Watching(str(scanner.link), "--config", str(config), "--json")
    scanner.send(b"]E04006381333931\r")
    product = json.loads(testing.line())
    scanner.send(b"]d2010950600013435221ABC12\r")
    item = json.loads(testing.line())
    assert testing.end() == (0, "\n")
    assert (product["raw"], product["scans"][0]["label"]["gtin"]) == (
        "]E04006381333931<CR>",
        "04006381333931",
    )
    assert (item["masked"], item["raw"], item["scans"][0]["label"]) == (
        True,
        "]d2" + 23 * "•" + "<CR>",
        {"kind": "sgtin", "gtin": "09506000134352", "symbology": "GS1 DataMatrix"},
    )


def test_a_test_of_the_only_adopted_device_needs_no_name(scanner: PtyScanner, config: Path) -> None:
    adopt(scanner, config)
    testing = Watching("--config", str(config), "--show-codes", "--count", "1")
    scanner.send(b"010950600013435221ABC12\r")
    assert "010950600013435221ABC12" in testing.line()
    assert testing.process.wait(20) == 0
    testing.end()


def test_a_test_on_a_terminal_is_a_live_table(scanner: PtyScanner, config: Path) -> None:
    screen, terminal = os.openpty()
    arguments = ("devices", "test", str(scanner.link), "--config", str(config), "--count", "1")
    with subprocess.Popen(
        command(*arguments), stdout=terminal, env={**environment(), "TERM": "xterm", "COLUMNS": "160"}
    ) as process:
        drawn = b""
        while b"front: open" not in drawn:
            drawn += os.read(screen, 4096)
        scanner.send(b"4006381333931\r")
        while b"04006381333931" not in drawn:
            drawn += os.read(screen, 4096)
        assert process.wait(20) == 0
    os.close(terminal)
    os.close(screen)


def test_a_test_without_a_device_says_which_there_are(config: Path) -> None:
    told = run("devices", "test", "--config", str(config))
    assert (told.returncode, "which device? Adopted or configured: none" in told.stderr) == (1, True)


def test_without_a_device_calibrate_makes_the_sheet_alone(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.pdf"
    told = run("devices", "calibrate", "--sheet", str(sheet))
    assert (told.returncode, told.stderr, sheet.read_bytes()[:5]) == (
        0,
        f"print {sheet} at 100 %\n",
        b"%PDF-",
    )


def test_a_sheet_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    told = run("devices", "calibrate", "--sheet", str(tmp_path / "gone" / "sheet.pdf"))
    assert (
        told.returncode,
        "No such file or directory; name a place where you may write" in told.stderr,
    ) == (1, True)


class Calibrating:
    """`devices calibrate` as a process of its own."""

    def __init__(self, folder: Path, scanner: PtyScanner, config: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            command("devices", "calibrate", str(scanner.link), "--config", str(config),
                    "--sheet", str(folder / "sheet.pdf"), *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )  # fmt: skip
        self.sheet = folder / "sheet.pdf"

    def asked(self) -> int:
        """The number of the symbol it asks for next."""
        assert self.process.stderr is not None
        while not (line := self.process.stderr.readline()).startswith("scan symbol"):
            assert line
        return int(line.split()[2].rstrip(","))

    def end(self) -> tuple[int, str, str]:
        out, errors = self.process.communicate(timeout=20)
        return self.process.returncode, out, errors


def test_scanning_the_printed_sheet_ends_in_the_right_profile(
    tmp_path: Path, scanner: PtyScanner, config: Path
) -> None:
    from tests.devices.calibration.paper import scanned

    adopt(scanner, config, "--name", "till 1")
    calibrating = Calibrating(tmp_path, scanner, config)
    symbols: list[tuple[str, bytes]] = []
    for _ in range(3):
        number = calibrating.asked()
        symbols = symbols or scanned(calibrating.sheet.read_bytes(), 300)
        identifier, content = symbols[number - 1]
        # A scanner that is set to STX, AIM identifiers, GS as <GS>, and ETX.
        scanner.send(b"\x02" + identifier.encode() + content.replace(b"\x1d", b"<GS>") + b"\x03")
    code, out, _ = calibrating.end()
    path = tmp_path / "data" / "profiles" / "till-1.toml"
    profile = load_profile(str(path))
    assert code == 0, out
    assert (
        profile.link, profile.framing.terminators, profile.framing.ending, profile.code.aim_prefix,
        profile.code.group_separators,
    ) == ("serial", ("ETX",), "terminator", True, ("<GS>",))  # fmt: skip
    assert [one["why"] for one in listed(config) if one["name"] == "till 1"] == [f"with profile {path}"]


def test_a_scanner_that_spoils_codes_gets_no_profile(
    tmp_path: Path, scanner: PtyScanner, config: Path
) -> None:
    calibrating = Calibrating(tmp_path, scanner, config, "--to", str(tmp_path / "own.toml"), "--json")
    for content in (b"AQWYZM-AQWYZM.2026\r", b'@"#-_/:?=&%+()\r', b"10AB3-X21ZY9K\r"):
        calibrating.asked()
        scanner.send(content)
    code, out, _ = calibrating.end()
    told = json.loads(out)
    assert (code, told["letters"], len(told["must_change"]), (tmp_path / "own.toml").exists()) == (
        2, "capitals", 2, False,
    )  # fmt: skip


def test_a_scan_of_something_else_is_asked_for_again(
    tmp_path: Path, scanner: PtyScanner, config: Path
) -> None:
    calibrating = Calibrating(tmp_path, scanner, config)
    first = calibrating.asked()
    scanner.send(b"4006381333931\r")
    assert calibrating.asked() == first
    calibrating.process.send_signal(SIGINT)
    code, _, errors = calibrating.end()
    assert (code, errors.splitlines()[-1]) == (
        1,
        "countermark-agent: calibration was broken off; nothing was written",
    )
