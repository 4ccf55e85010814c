"""``countermark-central filters``, and a central that builds them by itself, as an operator sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from protocol.items import State
from tests.integration.api.test_api_process import central, running, write_config
from tests.integration.filter_world import put, serials

ITEMS = serials(1, 3)


@pytest.fixture
def config(migrated_url: str, tmp_path: Path) -> Path:
    """Books with three sold items."""
    with psycopg.connect(migrated_url) as connection:
        connection.execute("SELECT set_config('countermark.sites', '*', true)")
        put(connection, ITEMS, State.SOLD)
    return write_config(tmp_path, migrated_url)


def status(config: Path) -> dict[str, dict[str, Any]]:
    """What the status says of each set."""
    return {
        row["kind"]: row for row in json.loads(central("filters", "status", "--json", config=config).stdout)
    }


def test_a_build_says_what_came_and_the_status_what_there_is(config: Path) -> None:
    built = json.loads(central("filters", "build", "--json", config=config).stdout)
    assert built[0] == {"kind": "sold", "came": 3, "went": 0, "evicted": 0, "rows": 2}
    sold = status(config)["sold"]
    assert (sold["items"], sold["layers"], sold["parts"], sold["gone"]) == (3, 1, 1, 0)


def test_a_build_from_nothing_reads_all_items_again(config: Path) -> None:
    central("filters", "build", config=config)
    again = central("filters", "build", "--from-nothing", config=config)
    assert again.stdout.splitlines() == [
        "set       came  went  evicted  rows changed",
        "sold      3     0     0        2",
        "recalled  0     0     0        0",
        "stolen    0     0     0        0",
    ]


def test_before_the_first_build_the_status_is_empty(config: Path) -> None:
    assert central("filters", "status", config=config).stdout.split() == [
        "kind", "items", "layers", "parts", "gone", "bytes", "built_at"
    ]  # fmt: skip


def test_central_builds_filters_by_itself(config: Path, migrated_url: str) -> None:
    with psycopg.connect(migrated_url, autocommit=True) as connection:
        connection.execute("LISTEN countermark_feeds")
        with running(config):
            told = next(
                notice.payload
                for notice in connection.notifies(timeout=60)
                if notice.payload.startswith("filters\n")
            )
    assert told == "filters\n\n2"
    assert status(config)["sold"]["items"] == 3
