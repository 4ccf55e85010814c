"""``stocktake`` and ``ship`` against a running agent, as a person or a program uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from agent.commands import app
from protocol.feeds import ItemHere, SiteHere, StocktakeHere
from tests.agent.running_agent import prepare, running
from tests.agent.shop_kit import CATALOGUE, SITE, TEA, WATCH, WATCH_1, WATCH_2, D

RECALLED = f"01{WATCH}21RECALL1"
CASE = "106141412345678915"


class Outcome(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Commands:
    """The command line with one configuration."""

    def __init__(self, config: Path) -> None:
        self.config = config

    def __call__(self, *arguments: str, stdin: str | None = None) -> Outcome:
        found = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(
            app, [*arguments, "--config", str(self.config)], input=stdin
        )
        return Outcome(found.exit_code, found.stdout, found.stderr)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    folder = tmp_path_factory.mktemp("agent")
    rows = (
        *CATALOGUE,
        ItemHere(item=RECALLED, gtin=WATCH, state="recalled", site=SITE),
        StocktakeHere(stocktake_id="s-1", name="Yearly", blind=False, expected={TEA: D(5), WATCH: D(1)}),
        SiteHere(site="site-2", name="Store two", kind="store"),
    )
    config = prepare(folder, *rows)
    with running(config, folder):
        yield Commands(config)


def test_an_area_is_counted_shown_and_sent_by_commands(run: Commands) -> None:
    counted = run("stocktake", "count", "s-1", "Shelf A", "-", "--goods", f"{TEA}=3", stdin=f"{WATCH_1}\n")
    shown = run("stocktake", "show", "s-1", "Shelf A")
    sent = run("stocktake", "send", "s-1", "Shelf A", "--complete", "--id", "c-1", "--clerk", "Mina")
    again = run("stocktake", "send", "s-1", "Shelf A", "--complete", "--id", "c-1", "--clerk", "Mina")
    missing = run("stocktake", "show", "s-1")
    assert [counted.returncode, shown.returncode, missing.returncode] == [0, 0, 0]
    assert "Green tea" in counted.stdout
    assert "Watch" in shown.stdout
    assert sent.stdout == again.stdout == "area Shelf A is sent (1-C00001)\n"
    assert "sent (1-C00001)" in missing.stdout
    assert [line.split() for line in missing.stdout.splitlines() if TEA in line] == [
        [TEA, "Green", "tea", "2"]
    ]


def test_an_area_that_was_sent_is_counted_again_only_when_said_so(run: Commands) -> None:
    run("stocktake", "count", "s-1", "Window", "--goods", f"{TEA}=1")
    run("stocktake", "send", "s-1", "Window", "--part")
    refused = run("stocktake", "count", "s-1", "Window", "--goods", f"{TEA}=2")
    told = run("stocktake", "count", "s-1", "Window", WATCH_2, "--again", "continue", "--json")
    wrong = run("stocktake", "count", "s-1", "Window", "--again", "perhaps")
    assert (refused.returncode, "again=continue" in refused.stderr) == (1, True)
    assert json.loads(told.stdout)["area"]["products"] == 2
    assert "--again 'perhaps': expected continue or anew" in wrong.stderr


def test_what_does_not_count_is_told_and_the_rest_counts(run: Commands) -> None:
    found = run("stocktake", "count", "s-1", "Counter", WATCH_1, WATCH_1, "4006381333932")
    assert (found.returncode, found.stderr.count("not counted: ")) == (1, 2)
    assert json.loads(run("stocktake", "show", "s-1", "Counter", "--json").stdout)["pieces"] == "1"


def test_a_stocktake_is_begun_by_a_command(run: Commands) -> None:
    begun = run("stocktake", "begin", "After the flood", "--id", "s-9")
    assert begun.stdout == "stocktake After the flood is begun (s-9)\n"
    assert "After the flood" in run("stocktake", "list").stdout


def test_a_stocktake_that_is_not_there_is_told_in_one_line(run: Commands) -> None:
    found = run("stocktake", "show", "s-7")
    assert (found.returncode, found.stdout) == (1, "")
    assert "the agent refused: stocktake s-7: is not being counted here" in found.stderr


def test_goods_are_sent_listed_and_shown_by_commands(run: Commands) -> None:
    sites = run("ship", "sites")
    sent = run(
        "ship",
        "send",
        "site-2",
        WATCH_2,
        f"(00){CASE}",
        "--goods",
        f"{TEA}=6",
        "--reason",
        "fair",
        "--id",
        "d-1",
    )
    listed, note = run("ship", "list"), run("ship", "note", "d-1")
    assert "Store two" in sites.stdout
    assert sent.stdout == "7 pieces left for Store two with 1-D00001 (d-1)\n"
    assert ("1-D00001" in listed.stdout, "fair" in listed.stdout) == (True, True)
    assert ("Green tea" in note.stdout, CASE in note.stdout) == (True, True)


def test_goods_that_may_not_leave_are_told_in_one_line(run: Commands) -> None:
    found = run("ship", "send", "site-2", RECALLED)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (1, "", 1)
    assert "it may go back to a warehouse, and nowhere else" in found.stderr


def test_what_is_being_loaded_is_shown(run: Commands) -> None:
    assert run("ship", "show").stdout.splitlines()[0] == "to      nobody has said"


def test_without_a_printer_a_note_is_not_printed(run: Commands) -> None:
    run("ship", "send", "site-2", "--goods", f"{TEA}=1", "--id", "d-2")
    found = run("ship", "print", "d-2")
    assert (found.returncode, "no printer is configured here" in found.stderr) == (1, True)


@pytest.mark.parametrize("command", [("stocktake", "count", "s-1", "A"), ("ship", "send", "site-2")])
def test_goods_that_cannot_be_read_are_told(run: Commands, command: tuple[str, ...]) -> None:
    found = run(*command, "--goods", "tea")
    assert (found.returncode, "--goods 'tea': expected GTIN=QUANTITY" in found.stderr) == (1, True)
