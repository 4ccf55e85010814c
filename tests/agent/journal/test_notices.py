"""What a person is told."""

from __future__ import annotations

from pathlib import Path

from agent.journal.notices import KEPT_LIMIT, NoticeKind, dismiss, note, notices
from tests.agent.journal.counter import Counter


def test_the_same_thing_said_again_is_counted(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        for _ in range(3):
            counter.journal.note(NoticeKind.HELD, "x", "central keeps a message").result()
        assert [(notice.kind, notice.times) for notice in counter.notices()] == [("held", 3)]


def test_what_was_read_comes_back_when_it_happens_again(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:
        counter.journal.note(NoticeKind.FORK, "x", "two machines").result()
        number = counter.notices()[0].id
        counter.store.write(lambda at: dismiss(at, number)).result()
        dismissed = counter.notices()[0].dismissed
        counter.journal.note(NoticeKind.FORK, "x", "two machines").result()
        assert (dismissed, counter.notices()[0].dismissed) == (True, False)


def test_notices_are_bounded_and_the_read_ones_go_first(tmp_path: Path) -> None:
    with Counter(tmp_path) as counter:

        def work(connection: object) -> int:
            for number in range(KEPT_LIMIT):
                note(connection, NoticeKind.HELD, f"{number}", "text", number)  # type: ignore[arg-type]
            newest = notices(connection, 1)[0].id  # type: ignore[arg-type]
            dismiss(connection, newest)  # type: ignore[arg-type]
            note(connection, NoticeKind.FORK, "last", "text", 0)  # type: ignore[arg-type]
            return newest

        newest = counter.store.write(work).result()
        kept = [notice.id for notice in counter.store.read(lambda at: notices(at, KEPT_LIMIT + 5))]
        assert (len(kept), newest in kept) == (KEPT_LIMIT, False)
