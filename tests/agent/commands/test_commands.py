"""The command line, as a person or a program uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from agent.commands import app
from tests.agent.journal.counter import Counter as JournalCounter
from tests.agent.running_agent import prepare
from tests.agent.shop_kit import CATALOGUE


class Outcome(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str) -> Outcome:
    found = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, arguments)
    return Outcome(found.exit_code, found.stdout, found.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("run",), ("status",), ("scan",), ("decode",), ("enrol",), ("devices",), ("journal",), ("journal", "verify"),
        ("journal", "export"), ("config",), ("config", "check"), ("orders",), ("orders", "list"), ("orders", "propose"),
        ("orders", "submit"), ("orders", "cancel"), ("pack",), ("unpack",), ("control-code",),
        ("stocktake",), ("stocktake", "list"), ("stocktake", "begin"), ("stocktake", "show"), ("stocktake", "count"),
        ("stocktake", "send"), ("ship",), ("ship", "sites"), ("ship", "send"), ("ship", "show"), ("ship", "list"), ("ship", "note"),
        ("ship", "print"),
        ("shift",), ("shift", "open"), ("shift", "close"), ("shift", "show"), ("cash", "in"), ("cash", "out"), ("pin-hash",), ("adjust",),
    ],
)  # fmt: skip
def test_every_command_explains_itself(arguments: tuple[str, ...]) -> None:
    found = run(*arguments, "--help")
    assert (found.returncode, "Usage" in found.stdout) == (0, True)


def test_decode_tells_what_a_code_is() -> None:
    found = run("decode", "(01)09506000134352(21)ABC12(17)271231", "--json")
    assert json.loads(found.stdout) == {
        "kind": "sgtin",
        "gtin": "09506000134352",
        "serial": "ABC12",
        "expiry": "2027-12-31",
        "item": "010950600013435221ABC12",
    }


def test_a_control_card_is_believed_where_its_key_is_configured(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(
        f'data_dir = "{tmp_path}"\n[codes]\ncontrol_keys = ["MDEyMzQ1Njc4OWFiY2RlZg=="]\n', encoding="utf-8"
    )
    card = run("control-code", "mode", "sale", "--config", str(config)).stdout.strip()
    found = json.loads(run("decode", card, "--config", str(config), "--json").stdout)
    assert found == {"kind": "control", "attributes": {"command": "MODE", "argument": "SALE"}}


def test_without_a_key_there_is_no_control_card(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(f'data_dir = "{tmp_path}"\n', encoding="utf-8")
    found = run("control-code", "UNDO", "--config", str(config))
    assert (found.returncode, "codes.control_keys" in found.stderr) == (1, True)


def test_decode_of_no_code_says_why_and_exits_with_2() -> None:
    found = run("decode", "4006381333932")
    assert (found.returncode, found.stdout.startswith("no code (check_digit): ")) == (2, True)


def test_a_program_reads_the_refusal_of_a_code() -> None:
    found = run("decode", "4006381333932", "--json")
    told = json.loads(found.stdout)
    assert (found.returncode, told["refusal_cause"], "gtin" in told) == (0, "check_digit", False)


def test_a_machine_that_is_not_enrolled_is_told_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(f'data_dir = "{tmp_path / "data"}"')
    found = run("run", "--config", str(config))
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (1, "", 1)
    assert "is not enrolled" in found.stderr


def test_a_wrong_configuration_is_told_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text("[local]\nport = 'x'")
    found = run("config", "check", "--config", str(config))
    assert (found.returncode, found.stderr) == (
        1,
        f"countermark-agent: configuration {config}: local.port = 'x': expected a whole number\n",
    )


def test_a_sound_configuration_is_told(tmp_path: Path) -> None:
    config = prepare(tmp_path, *CATALOGUE)
    assert run("config", "check", "--config", str(config)).stdout.startswith("configuration is sound")


def test_status_without_an_agent_says_how_to_start_one(tmp_path: Path) -> None:
    found = run("status", "--config", str(prepare(tmp_path)))
    assert (found.returncode, "start one with: countermark-agent run" in found.stderr) == (1, True)


def test_the_journal_is_verified_and_exported(tmp_path: Path) -> None:
    config = prepare(tmp_path, *CATALOGUE)
    verified = run("journal", "verify", "--config", str(config), "--json")
    assert json.loads(verified.stdout) == {"rows": 0, "sound": True, "damaged": []}
    exported = run("journal", "export", "--config", str(config), "--to", str(tmp_path / "journal.jsonl"))
    assert exported.stdout == f"0 rows written to {tmp_path / 'journal.jsonl'}\n"


def test_a_check_that_finds_damage_has_the_agent_look_at_it_too(tmp_path: Path) -> None:
    config = prepare(tmp_path, *CATALOGUE)
    with JournalCounter(tmp_path / "data", "agent-1") as counter:
        counter.sell("a", "b")
        counter.sql("UPDATE journal SET body = x'00' WHERE seq = 1")
    verified = run("journal", "verify", "--config", str(config))
    assert (verified.returncode, "fetches back what central has" in verified.stdout) == (1, True)
    assert (tmp_path / "data" / "journal.recheck").exists()


def test_an_order_line_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    found = run("orders", "submit", "--line", "tea", "--config", str(prepare(tmp_path)))
    assert "--line 'tea': expected GTIN=QUANTITY" in found.stderr
