"""The sender: brings a journal to central, one batch in flight.

``step(state, input, journal, now_us) -> (state, effects)``. The journal is only read, through :class:`JournalView`; what must
happen is returned as effects, which the shell carries out in order. Every wait ends at ``state.wake_us``, when the shell
gives a :class:`Tick`.

A journal is a *lineage* of epochs, oldest first; all but the last are closed. Epochs are completed in order, so
everything after the first incomplete epoch is unknown to central. That one is the *current* epoch::

    OFFLINE ──Connected──▶ GREETING ──Welcome──▶ IDLE ◀──Ack── SENDING
                              ▲                    └──Appended──▶ ┘
                              │ HelloWanted                       │ a cursor that this journal cannot have produced
                              └── ADOPTING ◀──EpochGranted── ASKING ◀── COMPARING ◀──┘
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from protocol.delivery.vocabulary import (
    AdoptEpoch,
    Appended,
    Connected,
    Damaged,
    Disconnected,
    Effect,
    EpochAdopted,
    Input,
    JournalView,
    NoteAcked,
    Phase,
    SendBatch,
    SendEpochAsked,
    SendHello,
    State,
    Tick,
)
from protocol.messages import Ack, Cursor, EpochAsked, EpochGranted, HelloWanted, Mark, Welcome

Step = tuple[State, tuple[Effect, ...]]


def step(state: State, happening: Input, journal: JournalView, now_us: int) -> Step:
    """What ``happening`` makes of ``state``. A pair that is not in the table changes nothing: the message is stale."""
    rule = _TRANSITIONS.get((state.phase, type(happening)))
    return rule(state, happening, journal, now_us) if rule else (state, ())


def _greet(state: State, _: object, journal: JournalView, now_us: int) -> Step:
    return _wait(msgspec.structs.replace(state, phase=Phase.GREETING, attempt=0, asked=None), now_us), (
        SendHello(),
    )


def _go_offline(state: State, _: object, journal: JournalView, now_us: int) -> Step:
    return State(agent=state.agent, pace=state.pace), ()


def _repeat(state: State, _: object, journal: JournalView, now_us: int) -> Step:
    """No answer in time: the same again, a little later each time."""
    state = _wait(msgspec.structs.replace(state, attempt=state.attempt + 1), now_us)
    match state.phase:
        case Phase.SENDING:
            return state, (_batch(state, journal),)
        case Phase.ASKING if state.asked:
            return state, (SendEpochAsked(state.asked),)
        case _:
            # A comparison starts over too: its marks are cheap, and central may be another one by now.
            return msgspec.structs.replace(state, phase=Phase.GREETING), (SendHello(),)


def _take_welcome(state: State, welcome: Welcome, journal: JournalView, now_us: int) -> Step:
    """Find the current epoch: the first one that central has not all of."""
    lineage = list(journal.lineage())
    cursors = {cursor.epoch: cursor for cursor in welcome.cursors}
    for epoch in lineage[:-1]:
        cursor = cursors.get(epoch.epoch)
        if cursor and epoch.epoch in welcome.differing:
            return _disagree(state, cursor, journal, now_us)
        if cursor and cursor.next_seq < epoch.next_seq:
            return _take_cursor(state, cursor, journal, now_us)
    cursor = cursors.get(lineage[-1].epoch)
    if cursor is None:
        return state, ()  # an answer to a hello from before this epoch; the wait goes on
    return _take_cursor(state, cursor, journal, now_us)


def _take_ack(state: State, ack: Ack, journal: JournalView, now_us: int) -> Step:
    cursor = ack.cursor
    if cursor.epoch != state.epoch:
        return state, ()  # of an epoch that is complete, or of a copy of this machine
    if cursor.next_seq == state.next_seq and cursor.head_hash == journal.hash_at(
        state.epoch, cursor.next_seq - 1
    ):
        return state, ()  # a repeated ack: the batch in flight has its own wait
    return _take_cursor(state, cursor, journal, now_us)


def _take_cursor(state: State, cursor: Cursor, journal: JournalView, now_us: int) -> Step:
    """Central stands at ``cursor``: go on from there if this journal can have led it there."""
    if cursor.next_seq < min(journal.first_kept(cursor.epoch), _end_of(journal, cursor.epoch)):
        # Central (restored from an old backup, say) asks for rows that retention has taken away here.
        state = msgspec.structs.replace(state, epoch=cursor.epoch)
        return _ask_epoch(state, cursor.next_seq - 1, cursor.head_hash, "pruned", journal, now_us)
    if journal.hash_at(cursor.epoch, cursor.next_seq - 1) == cursor.head_hash:
        state = msgspec.structs.replace(state, epoch=cursor.epoch, next_seq=cursor.next_seq)
        return _go_on(state, journal, now_us)
    return _disagree(state, cursor, journal, now_us)


def _disagree(state: State, cursor: Cursor, journal: JournalView, now_us: int) -> Step:
    """Somewhere before ``cursor`` the two journals part ways; begin to look where."""
    high_seq = min(cursor.next_seq, _end_of(journal, cursor.epoch))
    state = msgspec.structs.replace(
        state, epoch=cursor.epoch, central_next_seq=cursor.next_seq, low_seq=0, high_seq=high_seq
    )
    return _compare(state, journal, now_us)


def _go_on(state: State, journal: JournalView, now_us: int) -> Step:
    """Send what follows, or rest."""
    state = _measured(state, now_us)
    noted = NoteAcked(state.epoch, state.next_seq)
    end = _end_of(journal, state.epoch)
    if state.next_seq < end:
        state = _wait(msgspec.structs.replace(state, phase=Phase.SENDING, attempt=0), now_us)
        return state, (noted, _batch(state, journal))
    lineage = list(journal.lineage())
    if state.epoch != lineage[-1].epoch:
        # This epoch is complete: a hello tells where central stands in the next one.
        state, effects = _greet(state, None, journal, now_us)
        return state, (noted, *effects)
    idle = msgspec.structs.replace(
        state, phase=Phase.IDLE, attempt=0, wake_us=now_us + state.pace.hello_interval_us
    )
    return idle, (noted,)


def _send_more(state: State, _: object, journal: JournalView, now_us: int) -> Step:
    if state.next_seq >= _end_of(journal, state.epoch):
        return state, ()  # word of a commit whose rows an earlier word has brought
    state = _wait(msgspec.structs.replace(state, phase=Phase.SENDING, attempt=0), now_us)
    return state, (_batch(state, journal),)


def _compare(state: State, journal: JournalView, now_us: int) -> Step:
    """Narrow down the last common row, a few dozen marks a round: four rounds for a million rows."""
    marks = _marks(state, journal)
    if not marks:
        return _settle(state, journal, now_us)
    state = _wait(msgspec.structs.replace(state, phase=Phase.COMPARING), now_us)
    return state, (SendHello(state.epoch, marks),)


def _take_comparison(state: State, welcome: Welcome, journal: JournalView, now_us: int) -> Step:
    if welcome.compared_epoch != state.epoch:
        return state, ()  # the answer to an earlier hello
    low = max(state.low_seq, welcome.agree_seq)
    high = state.high_seq if welcome.differ_seq is None else min(state.high_seq, welcome.differ_seq)
    if high <= low:
        return _greet(state, None, journal, now_us)  # central changed between two answers: start over
    return _compare(msgspec.structs.replace(state, low_seq=low, high_seq=high, attempt=0), journal, now_us)


def _settle(state: State, journal: JournalView, now_us: int) -> Step:
    """``low_seq`` is the last row that both have."""
    if state.low_seq == state.central_next_seq - 1:
        # Nothing differs after all: a cursor from before a repair. Go on from it.
        return _go_on(msgspec.structs.replace(state, next_seq=state.central_next_seq), journal, now_us)
    common = journal.hash_at(state.epoch, state.low_seq)
    has_tail = state.low_seq + 1 < _end_of(journal, state.epoch)
    return _ask_epoch(state, state.low_seq, common or b"", "fork" if has_tail else "rewind", journal, now_us)


def _pass_over(state: State, damaged: Damaged, journal: JournalView, now_us: int) -> Step:
    """One row that cannot be sent must not hold up the rest: they go on in a new epoch, with a stand-in for it."""
    before = journal.hash_at(state.epoch, damaged.seq - 1)
    if (damaged.epoch, damaged.seq) != (state.epoch, state.next_seq) or before is None:
        return state, ()  # rows before it are still on their way; it will come up again
    return _ask_epoch(state, damaged.seq - 1, before, "damaged", journal, now_us)


def _ask_epoch(
    state: State, parent_seq: int, parent_hash: bytes, cause: str, journal: JournalView, now_us: int
) -> Step:
    # The request is named by its content: asking again, also after a restart, cannot open two epochs, and a copy of this
    # machine whose rows differ asks under another name.
    first_own = journal.hash_at(state.epoch, parent_seq + 1) or b""
    name = b"\0".join(
        (state.agent.encode(), state.epoch.encode(), b"%d" % parent_seq, parent_hash + first_own)
    )
    asked = EpochAsked(
        request_id=hashlib.sha256(name).hexdigest()[:32],
        parent_epoch=state.epoch,
        parent_seq=parent_seq,
        parent_hash=parent_hash,
        cause=cause,
    )
    state = _wait(msgspec.structs.replace(state, phase=Phase.ASKING, attempt=0, asked=asked), now_us)
    return state, (SendEpochAsked(asked),)


def _take_grant(state: State, granted: EpochGranted, journal: JournalView, now_us: int) -> Step:
    if state.asked is None or granted.request_id != state.asked.request_id:
        return state, ()  # meant for a copy of this machine
    return msgspec.structs.replace(state, phase=Phase.ADOPTING, wake_us=None), (AdoptEpoch(granted),)


def _batch(state: State, journal: JournalView) -> SendBatch:
    return SendBatch(state.epoch, state.next_seq, _end_of(journal, state.epoch) - 1)


def _end_of(journal: JournalView, epoch: str) -> int:
    """The ``next_seq`` of an epoch; 1 for one that is not in the lineage."""
    return next((known.next_seq for known in journal.lineage() if known.epoch == epoch), 1)


def _marks(state: State, journal: JournalView) -> tuple[Mark, ...]:
    """Rows strictly between the bounds that are still kept, evenly spread; the last one always, where most forks begin."""
    first, last = state.low_seq + 1, state.high_seq - 1
    count = min(state.pace.marks, last - first + 1)
    seqs = sorted({last - (last - first) * i // max(count - 1, 1) for i in range(count)})
    found = ((seq, journal.hash_at(state.epoch, seq)) for seq in seqs)
    return tuple(Mark(seq, digest) for seq, digest in found if digest is not None)


def _wait(state: State, now_us: int) -> State:
    """Wait for an answer: doubling, capped, and spread by up to a half so that a thousand agents do not return as one.

    It begins with half as long again as the last answer took, if that is more than usual: where a thousand wait for their
    turn, asking again before one's own only makes the turn later.
    """
    pace = state.pace
    first = max(pace.answer_timeout_us, state.answer_us + state.answer_us // 2)
    wait = min(first << min(state.attempt, 20), pace.answer_timeout_limit_us)
    spread = hashlib.sha256(f"{state.agent}/{state.attempt}".encode()).digest()[0]
    waiting_since_us = state.waiting_since_us if state.attempt else now_us
    return msgspec.structs.replace(
        state, wake_us=now_us + wait + wait * spread // 512, waiting_since_us=waiting_since_us
    )


def _measured(state: State, now_us: int) -> State:
    """An answer is there. Which of several repetitions it answers nobody knows: the first, the more patient guess."""
    if state.waiting_since_us is None:
        return state
    return msgspec.structs.replace(state, answer_us=now_us - state.waiting_since_us, waiting_since_us=None)


Rule = Callable[[State, Any, JournalView, int], Step]

_TRANSITIONS: dict[tuple[Phase, type], Rule] = {
    (Phase.OFFLINE, Connected): _greet,
    # Connected again without having noticed the loss: whatever was in flight may be gone.
    **{(phase, Connected): _greet for phase in Phase if phase is not Phase.ADOPTING},
    **{(phase, Disconnected): _go_offline for phase in Phase},
    **{(phase, Tick): _repeat for phase in (Phase.GREETING, Phase.COMPARING, Phase.ASKING, Phase.SENDING)},
    (Phase.IDLE, Tick): _greet,
    (Phase.GREETING, Welcome): _take_welcome,
    (Phase.SENDING, Damaged): _pass_over,
    (Phase.IDLE, Appended): _send_more,
    (Phase.IDLE, Ack): _take_ack,
    (Phase.SENDING, Ack): _take_ack,
    (Phase.IDLE, HelloWanted): _greet,
    (Phase.SENDING, HelloWanted): _greet,
    (Phase.ASKING, HelloWanted): _greet,
    (Phase.COMPARING, Welcome): _take_comparison,
    (Phase.ASKING, EpochGranted): _take_grant,
    (Phase.ADOPTING, EpochAdopted): _greet,
}
