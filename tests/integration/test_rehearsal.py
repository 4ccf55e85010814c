"""A small rehearsal: five weeks of ten sites with faults of every kind, taken in by the real intake; and the same databases are refused."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.database import Database
from central.embedded.database import EmbeddedDatabase
from central.rehearsal import laying_out, retail
from central.rehearsal.laying_out import NotEmpty
from central.rehearsal.running import Asked, Outcome, Rehearsal

FOLDER = Path(__file__).parents[2] / "deploy" / "data" / "retail"


@pytest.fixture(scope="module")
def empty_database(embedded_database: EmbeddedDatabase) -> Iterator[Database]:
    name = f"rehearsal_{uuid.uuid4().hex}"
    with Database(embedded_database.ensure_database(name)) as database:
        yield database
    embedded_database.drop_database(name)


@pytest.fixture(scope="module")
def outcome(empty_database: Database) -> Outcome:
    asked = Asked(seed=1, sites=10, days=35, faults=80, lines_a_day=15.0)
    return Rehearsal(empty_database, asked, retail.read(FOLDER), lambda *_: None).run()


def test_faults_of_a_small_trade_are_found_and_their_causes_named(outcome: Outcome) -> None:
    assert outcome.score.passes, (outcome.score.missed, outcome.score.misnamed, outcome.score.false)
    assert outcome.planted >= 55


def test_its_books_balance(outcome: Outcome) -> None:
    assert (outcome.unbalanced, outcome.rebuild_agrees, outcome.statements) == ((), True, 350)


def test_a_database_with_something_in_it_is_refused(outcome: Outcome, empty_database: Database) -> None:
    assert outcome.events > 0
    with pytest.raises(NotEmpty, match="name an empty one"):
        laying_out.prepare(empty_database)
