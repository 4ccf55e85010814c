"""Appending, epochs, and whose journal it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from agent.clock import ManualClock
from agent.journal.errors import ForeignJournal, JournalError, NotEnrolled
from agent.journal.export import export
from agent.journal.journal import Accepted, Journal
from agent.store.database import Connection
from agent.store.faults import WriteRefused
from agent.store.store import Store
from protocol.chain import genesis, link
from tests.agent.journal.counter import AGENT, FIRST_EPOCH, Counter, granted


def test_a_sale_is_accepted_with_its_place_and_its_hash(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        (accepted,) = counter.sell("a")
        expected = link(genesis(AGENT, FIRST_EPOCH), 1, counter.body("a"))
        assert (accepted.epoch, accepted.seq, accepted.hash) == (FIRST_EPOCH, 1, expected)


def test_two_events_of_one_transaction_follow_each_other(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell_many(3)
        assert [
            seq for seq, _ in counter.journal.rows(FIRST_EPOCH, 1, 9, limit_rows=9, limit_bytes=9999)
        ] == [
            1,
            2,
            3,
        ]


def test_an_event_that_is_taken_back_leaves_no_gap(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:

        def fails(connection: Connection) -> None:
            counter.journal.append(connection, counter.sale("taken back"))
            raise LookupError("the document is refused")

        counter.sell("a")
        assert isinstance(counter.store.write(fails).exception(), LookupError)
        (accepted,) = counter.sell("b")
        assert (accepted.seq, counter.verify().is_sound) == (2, True)


def test_an_event_behind_one_that_is_taken_back_in_the_same_commit_leaves_no_gap(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        is_free = threading.Event()
        held = counter.store.write(lambda _: is_free.wait())

        def fails(connection: Connection) -> None:
            counter.journal.append(connection, counter.sale("taken back"))
            raise LookupError("the document is refused")

        wrong = counter.store.write(fails)
        right = [counter.store.write(partial(_append, counter, name)) for name in ("a", "b")]
        is_free.set()
        held.result()
        assert [one.result().seq for one in right] == [1, 2]
        assert (type(wrong.exception()), counter.verify().is_sound) == (LookupError, True)


def test_an_event_that_the_disk_refused_leaves_no_gap(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:

        def is_too_much(connection: Connection) -> None:
            counter.journal.append(connection, counter.sale("refused"))
            connection.execute("PRAGMA max_page_count = 1")
            connection.execute("INSERT INTO feed_rows VALUES ('f', 1, 'k', zeroblob(1000000))")

        counter.sell("a")
        assert isinstance(counter.store.write(is_too_much).exception(), WriteRefused)
        (accepted,) = counter.sell("b")
        assert (accepted.seq, counter.verify().is_sound) == (2, True)


def test_a_sale_right_behind_an_adoption_belongs_to_the_new_epoch(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        counter.adopt("epoch-2", FIRST_EPOCH, 1)
        (accepted,) = counter.sell("c")
        assert (accepted.epoch, accepted.seq, counter.verify().is_sound) == ("epoch-2", 2, True)


def test_a_batch_keeps_both_its_limits_and_holds_at_least_one_row(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        size = len(counter.body("a"))
        lengths = [
            len(counter.journal.rows(FIRST_EPOCH, 1, 3, limit_rows=rows, limit_bytes=limit))
            for rows, limit in [(2, 10**6), (9, 2 * size), (9, 2 * size - 1), (9, 1)]
        ]
        assert lengths == [2, 2, 1, 1]


def test_without_an_epoch_nothing_is_accepted(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "journal.db", reserve_bytes=0)
    journal = Journal(store, AGENT, ManualClock())
    with Counter(tmp_path / "other") as other:
        future = store.write(lambda at: journal.append(at, other.sale("a")))
        assert isinstance(future.exception(), NotEnrolled)
    store.close()


def test_a_second_enrolment_goes_on_in_the_journal_that_is_there(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a")
        assert counter.journal.open_first_epoch("another") is False
        assert [line.epoch for line in counter.journal.lineage()] == [FIRST_EPOCH]


def test_the_journal_of_another_agent_is_not_written_to(tmp_path: Path) -> None:
    Counter(tmp_path).close()
    with pytest.raises(ForeignJournal, match="not written by agent 'till-2'"):
        Counter(tmp_path, "till-2")


def test_a_clock_that_jumps_changes_no_order(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a")
        counter.clock.step_wall(-10 * 365 * 86_400_000_000)
        counter.sell("b")
        counter.clock.step_wall(20 * 365 * 86_400_000_000)
        counter.sell("c")
        assert counter.verify().is_sound
        assert counter.journal.unsent().count == 3


def test_the_oldest_unsent_row_is_the_first_that_central_has_not(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a")
        counter.clock.advance(1_000_000)
        counter.sell("b")
        counter.journal.note_acked(FIRST_EPOCH, 2).result()
        unsent = counter.journal.unsent()
        assert (unsent.count, unsent.oldest_us) == (1, counter.clock.wall_us())


def test_a_grant_that_is_not_of_this_journal_changes_nothing(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        wrong = [
            granted("epoch-2", "unknown", 1, bytes(32)),
            granted("epoch-2", FIRST_EPOCH, 3, bytes(32)),
            granted("epoch-2", FIRST_EPOCH, 1, bytes(32)),
        ]
        errors = [counter.journal.adopt(grant).exception() for grant in wrong]
        assert [type(error) for error in errors] == [JournalError] * 3
        assert [line.epoch for line in counter.journal.lineage()] == [FIRST_EPOCH]


def test_a_long_tail_is_copied_whole_while_sales_go_on(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell_many(300)
        opening = counter.journal.hash_at(FIRST_EPOCH, 100)
        assert opening is not None
        adopted = counter.journal.adopt(granted("epoch-2", FIRST_EPOCH, 100, opening), piece_rows=10)
        counter.sell(*(f"meanwhile{number}" for number in range(20)))
        adopted.result()
        names = counter.names("epoch-2")
        assert names[:200] == counter.names(first_seq=101, last_seq=300)
        assert names[200:] == [counter.body(f"meanwhile{number}") for number in range(20)]
        assert counter.verify().is_sound


def test_the_same_grant_twice_at_once_is_one_adoption(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell_many(50)
        grant = granted("epoch-2", FIRST_EPOCH, 0, counter.journal.hash_at(FIRST_EPOCH, 0) or b"")
        both = [counter.journal.adopt(grant, piece_rows=1) for _ in range(2)]
        other = counter.journal.adopt(granted("epoch-3", FIRST_EPOCH, 0, grant.parent_hash))
        assert [future.result() for future in both] == [None, None]
        assert isinstance(other.exception(), JournalError)
        assert counter.journal.lineage()[-1].next_seq == 51


def test_the_export_shows_every_row_with_its_state(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        counter.journal.note_acked(FIRST_EPOCH, 2).result()
        counter.adopt("epoch-2", FIRST_EPOCH, 1)
        counter.sql("UPDATE journal SET body = x'00' WHERE epoch_no = 2")
        lines = counter.store.read(lambda at: list(export(at)))
        assert [
            b'"state":"%s"' % state in line
            for state, line in zip((b"acked", b"superseded", b"unsent"), lines, strict=True)
        ] == [True, True, True]
        assert b'"sale_id":"a"' in lines[0]
        assert b'"damage":"epoch epoch-2, row 1' in lines[2]


def test_what_was_accepted_survives_a_killed_process(tmp_path: Path) -> None:
    """The child says each sale's number after it was accepted; whatever it said must be there."""
    program = (
        "import sys; from pathlib import Path; from tests.agent.journal.counter import Counter\n"
        "counter = Counter(Path(sys.argv[1]))\n"
        "for number in range(100000):\n"
        "    print(counter.sell(f's{number}')[0].seq, flush=True)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert child.stdout is not None
    said = [int(child.stdout.readline()) for _ in range(50)]
    child.send_signal(signal.SIGKILL)
    said += [int(line) for line in child.stdout.read().split()]
    child.stdout.close()
    child.wait()
    with Counter(tmp_path) as counter:
        assert counter.journal.check_at_start().is_sound
        assert counter.journal.accepted_count() >= said[-1]
        assert counter.journal.accepted_count() <= said[-1] + 1


def _append(counter: Counter, name: str, connection: Connection) -> Accepted:
    return counter.journal.append(connection, counter.sale(name))
