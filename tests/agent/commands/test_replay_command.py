"""``replay``: what a shop recorded, on another machine."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from agent.commands import app
from agent.scanners.sources import make_sources
from agent.settings import ScannerSettings
from devices import clocks
from devices.recording import Recorder
from devices.scan import DeviceState
from tests.devices.pseudo_terminal import PtyScanner, running


def recorded(tmp_path: Path) -> Path:
    """A session of a scanner of the configuration, recorded as ``run --record`` does."""
    path = tmp_path / "session.jsonl"
    scanner = PtyScanner(tmp_path / "front")
    scanner.plug_in()
    recorder = Recorder(path, clocks.wall_us, clocks.monotonic_us)
    (source,) = make_sources(
        (ScannerSettings(kind="serial", path=str(scanner.link), name="front"),), recorder
    )
    with running(source) as till:
        till.until(DeviceState.OPEN)
        scanner.send(b"]E04006381333931\r]d2010950600013435221SN\x1d10B\r40\x0063\r")
        till.next_scans(3)
    recorder.close()
    scanner.unplug()
    return path


def test_a_recorded_session_is_played_back_scan_by_scan(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["replay", str(recorded(tmp_path)), "--full-speed", "--json"])
    scans = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(scan["device"], scan["symbology"], scan["text"]) for scan in scans[:2]] == [
        ("front", "]E0", "4006381333931"),
        ("front", "]d2", "010950600013435221SN\x1d10B"),
    ]


def test_a_person_sees_the_separators_and_the_faults(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["replay", str(recorded(tmp_path))])
    assert "front  ]d2  010950600013435221SN<GS>10B" in told.stdout
    assert "FAULT: " in told.stdout


def test_what_is_no_recording_is_one_clear_line(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["replay", str(tmp_path / "nothing")])
    assert (told.exit_code, "cannot be read" in told.stderr) == (1, True)
