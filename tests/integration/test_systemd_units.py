"""The units and rules of an installation, judged by systemd's own tools; nothing is installed or started."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent import settings as agent_settings
from agent.identity.storage import folder_of
from central import settings as central_settings
from devices.identity import SCANNER_MAKERS

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
RULES = ROOT / "deploy" / "udev" / "70-countermark.rules"
VENV = "/opt/countermark/venv/bin/"

# The score of `systemd-analyze security`, from 0 (nothing is open) to 10, that each unit stays at or below. The agent needs
# devices, both need the network.
EXPOSURE_AT_MOST = {
    "countermark-agent.service": 2.5,
    "countermark-broker-certificate.service": 1.0,
    "countermark-central.service": 1.5,
}


def _program(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert found is not None, f"{name} is missing; install it (Debian: apt-get install {package})"
    return found


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


class _Unit(configparser.RawConfigParser):
    """A unit file, of which these tests ask keys that stand once, and the command lines."""

    def __init__(self, name: str) -> None:
        super().__init__(strict=False)
        self.text = (UNITS / name).read_text(encoding="utf-8")
        self.read_string(self.text)

    def optionxform(self, optionstr: str) -> str:
        return optionstr

    def commands(self) -> list[list[str]]:
        return [
            shlex.split(line.lstrip("+-@"))
            for line in re.findall(r"^ExecStart=(.*)$", self.text, re.MULTILINE)
        ]


def _all_units() -> list[str]:
    return sorted(path.name for path in UNITS.iterdir() if path.suffix in {".service", ".timer"})


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root directory with this machine's own units, ours, and an empty program wherever a unit names one."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    own = root / "etc/systemd/system"
    own.mkdir(parents=True)
    for name in _all_units():
        shutil.copy(UNITS / name, own)
        for command in _Unit(name).commands():
            program = root / command[0].lstrip("/")
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
    return root


@pytest.mark.parametrize("name", _all_units())
def test_systemd_finds_no_fault_in_a_unit(name: str, installed: Path) -> None:
    verified = _run(
        _program("systemd-analyze", "systemd"),
        "verify",
        f"--root={installed}",
        "--man=no",
        "--recursive-errors=no",
        f"/etc/systemd/system/{name}",
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_every_service_has_a_goal_for_its_exposure() -> None:
    assert {name for name in _all_units() if name.endswith(".service")} == set(EXPOSURE_AT_MOST)


@pytest.mark.parametrize("name", sorted(EXPOSURE_AT_MOST))
def test_a_service_is_no_more_open_than_it_must_be(name: str) -> None:
    threshold = round(EXPOSURE_AT_MOST[name] * 10)
    judged = _run(
        _program("systemd-analyze", "systemd"),
        "security",
        "--offline=true",
        "--no-pager",
        f"--threshold={threshold}",
        UNITS / name,
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("name", sorted(EXPOSURE_AT_MOST))
def test_no_service_runs_as_root(name: str) -> None:
    assert _Unit(name)["Service"]["User"] in {"countermark-agent", "countermark-central"}


@pytest.mark.parametrize("side", ["agent", "central"])
def test_a_service_that_fails_is_always_started_again(side: str) -> None:
    unit = _Unit(f"countermark-{side}.service")
    assert (unit["Service"]["Restart"], unit["Unit"]["StartLimitIntervalSec"]) == ("always", "0")


@pytest.mark.parametrize("name", sorted(EXPOSURE_AT_MOST))
def test_the_commands_of_a_unit_are_commands_of_the_program(name: str) -> None:
    for command in _Unit(name).commands():
        if not command[0].startswith(VENV):
            continue
        words = [word for word in command[1:] if re.fullmatch(r"[a-z]+", word)]
        options = {word for word in command[1:] if word.startswith("--")}
        module = command[0].removeprefix(f"{VENV}countermark-")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}
        helped = subprocess.run(
            [sys.executable, "-m", module, *words, "--help"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert helped.returncode == 0, helped.stderr
        assert options <= set(re.findall(r"--[a-z-]+", helped.stdout))


def test_the_units_and_the_settings_agree_on_places() -> None:
    data_dir = agent_settings.Settings.model_fields["data_dir"].default
    authority = central_settings.AuthoritySettings().directory
    agent, central = _Unit("countermark-agent.service"), _Unit("countermark-central.service")
    assert f"/var/lib/{agent['Service']['StateDirectory']}" == str(data_dir)
    assert agent["Unit"]["ConditionPathExists"] == str(folder_of(data_dir) / "identity.json")
    assert f"/var/lib/{central['Service']['StateDirectory']}" == str(authority.parent)
    assert agent.commands()[0][-1] in {str(path) for path in agent_settings.DEFAULT_PATHS}
    assert central.commands()[0][-1] in {str(path) for path in central_settings.DEFAULT_PATHS}
    assert f"Environment=AUTHORITY={authority}\n" in _Unit("countermark-broker-certificate.service").text


def test_the_agent_may_ask_whether_the_clock_is_synchronised() -> None:
    service = _Unit("countermark-agent.service")["Service"]
    assert ("adjtimex" in service["SystemCallFilter"], "ProtectClock" in service) == (True, False)


@pytest.mark.parametrize("side", ["agent", "central"])
def test_systemd_would_make_the_accounts(side: str, tmp_path: Path) -> None:
    made = _run(
        _program("systemd-sysusers", "systemd"),
        f"--root={tmp_path}",
        "--dry-run",
        UNITS / f"countermark-{side}.sysusers.conf",
    )
    assert made.returncode == 0, made.stderr
    assert f"countermark-{side}" in made.stdout + made.stderr


# One assignment or match of a rule: KEY{attribute} operator "value". Keys as in udev(7), those that we use.
_PART = re.compile(
    r'(ACTION|KERNELS?|SUBSYSTEMS?|ATTRS?\{[A-Za-z/]+\}|ENV\{[A-Z_]+\}|GROUP|MODE|SYMLINK|GOTO|LABEL)(==|!=|\+=|=)"[^"]*"'
)


def _rules() -> list[str]:
    lines = RULES.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_every_udev_rule_is_made_of_parts_that_udev_knows() -> None:
    strange = [part for rule in _rules() for part in re.split(r",\s*", rule) if _PART.fullmatch(part) is None]
    assert strange == []


def test_a_version_of_udevadm_that_can_judge_rules_finds_no_fault() -> None:
    udevadm = _program("udevadm", "udev")
    version = int(re.findall(r"\d+", _run(udevadm, "--version").stdout)[0])
    if version >= 254:
        judged = _run(udevadm, "verify", RULES)
        assert judged.returncode == 0, judged.stdout + judged.stderr
    else:
        assert "verify" not in _run(udevadm, "--help").stdout


def test_udev_and_the_listing_of_devices_know_the_same_makers() -> None:
    known = {f"{number:04x}" for number in SCANNER_MAKERS}
    named = [
        set(found.split("|")) for rule in _rules() for found in re.findall(r'[vV]endor\}=="([^"]+)"', rule)
    ]
    assert named == [known] * 3


def test_udev_gives_hid_pos_scanners_of_the_same_makers_to_the_agents_group() -> None:
    (rule,) = [rule for rule in _rules() if rule.startswith('SUBSYSTEM=="hidraw"')]
    assert 'GROUP="input", MODE="0660"' in rule
    (names,) = re.findall(r'KERNELS=="([^"]+)"', rule)
    assert names.split("|") == [f"000[35]:{number:04X}:*" for number in sorted(SCANNER_MAKERS)]


def test_the_agents_unit_may_open_every_kind_of_scanner() -> None:
    allowed = (UNITS / "countermark-agent.service").read_text(encoding="utf-8")
    assert [
        kind
        for kind in ("input", "hidraw", "ttyACM", "ttyUSB")
        if f"DeviceAllow=char-{kind} rw" not in allowed
    ] == []
