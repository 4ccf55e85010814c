"""``countermark-central stocktake``, as an operator calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration.api.test_api_process import central, write_config
from tests.integration.api.world import TEA, WATER

_LAID_OUT = """
SELECT set_config('countermark.sites', '*', true);
INSERT INTO dealers (dealer_id, name, path) VALUES ('brand', 'Brand', 'brand/');
INSERT INTO sites (site_id, dealer_id, kind, name, currency) VALUES ('S1', 'brand', 'store', 'Own store', 'CNY');
INSERT INTO products (gtin, name, department) VALUES ('00000000005081', 'Water', 'drinks'), ('00000000018388', 'Tea', 'hot');
INSERT INTO stock (site_id, gtin, location, quantity) VALUES
    ('S1', '00000000005081', 'on_hand', 10), ('S1', '00000000005081', 'supplier', -10);
INSERT INTO stocktake_counts (site_id, stocktake_id, journal, seq, line, count_id, area, round, complete, gtin, quantity, counted_at,
        event_time, recorded_at)
    VALUES ('S1', 'w9', 1, 1, 0, 'c1', 'shelf', 1, false, '00000000005081', 7, now(), now(), now());
"""


@pytest.fixture
def config(migrated_url: str, tmp_path: Path) -> Path:
    """Books with a site that has ten waters; seven of them were counted for stocktake w9."""
    with psycopg.connect(migrated_url) as connection:
        connection.execute(_LAID_OUT)
    return write_config(tmp_path, migrated_url)


def said(*arguments: str, config: Path) -> str:
    """What a command that succeeds says."""
    done = central("stocktake", *arguments, config=config)
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked(*arguments: str, config: Path) -> Any:
    return json.loads(said(*arguments, "--json", config=config))


def refused(*arguments: str, config: Path) -> str:
    """What a command that fails says."""
    done = central("stocktake", *arguments, config=config)
    assert done.returncode in (1, 2)
    return done.stderr


def started(config: Path) -> str:
    """A stocktake of the drinks; the count that waits for it is its own."""
    number = asked("start", "S1", "--name", "week 9", "--department", "drinks", config=config)["stocktake_id"]
    with psycopg.connect(_url(config)) as connection:
        connection.execute("SELECT set_config('countermark.sites', '*', true)")
        connection.execute("UPDATE stocktake_counts SET stocktake_id = %s", (number,))
    return str(number)


def _url(config: Path) -> str:
    return config.read_text().split('url = "')[1].split('"')[0]


def test_a_stocktake_is_started_closed_approved_and_booked(config: Path) -> None:
    number = started(config)
    assert asked("list", "--site", "S1", config=config)["items"][0]["gtins"] == [WATER]
    assert "1 proposed" in said("close", "S1", number, config=config)
    shown = asked("show", "S1", number, config=config)
    assert [(line["gtin"], line["variance"]) for line in shown["lines"]] == [(WATER, "-3")]
    assert f"{WATER}  proposed  7        10        -3" in said("show", "S1", number, config=config)
    said("approve", "S1", number, "--reason", "as counted", config=config)
    assert "booked" in said("book", "S1", number, config=config)
    assert [step["action"] for step in asked("show", "S1", number, config=config)["history"]] == [
        "start", "close_counting", "approve", "book"
    ]  # fmt: skip


def test_products_are_refused_and_counted_again_by_name(config: Path) -> None:
    number = started(config)
    said("close", "S1", number, config=config)
    assert "recounting, round 2" in said("recount", "S1", number, "--gtin", WATER, config=config)
    said("close", "S1", number, "--no-recount", config=config)
    assert "counted again" in refused(
        "approve", "S1", number, "--gtin", WATER, "--reason", "x", config=config
    )
    assert "1 refused" in said("refuse", "S1", number, "--reason", "the shelf was wrong", config=config)


def test_a_stocktake_is_cancelled_once(config: Path) -> None:
    number = started(config)
    assert "cancelled" in said("cancel", "S1", number, "--reason", "not now", config=config)
    assert "it is cancelled" in refused("cancel", "S1", number, "--reason", "again", config=config)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("start", "NOSUCH", "--name", "x"), "site 'NOSUCH': not known here"),
        (("start", "S1", "--name", "x", "--gtin", "17"), "--gtin"),
        (("start", "S1", "--name", "x", "--gtin", TEA.replace("8388", "8395")), "not in the catalogue"),
        (("start", "S1", "--name", "x", "--department", "toys"), "no active product"),
        (("start", "S1", "--name", "x", "--recount-quantity", "many"), "expected a number"),
        (("show", "S1", "nothing"), "not known here"),
        (("close", "S1", "nothing"), "not known here"),
    ],
)
def test_what_cannot_be_meant_ends_with_one_line(config: Path, arguments: tuple[str, ...], why: str) -> None:
    assert why in refused(*arguments, config=config)
