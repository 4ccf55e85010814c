"""The agent as a process: it starts without a broker and without its scanner, says so, and ends when told."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from protocol.feeds import StockLevel
from tests.agent.running_agent import command, environment, prepare, running
from tests.agent.shop_kit import CATALOGUE, TEA, WATCH_1, D


def test_it_starts_while_the_broker_is_away_and_says_so(tmp_path: Path) -> None:
    with running(prepare(tmp_path, *CATALOGUE), tmp_path) as agent, agent.client() as client:
        assert agent.ready_line == f"countermark-agent agent-1 of site site-1 is ready at {agent.url}\n"
        client.post("/v1/sales", json={"lines": [{"gtin": TEA}]}).raise_for_status()
        status = client.get("/v1/status").json()
    assert (status["online"], status["unsent"], status["phase"], status["broker"]) == (
        False,
        1,
        "offline",
        "127.0.0.1:9",
    )


def test_a_missing_scanner_is_told_in_its_status(tmp_path: Path) -> None:
    config = prepare(tmp_path)
    config.write_text(
        config.read_text() + f'[[scanner]]\nkind = "serial"\npath = "{tmp_path}/gone"\nname = "front"\n'
    )
    with running(config, tmp_path) as agent, agent.client() as client:
        while not (scanners := client.get("/v1/status").json()["scanners"]):
            pass
    assert [(scanner["device"], scanner["state"]) for scanner in scanners] == [("front", "absent")]


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_told(tmp_path: Path, told: signal.Signals) -> None:
    with running(prepare(tmp_path), tmp_path) as agent:
        agent.process.send_signal(told)
        assert agent.process.wait(15) == 0
    assert not (tmp_path / "data" / "run.json").exists()
    assert "Traceback" not in (tmp_path / "agent.log").read_text()


def test_a_sale_that_was_accepted_outlives_a_kill(tmp_path: Path) -> None:
    config = prepare(tmp_path, *CATALOGUE)
    with running(config, tmp_path) as agent, agent.client() as client:
        asked = {"sale_id": "s-1", "lines": [{"item": WATCH_1}]}
        first = client.post("/v1/sales", json=asked).json()
        client.post("/v1/scans", json={"code": "4006381333931"})
        agent.process.kill()
        agent.process.wait(15)
    with running(config, tmp_path) as agent, agent.client() as client:
        assert client.post("/v1/sales", json=asked).json() == first
        assert client.post("/v1/scans", json={"code": WATCH_1}).json()["finding"]["verdict"] == "already_sold"


def test_two_agents_never_share_a_journal(tmp_path: Path) -> None:
    config = prepare(tmp_path)
    with running(config, tmp_path):
        second = subprocess.run(
            command("run", "--config", str(config)),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
    assert (second.returncode, second.stdout, second.stderr.count("\n")) == (1, "", 1)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    config = prepare(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(config.read_text().replace("port = 0", f"port = {port}"))
        found = subprocess.run(
            command("run", "--config", str(config)),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
    assert found.returncode == 1
    assert f"local.port = {port} on 127.0.0.1: cannot be listened on" in found.stderr


def test_the_commands_speak_to_the_running_agent(tmp_path: Path) -> None:
    low = StockLevel(gtin=TEA, on_hand=D(1), reorder_point=D(5), order_up_to=D(20))
    config = prepare(tmp_path, *CATALOGUE, low)

    def told(*arguments: str) -> str:
        found = subprocess.run(
            command(*arguments, "--config", str(config)),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        assert found.returncode == 0, found.stderr
        return found.stdout

    with running(config, tmp_path):
        assert told("scan", "4006381333931") == "added: Green tea\n"
        assert "unsent    0" in told("status")
        assert json.loads(told("status", "--json"))["agent"] == "agent-1"
        assert "Green tea" in told("orders", "propose")
        submitted = json.loads(told("orders", "submit", "--proposed", "--json"))
        assert submitted["number"] in told("orders", "list")
        assert "asked to cancel" in told("orders", "cancel", submitted["order_id"], "--reason", "test")
        assert json.loads(told("journal", "verify", "--json")) == {"rows": 2, "sound": True, "damaged": []}


def test_a_token_of_the_configuration_is_used_by_the_commands(tmp_path: Path) -> None:
    config = prepare(tmp_path)
    config.write_text(config.read_text().replace("[local]", '[local]\ntoken = "a-token-of-16-or-more"'))
    with running(config, tmp_path) as agent, agent.client() as client:
        assert client.get("/v1/status").status_code == 401
        found = subprocess.run(
            command("status", "--config", str(config)),
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        assert found.returncode == 0
