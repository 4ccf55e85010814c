"""What is taken back leaves nothing, and whoever remembers it hears of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.store.database import Connection
from agent.store.faults import WriteRefused
from agent.store.series import take_number
from agent.store.store import Store
from agent.store.writer import Instead
from tests.agent.store.store_kit import Held, count, fill, take


@pytest.mark.parametrize("beside", [0, 2], ids=["alone", "in company"])
def test_a_work_that_takes_another_turn_leaves_nothing_of_the_first(store: Store, beside: int) -> None:
    def turns(at: Connection) -> int:
        take_number(at, "receipt")
        raise Instead(lambda again: take_number(again, "order"))

    held = Held(store)
    others = [take(store) for _ in range(beside)]
    turned = store.write(turns)
    held.let_go()
    assert turned.result(10) == 1
    assert [other.result(10) for other in others] == [1, 2][:beside]
    assert count(store, "receipt") == beside


@pytest.mark.parametrize("beside", [0, 1], ids=["alone", "in company"])
def test_whoever_remembers_what_was_written_hears_that_it_was_taken_back(store: Store, beside: int) -> None:
    undone: list[None] = []
    store.on_undo(lambda: undone.append(None))
    held = Held(store)
    for _ in range(beside):
        take(store)
    wrong = store.write(lambda at: at.execute("no sql"))
    held.let_go()
    assert wrong.exception(10) is not None
    assert len(undone) == 1


def test_a_refused_commit_is_something_taken_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "journal.db", reserve_bytes=0)
    undone: list[None] = []
    store.on_undo(lambda: undone.append(None))
    assert isinstance(store.write(fill).exception(), WriteRefused)
    assert len(undone) == 1
    store.close()


@pytest.mark.parametrize("expected", [1, 2, 3, None])
def test_a_wrong_guess_at_the_next_number_does_no_harm(store: Store, expected: int | None) -> None:
    take(store).result()
    numbers = [store.write(lambda at: take_number(at, "receipt", expected)).result(10) for _ in range(2)]
    assert numbers == [2, 3]
