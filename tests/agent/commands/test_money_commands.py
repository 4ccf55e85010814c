"""The commands of shifts, cash and adjustments, against an agent that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.commands import app
from agent.till.pins import fits, hash_pin
from tests.agent.commands.test_commands import Outcome
from tests.agent.running_agent import RunningAgent, prepare, running
from tests.agent.shop_kit import CATALOGUE, TEA, WATCH_1

PIN = "4711"


class Machine:
    """One running agent and its command line."""

    def __init__(self, agent: RunningAgent, config: Path) -> None:
        self.agent = agent
        self._config = config

    def run(self, *arguments: str, typed: str = "") -> Outcome:
        found = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(
            app, [*arguments, "--config", str(self._config)], input=typed
        )
        return Outcome(found.exit_code, found.stdout, found.stderr)

    def sell(self, *, cash_minor: int) -> None:
        body = {
            "lines": [{"gtin": TEA, "amount_minor": cash_minor}],
            "payments": [{"method": "cash", "amount_minor": cash_minor}],
        }
        with self.agent.client() as client:
            client.post("/v1/sales", json=body).raise_for_status()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("machine")
    made = prepare(folder, *CATALOGUE)
    made.write_text(made.read_text() + f'[[supervisor]]\nname = "Ann"\npin_hash = "{hash_pin(PIN)}"\n')
    return made


@pytest.fixture(scope="module")
def machine(config: Path) -> Iterator[Machine]:
    with running(config, config.parent) as agent:
        yield Machine(agent, config)


def test_a_shift_from_its_float_to_its_count(machine: Machine) -> None:
    assert machine.run("shift", "open", "100", "--clerk", "Ann").stdout == (
        "shift 1-Z00001 is open with 100.00 EUR\n"
    )
    machine.sell(cash_minor=450)
    assert (
        machine.run("cash", "out", "50", "safe drop").stdout
        == "50.00 EUR taken out of the drawer (1-M00001)\n"
    )
    assert machine.run("cash", "in", "0.50", "change").stdout == "0.50 EUR put into the drawer (1-M00002)\n"
    shown = machine.run("shift", "show").stdout
    assert shown.splitlines() == [
        "shift 1-Z00001 is open (Ann)",
        "1 sales, 0 voids, 0 returns",
        "change: 0.50 EUR",
        "safe drop: -50.00 EUR",
        "the sums are told after the count, or with --authorise",
    ]
    assert "55.00" in machine.run("shift", "show", "--authorise", typed=f"{PIN}\n").stdout
    closed = machine.run("shift", "close", "--pieces", "50=1", "--pieces", "0.50=8", "--card", "0").stdout
    assert "shift 1-Z00001 is closed" in closed
    assert [line.split() for line in closed.splitlines()[-2:]] == [
        ["cash", "4.50", "55.00", "54.00", "-1.00"],
        ["card", "0.00", "0.00", "0.00", "0.00"],
    ]
    assert machine.run("shift", "show").stdout.startswith("shift 1-Z00001 is closed (Ann)")


def test_a_wrong_pin_tells_no_sums(machine: Machine) -> None:
    machine.run("shift", "open", "1")
    found = machine.run("shift", "show", "--authorise", typed="0000\n")
    assert (found.returncode, "this PIN is no supervisor's" in found.stderr) == (1, True)
    machine.run("shift", "close", "--cash", "1")


def test_a_program_reads_the_answers_as_json(machine: Machine) -> None:
    opened = json.loads(machine.run("shift", "open", "10", "--id", "z-json", "--json").stdout)
    again = json.loads(machine.run("shift", "open", "10", "--id", "z-json", "--json").stdout)
    closed = json.loads(machine.run("shift", "close", "--cash", "10", "--id", "z-json", "--json").stdout)
    assert (opened, opened["float_minor"], closed["difference_minor"]) == (again, 1000, {"cash": 0})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("shift", "open", "ten"), "FLOAT 'ten': expected an amount of EUR, with up to 2 decimals"),
        (("shift", "open", "1.005"), "FLOAT '1.005': expected"),
        (("shift", "close",), "the agent refused: counted: has no cash; count the drawer"),
        (("shift", "close", "--cash", "1"), "the agent refused: no shift is open: open one first"),
        (("shift", "close", "--pieces", "5"), "--pieces '5': expected VALUE=COUNT, such as 0.50=12"),
        (("cash", "out", "0", "nothing"), "the agent refused: amount_minor 0: expected above 0"),
        (("adjust", "thef", TEA), "the agent refused: reason 'thef': expected one of damage"),
        (("adjust", "damage", "hello"), "the agent refused: line 1: code: "),
        (("adjust", "damage", "-", "3"), "QUANTITY: belongs to one code"),
        (("adjust", "damage", "-"), "the agent refused: 0 lines: expected 1 to 5000"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line_on_standard_error(
    machine: Machine, arguments: tuple[str, ...], says: str
) -> None:
    found = machine.run(*arguments)
    assert (found.returncode, found.stdout, found.stderr.startswith(f"countermark-agent: {says}")) == (
        1,
        "",
        True,
    )


def test_goods_are_adjusted_with_a_reason(machine: Machine) -> None:
    first = machine.run("adjust", "damage", "4006381333931", "2.5", "--id", "a-1")
    again = machine.run("adjust", "damage", "4006381333931", "2.5", "--id", "a-1")
    assert (first.stdout, again.stdout) == ("2.5 pieces are taken off as damage (1-A00001)\n", first.stdout)
    piped = machine.run("adjust", "theft", "-", typed=f"{WATCH_1}\n4006381333931\n")
    assert piped.stdout == "2 pieces are taken off as theft (1-A00002)\n"
    assert (
        machine.run("adjust", "found", "4006381333931").stdout == "1 pieces are added as found (1-A00003)\n"
    )


def test_a_hash_of_a_pin_is_made_without_showing_it(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["pin-hash"], input="4711\n4711\n")
    line = found.stdout.strip().splitlines()[-1]
    written = line.partition('"')[2].rstrip('"')
    assert (line.startswith('pin_hash = "scrypt$'), fits("4711", written), "4711" in found.output) == (
        True,
        True,
        False,
    )


def test_a_pin_that_is_none_is_told() -> None:
    found = CliRunner().invoke(app, ["pin-hash"], input="12\n12\n")
    assert (found.exit_code, "a PIN of 2 characters; expected 4 to 32 digits" in found.stderr) == (1, True)
