"""One writer, commits that are on the disk before anyone hears of them, and what happens when the disk says no."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agent.store import schema
from agent.store.database import Connection
from agent.store.faults import Fault, NotOurs, StoreError, StoreInUse, WriteRefused
from agent.store.series import take_number
from agent.store.store import Store
from agent.store.writer import WAITING_LIMIT
from tests.agent.store.store_kit import Held, count, fill, take


def test_a_write_is_there_for_whoever_waited_for_it(store: Store) -> None:
    assert (take(store).result(), count(store, "receipt")) == (1, 1)


def test_a_piece_of_work_that_fails_alone_leaves_nothing_of_itself(store: Store) -> None:
    def fail(connection: Connection) -> None:
        take_number(connection, "receipt")
        raise KeyError("its own mistake")

    with pytest.raises(KeyError):
        store.write(fail).result(10)
    assert store.write(lambda at: take_number(at, "receipt")).result(10) == 1


def test_a_series_has_no_gaps_even_when_a_document_fails(store: Store) -> None:
    def fails(at: Connection) -> None:
        take_number(at, "receipt")
        raise LookupError("the document is refused")

    results = [take(store).result()]
    assert isinstance(store.write(fails).exception(), LookupError)
    results.append(take(store).result())
    assert results == [1, 2]


def test_works_that_wait_share_a_commit_but_not_a_failure(store: Store) -> None:
    held = Held(store)
    commits: list[None] = []
    store.on_commit(lambda: commits.append(None))
    first, wrong, last = take(store), store.write(lambda at: at.execute("no sql")), take(store)
    held.let_go()
    assert (first.result(), type(wrong.exception()), last.result()) == (1, sqlite3.OperationalError, 2)
    assert len(commits) == 2  # of the work that held the writer, and of the three together


def test_a_reader_sees_nothing_of_an_unfinished_write(store: Store) -> None:
    take(store).result()
    seen: list[int] = []

    def work(at: Connection) -> None:
        take_number(at, "receipt")
        seen.append(count(store, "receipt"))

    store.write(work).result()
    assert (seen, count(store, "receipt")) == ([1], 2)


def test_one_read_is_one_view_whatever_is_written_meanwhile(store: Store) -> None:
    def work(at: Connection) -> list[int]:
        query = "SELECT coalesce(max(next), 1) FROM series"
        before = at.execute(query).fetchone()[0]
        take(store).result()
        return [before, at.execute(query).fetchone()[0]]

    assert store.read(work) == [1, 1]


def test_nobody_writes_through_a_read(store: Store) -> None:
    with pytest.raises(StoreError, match="can only be read"):
        store.read(lambda at: take_number(at, "receipt"))


def test_a_write_that_nobody_waits_for_any_more_can_be_taken_back(store: Store) -> None:
    held = Held(store)
    future = take(store)
    assert future.cancel()
    held.let_go()
    assert take(store).result() == 1


def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "journal.db", reserve_bytes=0)
    take(store).result()
    refused = store.write(fill).exception()
    assert isinstance(refused, WriteRefused)
    assert (refused.fault, count(store, "receipt")) == (Fault.DISK_FULL, 1)
    assert store.health().fault is Fault.DISK_FULL
    assert (take(store).result(), store.health().fault) == (2, None)
    store.close()


def test_the_reserve_is_given_up_so_that_the_write_is_made_after_all(store: Store) -> None:
    attempts: list[bool] = []

    def full_the_first_time(at: Connection) -> int:
        attempts.append(store.health().reserve_held)
        if len(attempts) == 1:
            fill(at)
        return take_number(at, "receipt")

    assert (store.write(full_the_first_time).result(), attempts) == (1, [True, False])


def test_others_in_the_same_commit_are_not_lost_when_the_reserve_is_given_up(store: Store) -> None:
    held = Held(store)
    attempts: list[None] = []

    def full_the_first_time(at: Connection) -> None:
        attempts.append(None)
        if len(attempts) == 1:
            fill(at)

    before, _, after = take(store), store.write(full_the_first_time), take(store)
    held.let_go()
    assert (before.result(), after.result(), count(store, "receipt")) == (1, 2, 2)


def test_a_disk_that_became_read_only_refuses_in_words(store: Store) -> None:
    def read_only(at: Connection) -> None:
        at.execute("PRAGMA query_only = ON")
        take_number(at, "receipt")

    refused = store.write(read_only).exception()
    assert isinstance(refused, WriteRefused)
    assert (refused.fault, "nothing was recorded: the disk can only be read" in str(refused)) == (
        Fault.READ_ONLY,
        True,
    )


def test_a_database_that_lost_its_end_is_not_written_again(store: Store) -> None:
    store.add_check(lambda _: "the journal has lost its end")
    store.write(fill).exception()
    refused = take(store).exception()
    assert isinstance(refused, WriteRefused)
    assert (refused.fault, refused.detail) == (Fault.DAMAGED, "the journal has lost its end")


def test_a_real_failing_write_is_refused_and_does_not_come_back(tmp_path: Path) -> None:
    """The system lets no file of the child grow beyond a limit: its commits fail in the middle of the log."""
    program = """
import json, resource, sys
from pathlib import Path
from agent.store.faults import WriteRefused
from agent.store.series import take_number
from agent.store.store import Store
store = Store.open(Path(sys.argv[1]), reserve_bytes=0)
def work(at):
    number = take_number(at, "receipt")
    at.execute("INSERT INTO feed_rows VALUES ('f', 1, ?, zeroblob(50000))", (str(number),))
    return number
accepted = [store.write(work).result() for _ in range(3)]
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
refused = []
for _ in range(20):
    error = (future := store.write(work)).exception()
    if error is None:
        accepted.append(future.result())
    else:
        assert isinstance(error, WriteRefused), error
        refused.append(error.fault)
seen = store.read(lambda at: at.execute("SELECT count(*) FROM feed_rows").fetchone()[0])
print(json.dumps([accepted, refused, seen]))
sys.stdout.flush()
import os; os._exit(0)  # as if killed
"""
    path = tmp_path / "journal.db"
    answer = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    accepted, refused, seen = json.loads(answer.stdout)
    store = Store.open(path, reserve_bytes=0)
    kept = store.read(lambda at: at.execute("SELECT key FROM feed_rows").fetchall())
    after = count(store, "receipt")
    store.close()
    assert set(refused) == {"io_error"}
    assert sorted(int(key) for (key,) in kept) == accepted == list(range(1, after + 1))
    assert seen == len(accepted)


def test_two_agents_never_share_a_journal(store: Store) -> None:
    with pytest.raises(StoreInUse, match=f"in use by process {os.getpid()}"):
        Store.open(store.path)


def test_a_closed_journal_can_be_opened_by_the_next_one(tmp_path: Path) -> None:
    for number in (1, 2):
        store = Store.open(tmp_path / "journal.db", reserve_bytes=0)
        assert take(store).result() == number
        store.close()


def test_a_closed_journal_is_one_file_that_can_be_copied(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "journal.db", reserve_bytes=0)
    take(store).result()
    count(store, "receipt")
    store.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.db", "journal.db.lock"]


def test_a_newer_journal_is_not_opened_by_older_software(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Store.open(path, reserve_bytes=0).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    told = f"journal version {schema.VERSION + 1}, this software reads up to {schema.VERSION}"
    for opener in (Store.open, lambda at: Store.inspect(at).read(lambda _: None)):
        with pytest.raises(NotOurs, match=told):
            opener(path)


def shape(path: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()
    connection.close()
    return found


def test_an_older_journal_is_brought_up_and_keeps_its_rows(tmp_path: Path) -> None:
    older, new = tmp_path / "older.db", tmp_path / "new.db"
    here = Path(schema.__file__).parent
    with sqlite3.connect(older) as connection:
        for name in ("schema.sql", "schema_shop.sql"):
            connection.executescript((here / name).read_text(encoding="utf-8"))
        connection.execute("INSERT INTO series VALUES ('receipt', 7)")
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    store = Store.open(older, reserve_bytes=0)
    assert store.read(lambda at: at.execute("SELECT next FROM series").fetchall()) == [(7,)]
    store.close()
    Store.open(new, reserve_bytes=0).close()
    assert shape(older) == shape(new)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            b"this is a letter, not a database, and long enough to be told from an empty file" * 9,
            "not a readable",
        )
    ],
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    with pytest.raises(NotOurs, match=reason):
        Store.open(path)
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    with pytest.raises(NotOurs, match="another program's database"):
        Store.open(path)


def test_a_running_agent_can_be_inspected_and_not_written_beside(store: Store) -> None:
    take(store).result()
    beside = Store.inspect(store.path)
    assert (count(beside, "receipt"), type(take(beside).exception())) == (1, WriteRefused)
    beside.close()


def test_inspecting_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        Store.inspect(tmp_path / "journal.db")


def test_after_closing_writes_are_refused_and_reads_say_why(store: Store) -> None:
    store.close()
    refused = take(store).exception()
    assert isinstance(refused, WriteRefused)
    assert refused.fault is Fault.CLOSED
    with pytest.raises(StoreError, match="closed"):
        count(store, "receipt")


def test_what_waits_is_written_before_closing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "journal.db", reserve_bytes=0)
    futures = [take(store) for _ in range(50)]
    store.close()
    assert [future.result() for future in futures] == list(range(1, 51))


def test_a_disk_that_stands_still_does_not_pile_up_work_without_end(store: Store) -> None:
    held = Held(store)
    futures = [take(store) for _ in range(WAITING_LIMIT + 1)]
    refused = futures[-1].exception(timeout=1)
    held.let_go()
    assert isinstance(refused, WriteRefused)
    assert refused.fault is Fault.OVERLOADED
    assert futures[-2].result() == WAITING_LIMIT


def test_many_threads_lose_nothing(store: Store) -> None:
    taken: list[int] = []

    def use() -> None:
        taken.extend(take(store).result() for _ in range(25))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 201))


def test_the_journal_belongs_to_its_owner_alone(store: Store) -> None:
    assert store.path.stat().st_mode & 0o077 == 0
