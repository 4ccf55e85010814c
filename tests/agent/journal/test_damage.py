"""What flips a bit is found, named, mended where that can be proven, and never sent as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.clock import ManualClock
from agent.errors import AgentError
from agent.journal.journal import Journal
from agent.journal.soundness import Damage, Part, StoredRow, examine, mend
from agent.store.store import Store
from protocol.chain import genesis, links
from protocol.errors import Malformed
from protocol.events import decode_event
from tests.agent.journal.counter import FIRST_EPOCH, Counter

START = genesis("till-1", FIRST_EPOCH)
BODIES = [f"the body of row {number}, long enough to be hit".encode() for number in range(1, 6)]
ROWS = [
    StoredRow(seq, digest, body)
    for seq, (digest, body) in enumerate(zip(links(START, 1, BODIES), BODIES, strict=True), 1)
]


def flip(data: bytes, bit: int) -> bytes:
    flipped = bytearray(data)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def damages(rows: list[StoredRow]) -> list[tuple[int, int, Part]]:
    return [
        (found.first_seq, found.last_seq, found.part)
        for found in examine(START, 1, rows, len(ROWS))
        if isinstance(found, Damage)
    ]


@given(seq=st.integers(1, 5), bit=st.integers(0, 8 * 40 - 1))
def test_every_flipped_bit_of_a_body_is_found_and_mended(seq: int, bit: int) -> None:
    hit = ROWS[seq - 1]._replace(body=flip(BODIES[seq - 1], bit))
    rows = [*ROWS[: seq - 1], hit, *ROWS[seq:]]
    (found,) = [each for each in examine(START, 1, rows) if isinstance(each, Damage)]
    assert (found.first_seq, found.part, mend(found)) == (seq, Part.BODY, ROWS[seq - 1])


@given(seq=st.integers(1, 5), bit=st.integers(0, 255))
def test_every_flipped_bit_of_a_hash_is_found_and_mended(seq: int, bit: int) -> None:
    hit = ROWS[seq - 1]._replace(hash=flip(ROWS[seq - 1].hash, bit))
    rows = [*ROWS[: seq - 1], hit, *ROWS[seq:]]
    (found,) = [each for each in examine(START, 1, rows) if isinstance(each, Damage)]
    assert (found.first_seq, found.part, mend(found)) == (seq, Part.HASH, ROWS[seq - 1])


def test_a_hash_that_is_lost_altogether_is_proven_by_the_next_row() -> None:
    rows = [ROWS[0], ROWS[1]._replace(hash=bytes(32)), *ROWS[2:]]
    (found,) = [each for each in examine(START, 1, rows) if isinstance(each, Damage)]
    assert mend(found) == ROWS[1]


def test_two_flipped_bits_of_a_body_are_found_and_not_guessed_at() -> None:
    hit = ROWS[2]._replace(body=flip(flip(BODIES[2], 9), 77))
    (found,) = [each for each in examine(START, 1, [*ROWS[:2], hit, *ROWS[3:]]) if isinstance(each, Damage)]
    assert (found.part, mend(found)) == (Part.BODY, None)


@pytest.mark.parametrize(
    ("rows", "missing"),
    [
        (ROWS[1:], [(1, 1, Part.MISSING)]),
        ([ROWS[0], *ROWS[3:]], [(2, 3, Part.MISSING)]),
        (ROWS[:3], [(4, 5, Part.MISSING)]),
        ([], [(1, 5, Part.MISSING)]),
        (ROWS, []),
    ],
)
def test_rows_that_are_gone_are_named(rows: list[StoredRow], missing: list[tuple[int, int, Part]]) -> None:
    assert damages(rows) == missing


def test_a_flipped_bit_is_mended_before_its_row_is_sent(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        body = counter.body("b")
        counter.sql("UPDATE journal SET body = ? WHERE seq = 2", flip(body, 100))
        assert counter.names(first_seq=2) == [body, counter.body("c")]
        assert [(notice.kind, "mended" in notice.text) for notice in counter.notices()] == [("damaged", True)]


def test_what_comes_before_a_damaged_row_is_still_sent(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c", "d")
        counter.sql("UPDATE journal SET body = x'0102' WHERE seq = 3")
        assert counter.names() == [counter.body("a"), counter.body("b")]


def test_a_row_that_cannot_be_mended_is_never_handed_out(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        counter.sql("UPDATE journal SET body = x'0102' WHERE seq = 2")
        assert counter.names(first_seq=2) == []
        (notice,) = counter.notices()
        assert f"epoch {FIRST_EPOCH}, row 2" in notice.text


def test_a_row_that_is_gone_is_reported(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        counter.sql("DELETE FROM journal WHERE seq = 2")
        assert (counter.names(first_seq=2), counter.notices()[0].subject) == ([], f"{FIRST_EPOCH}/2")


def test_a_bit_flipped_in_the_file_itself_is_found_by_the_full_check(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell(*(f"s{number}" for number in range(20)))
    path = tmp_path / "journal.db"
    content = bytearray(path.read_bytes())
    content[content.index(b"s13") + 1] ^= 0x04
    path.write_bytes(content)
    with Counter(tmp_path) as counter:
        found = counter.verify()
        assert [(finding.epoch, finding.first_seq) for finding in found.damaged] == [(FIRST_EPOCH, 14)]


def test_the_check_at_start_mends_the_end_of_the_journal(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        counter.sql("UPDATE journal SET body = ? WHERE seq = 2", flip(counter.body("b"), 5))
    with Counter(tmp_path) as counter:
        assert len(counter.journal.check_at_start().damaged) == 1
        assert counter.verify().is_sound


def test_the_check_at_start_reads_only_what_came_after_the_last_one(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        assert counter.journal.check_at_start().rows == 3
        counter.sell("d")
        assert counter.journal.check_at_start().rows == 1


def test_a_long_journal_is_never_read_from_its_beginning_at_start(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell_many(10_007)
        assert counter.journal.check_at_start().rows == 7


def test_columns_that_contradict_the_body_are_found(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        counter.sql("UPDATE journal SET event_time_us = 7 WHERE seq = 2")
        (finding,) = counter.verify().damaged
        assert finding.text == f"epoch {FIRST_EPOCH}, row 2: its columns contradict its body"


def test_an_epoch_that_was_tampered_with_is_found(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a")
        counter.sql("UPDATE epochs SET opening_hash = zeroblob(32)")
        texts = [finding.text for finding in counter.verify().damaged]
        assert texts[0] == f"epoch {FIRST_EPOCH}: does not begin where agent 'till-1' began it"


def test_a_new_epoch_does_not_make_a_damaged_row_pass_for_a_sound_one(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b", "c")
        counter.sql("UPDATE journal SET body = x'0102' WHERE seq = 2")
        counter.adopt("epoch-2", FIRST_EPOCH, 1)
        stand_in, last = counter.names("epoch-2")
        assert (b"damaged_row" in stand_in, last) == (True, counter.body("c"))
        with pytest.raises(Malformed):
            decode_event(stand_in)


def test_a_new_epoch_mends_what_can_be_mended(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.sell("a", "b")
        counter.sql("UPDATE journal SET body = ? WHERE seq = 2", flip(counter.body("b"), 33))
        counter.adopt("epoch-2", FIRST_EPOCH, 0)
        assert counter.names("epoch-2") == [counter.body("a"), counter.body("b")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bit_of_any_page_is_found_or_harmless(tmp_path: Path, data: st.DataObject) -> None:
    """Flipped in the bytes of the database file, wherever: every row is sent as it was written, or not at all."""
    original = tmp_path / "original"
    if not original.exists():
        with Counter(original) as counter:
            counter.sell(*(f"s{number}" for number in range(40)))
    content = (original / "journal.db").read_bytes()
    at = data.draw(st.integers(100 * 8, len(content) * 8 - 1))
    path = tmp_path / "hit.db"
    path.write_bytes(flip(content, at))
    written = {body for _, body in _rows_of(original / "journal.db")}
    assert {body for _, body in _rows_of(path)} <= written


def _rows_of(path: Path) -> list[tuple[int, bytes]]:
    """What could be sent from a database; nothing where it cannot be read any more."""
    store = Store.inspect(path)
    try:
        journal = Journal(store, "till-1", ManualClock())
        sent: list[tuple[int, bytes]] = []
        for seq in range(1, 41):
            sent += journal.rows(FIRST_EPOCH, seq, seq, limit_rows=1, limit_bytes=10_000)
    except (AgentError, sqlite3.Error):
        return []
    finally:
        store.close()
    return sent
