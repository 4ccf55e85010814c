"""How other threads reach the link's thread."""

from __future__ import annotations

import select
from collections.abc import Iterator

import pytest

from agent.uplink.inbox import LETTERS_LIMIT, Inbox


@pytest.fixture
def inbox() -> Iterator[Inbox[int]]:
    opened: Inbox[int] = Inbox()
    yield opened
    opened.close()


def rings(inbox: Inbox[int]) -> bool:
    return bool(select.select([inbox.wake], [], [], 0)[0])


def test_a_letter_wakes_and_is_taken_once(inbox: Inbox[int]) -> None:
    before = rings(inbox)
    inbox.put(7)
    assert (before, rings(inbox), inbox.take(), inbox.take(), rings(inbox)) == (
        False,
        True,
        (False, [7]),
        (False, []),
        False,
    )


def test_a_thousand_commits_are_one_flag(inbox: Inbox[int]) -> None:
    for _ in range(1000):
        inbox.committed()
    assert (rings(inbox), inbox.take(), rings(inbox)) == (True, (True, []), False)


def test_a_full_inbox_says_so(inbox: Inbox[int]) -> None:
    results = [inbox.put(number) for number in range(LETTERS_LIMIT + 1)]
    assert (results[-2:], len(inbox.take()[1])) == ([True, False], LETTERS_LIMIT)


def test_who_writes_after_the_end_is_not_disturbed() -> None:
    inbox: Inbox[int] = Inbox()
    inbox.close()
    inbox.committed()
    inbox.put(1)
