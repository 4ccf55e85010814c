"""A running agent takes up a scanner that is adopted, and lets go of it when it is forgotten."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.agent.running_agent import RunningAgent, command, environment, prepare, running
from tests.agent.shop_kit import CATALOGUE
from tests.devices.pseudo_terminal import PtyScanner


def tell(config: Path, *arguments: str) -> str:
    told = subprocess.run(
        command("devices", *arguments, "--config", str(config)),
        capture_output=True, text=True, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return told.stdout


def until_scanners(agent: RunningAgent, *expected: tuple[str, str]) -> None:
    """Wait until its scanners stand so: name and state."""
    with agent.client() as client:
        while True:
            told = client.get("/v1/status").json()["scanners"]
            if [(one["device"], one["state"]) for one in told] == list(expected):
                return


def until_sold(agent: RunningAgent, gtin: str) -> None:
    """Wait until a scan has put this product into the basket."""
    with agent.client() as client:
        while gtin not in client.get("/v1/basket").raise_for_status().text:
            pass


def test_a_scanner_is_taken_up_and_let_go_of_without_a_restart(tmp_path: Path) -> None:
    scanner = PtyScanner(tmp_path / "port")
    scanner.plug_in()
    config = prepare(tmp_path, *CATALOGUE)
    with running(config, tmp_path) as agent:
        assert "the running agent follows" in tell(config, "adopt", str(scanner.link), "--name", "till-1")
        until_scanners(agent, ("till-1", "open"))
        scanner.send(b"4006381333931\r")
        until_sold(agent, "04006381333931")
        assert "  till-1  adopted  " in tell(config)
        tell(config, "forget", "till-1")
        until_scanners(agent)
    scanner.unplug()


def test_an_adopted_scanner_is_there_after_a_restart(tmp_path: Path) -> None:
    scanner = PtyScanner(tmp_path / "port")
    scanner.plug_in()
    config = prepare(tmp_path)
    tell(config, "adopt", str(scanner.link), "--name", "till-1")
    with running(config, tmp_path) as agent:
        until_scanners(agent, ("till-1", "open"))
    scanner.unplug()


def test_a_damaged_record_stops_no_agent(tmp_path: Path) -> None:
    config = prepare(tmp_path, *CATALOGUE)
    (tmp_path / "data" / "devices.json").write_text("{")
    with running(config, tmp_path) as agent, agent.client() as client:
        assert client.get("/v1/status").json()["scanners"] == []
        while "devices.json" not in (tmp_path / "agent.log").read_text():
            pass


def test_a_scanner_that_the_agent_reads_cannot_be_tested_beside_it(tmp_path: Path) -> None:
    scanner = PtyScanner(tmp_path / "port")
    scanner.plug_in()
    config = prepare(tmp_path)
    tell(config, "adopt", str(scanner.link), "--name", "till-1")
    with running(config, tmp_path) as agent:
        until_scanners(agent, ("till-1", "open"))
        refused = subprocess.run(
            command("devices", "test", "till-1", "--config", str(config)),
            capture_output=True, text=True, env=environment(), timeout=60, check=False,
        )  # fmt: skip
    assert (refused.returncode, "systemctl stop countermark-agent" in refused.stderr) == (1, True)
    scanner.unplug()
