"""``countermark-central discrepancies``: looked through and decided on from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.cases import CASES, a_short_receipt, case, on_the_way, path
from tests.integration.api.test_api_process import central, write_config
from tests.integration.api.world import World


@pytest.fixture
def config(world: World, tmp_path: Path) -> Path:
    return write_config(tmp_path, world.database.url)


@pytest.fixture
def short(world: World) -> dict[str, Any]:
    return a_short_receipt(world)


def test_cases_are_listed_shown_and_summed_up(world: World, config: Path, short: dict[str, Any]) -> None:
    listed = central("discrepancies", "list", "--class", "short_receipt", "--dealer", "acme", config=config)
    shown = central("discrepancies", "show", short["discrepancy_id"], config=config)
    summed = central("discrepancies", "summary", "--sites", "5", config=config)
    (line,) = [line for line in listed.stdout.splitlines() if short["discrepancy_id"] in line]
    assert all(word in line for word in ("D1", "not_loaded", "7.50 CNY", "open"))
    assert all(word in shown.stdout for word in ("goods_received", "in_transit:WH>D1", "opened"))
    assert all(word in summed.stdout for word in ("short_receipt", "7.50 CNY", "all"))


def test_for_a_program_they_are_one_document(config: Path, short: dict[str, Any]) -> None:
    (listed,) = json.loads(central("discrepancies", "list", "--json", config=config).stdout)
    shown = json.loads(
        central("discrepancies", "show", short["discrepancy_id"], "--json", config=config).stdout
    )
    summed = json.loads(central("discrepancies", "summary", "--json", config=config).stdout)
    assert (listed["discrepancy_id"], listed["cause"]) == (short["discrepancy_id"], "not_loaded")
    assert shown["history"][0]["action"] == "opened"
    assert (summed["total"]["cases"], summed["by_site"][0]["name"]) == (1, "D1")


def test_one_is_assigned_settled_by_its_proposal_and_opened_again(
    world: World, config: Path, short: dict[str, Any]
) -> None:
    number = short["discrepancy_id"]
    done = [
        central("discrepancies", *words, "--reason", "a reason", config=config)
        for words in (
            ("assign", number, "--to", "Li"),
            ("comment", number),
            ("settle", number, "--proposed"),
            ("settle", number),
            ("reopen", number),
            ("dismiss", number),
        )
    ]
    assert [one.returncode for one in done] == [0, 0, 0, 1, 0, 0]
    assert [one.stdout.strip().partition(": ")[2] for one in done] == [
        "assigned", "assigned", "settled", "cannot settle this discrepancy: it is settled", "open", "dismissed"
    ]  # fmt: skip
    assert (on_the_way(world), case(world, "short_receipt")["assignee"]) == (0, "Li")
    steps = [(step["actor"], step["action"]) for step in world.get(path(short))["history"]][-5:]
    assert steps[0] == ("command line", "assign")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("show", "00000000-0000-4000-8000-000000000000"),
            "not known here; see: countermark-central discrepancies list",
        ),
        (
            ("list", "--state", "closed"),
            "--state 'closed': expected one of open, assigned, settled, dismissed",
        ),
        (("list", "--value-min", "5"), "give --currency"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_line(config: Path, words: tuple[str, ...], said: str) -> None:
    ended = central("discrepancies", *words, config=config)
    assert (ended.returncode != 0, said in ended.stderr, ended.stderr.count("\n")) == (True, True, 1)


def test_the_interface_shows_what_the_command_line_decided(
    world: World, config: Path, short: dict[str, Any]
) -> None:
    central("discrepancies", "dismiss", short["discrepancy_id"], "--reason", "counted again", config=config)
    assert (
        world.get(CASES, params={"state": "dismissed"})["items"][0]["discrepancy_id"]
        == short["discrepancy_id"]
    )
