"""``countermark-central statement``, as an operator reads it and as a program does."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from protocol.events import Payment, ShiftClosed, ShiftOpened
from tests.integration.api.test_api_process import central, write_config
from tests.integration.api.traded import TODAY, TOMORROW, cost, sell
from tests.integration.api.world import TEA, WATER, World


@pytest.fixture
def config(migrated_url: str, tmp_path: Path) -> Path:
    """A configuration over the books of the world."""
    return write_config(tmp_path, migrated_url)


@pytest.fixture
def traded(world: World) -> World:
    """A day with a shift, closed, and a sale that is heard of later."""
    cost(world, WATER, 100)
    cost(world, TEA, 1_250)
    world.opening("S1", water=10, tea=5)
    counter = world.counter("S1")
    counter.report(
        ShiftOpened(shift_id="a", number="1-1", currency="CNY", float_minor=1_000, clerk="Li [boss]")
    )
    sell(counter, quantity=3)
    counter.report(
        ShiftClosed(
            shift_id="a", number="1-1", currency="CNY", first_seq=1, sales=1, voids=0, returns=0,
            counted=(Payment(method="cash", amount_minor=1_000),),
            expected=(Payment(method="cash", amount_minor=1_750),),
            taken=(Payment(method="cash", amount_minor=750),),
        )
    )  # fmt: skip
    world.now = TOMORROW
    world.post(f"/v1/reconciliation/S1/{TODAY}/close", {"incomplete": True})
    sell(counter, quantity=2)
    return world


def test_a_day_is_told_for_people(traded: World, config: Path) -> None:
    done = central("statement", "S1", TODAY, config=config)
    said = done.stdout
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        f"Own store (S1), {TODAY}, CNY",
        "balanced",
        "Li [boss]",
        "differ cash -7.50",
        "closed incomplete on 2026-03-03 10:00Z by brand:boss, with 2026-03-02",
        "2 restatements since:",
        "as it was closed, where that was otherwise",
        "open: cash_difference, unpaid_receipt",
    ):
        assert words in said


def test_a_day_is_told_for_programs_as_the_interface_tells_it(traded: World, config: Path) -> None:
    told = json.loads(central("statement", "S1", TODAY, "--json", config=config).stdout)
    answered = traded.get(f"/v1/reconciliation/S1/{TODAY}")
    # who is awaited depends on when it is asked
    assert {**told, "awaited": [], "complete": None} == {**answered, "awaited": [], "complete": None}


@pytest.mark.parametrize("when", [TODAY, "2026-03", "2026-02-01..2026-03-02"])
def test_a_statement_as_csv_has_the_products(traded: World, config: Path, when: str) -> None:
    done = central("statement", "S1", when, "--csv", config=config)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["gtin"], row["sold"], row["closing_value_minor"]) for row in rows] == [
        (WATER, "5", "500"),
        (TEA, "0", "6250"),
    ]


@pytest.mark.parametrize("by", ["day", "month", "total"])
def test_a_range_is_told_for_people_and_for_programs(traded: World, config: Path, by: str) -> None:
    said = central("statement", "S1", "2026-03", "--by", by, config=config)
    told = json.loads(central("statement", "S1", "2026-03", "--by", by, "--json", config=config).stdout)
    assert (said.returncode, "Own store (S1), 2026-03-01 to 2026-03-31" in said.stdout) == (0, True)
    asked = {"from": "2026-03-01", "to": "2026-03-31", "by": by}
    assert told == traded.get("/v1/reconciliation/S1", params=asked)


def test_what_was_known_at_an_instant_is_told_beside_what_is_known_now(traded: World, config: Path) -> None:
    done = central("statement", "S1", TODAY, "--as-of", "2026-03-02T09:00:00+00:00", config=config)
    assert "as central knew it on 2026-03-02 09:00Z" in done.stdout
    assert done.stdout.index("as central knew it") < done.stdout.index("as it is known now")


def test_books_that_do_not_balance_end_with_1_and_say_what_does_not(traded: World, config: Path) -> None:
    with traded.database.transaction() as connection:
        connection.execute(
            "UPDATE stock SET quantity = quantity + 1 WHERE location = 'on_hand' AND gtin = %s", (TEA,)
        )
    for arguments in (
        (TODAY,),
        ("2026-03",),
        ("2026-03", "--by", "day"),
        (TODAY, "--json"),
        ("2026-03", "--csv"),
    ):
        assert central("statement", "S1", *arguments, config=config).returncode == 1
    said = central("statement", "S1", TODAY, config=config).stdout
    assert f"product {TEA}: closing 6 differs from what the movements give by 1" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere", TODAY), 1, "site 'nowhere': there is none of this id"),
        (("S1", "monday"), 2, "expected a day such as 2026-03-02"),
        (("S1", "2026-03-02..2026-03-01"), 2, "expected the earlier day first"),
        (("S1", TODAY, "--as-of", "noon"), 2, "expected a moment with its offset"),
        (("S1", "2026-03", "--as-of", "2026-03-02T09:00:00Z"), 2, "expected a single day with it"),
        (("S1", TODAY, "--csv", "--json"), 2, "expected one of them"),
        (("S1", "2020-01-01..2026-03-01", "--by", "day"), 1, "at most 366 by day"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_one_line(
    world: World, config: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = central("statement", *arguments, config=config)
    assert (done.returncode, said in done.stderr, done.stderr.count("\n")) == (code, True, 1)
