"""Fetching damaged rows back from central: the rules, without a link or a disk.

Central gives as many bodies as a message holds; the rest is asked for again from there. What it gives is taken only as a whole, and only if
the chain says that it is what was written.
"""

from __future__ import annotations

import msgspec

from agent.journal.rounds import LOST_LIMIT_ROWS
from agent.journal.survey import Lost, proven
from protocol.delivery.vocabulary import Pace
from protocol.messages import RowsAnswered, RowsAsked

ATTEMPTS = 3
"""Questions without an answer before the rows are left for the next round."""

TOO_MANY = "damaged, and too many to be fetched back one by one; keep this machine as it is and call support"
NO_ANSWER = (
    "damaged; central has it and did not answer when asked for it; it is asked again with the next round"
)
NOT_THERE = "damaged, and central, which had acknowledged it, does not have it any more; call support"
NO_FIT = (
    "damaged, and what central has in its place does not fit the hashes around it; nothing was changed: keep this machine as it "
    "is and call support"
)


class Fetch(msgspec.Struct, frozen=True):
    """Rows being fetched: the bodies so far, and when to ask again."""

    lost: Lost
    wake_us: int
    bodies: tuple[bytes, ...] = ()
    attempt: int = 0


class Proven(msgspec.Struct, frozen=True):
    """Central has given what was written: to be put back, with these hashes."""

    lost: Lost
    bodies: tuple[bytes, ...]
    hashes: tuple[bytes, ...]


class LeftAsItIs(msgspec.Struct, frozen=True):
    """The rows cannot be put back, for a reason that a person should read."""

    lost: Lost
    reason: str


Next = Fetch | Proven | LeftAsItIs


def begin(lost: Lost, pace: Pace, now_us: int) -> Fetch | LeftAsItIs:
    """Fetch these rows: ask for them, if they are not too many."""
    if lost.count > LOST_LIMIT_ROWS:
        return LeftAsItIs(lost, TOO_MANY)
    return Fetch(lost, now_us + pace.answer_timeout_us)


def question(fetch: Fetch) -> RowsAsked:
    """What to ask now: the rows that are still wanting."""
    first_seq = fetch.lost.first_seq + len(fetch.bodies)
    return RowsAsked(epoch=fetch.lost.epoch, first_seq=first_seq, last_seq=fetch.lost.last_seq)


def overdue(fetch: Fetch, pace: Pace, now_us: int) -> Next:
    """No answer in time: the same question again, with more patience; not for ever."""
    attempt = fetch.attempt + 1
    if attempt >= ATTEMPTS:
        return LeftAsItIs(fetch.lost, NO_ANSWER)
    wait_us = min(pace.answer_timeout_us << attempt, pace.answer_timeout_limit_us)
    return msgspec.structs.replace(fetch, attempt=attempt, wake_us=now_us + wait_us)


def answered(fetch: Fetch, answer: RowsAnswered, pace: Pace, now_us: int) -> Next:
    """Central has spoken. An answer to an earlier question changes nothing."""
    asked = question(fetch)
    if (answer.epoch, answer.first_seq) != (asked.epoch, asked.first_seq):
        return fetch
    if not answer.bodies:
        return LeftAsItIs(fetch.lost, NOT_THERE)
    bodies = (*fetch.bodies, *answer.bodies)[: fetch.lost.count]
    if len(bodies) < fetch.lost.count:
        return Fetch(fetch.lost, now_us + pace.answer_timeout_us, bodies)
    hashes = proven(fetch.lost, bodies)
    if hashes is None:
        return LeftAsItIs(fetch.lost, NO_FIT)
    return Proven(fetch.lost, bodies, tuple(hashes))
