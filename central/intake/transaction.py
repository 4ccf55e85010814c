"""One transaction of the intake: a group of messages from many agents, taken in as one.

All cursors are locked first, in the order of (agent, epoch). From then on nobody else applies rows of these epochs, in whatever
process, and :mod:`protocol.delivery.receiver` says what each message means. The answers are handed back, to be sent after the
commit and not before: an ack is a promise that the rows are on the disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.intake import greetings
from central.intake.bookable import fault_of
from central.intake.booking import book
from central.intake.clocks import uncertainty_us
from central.intake.cursors import Cursors
from central.intake.faults import DATA_FAULTS, in_words
from central.intake.letters import Letter, Opened, Unreadable
from central.intake.rules import event_time
from central.items.signals import Watch
from central.journals import storage as journals
from central.journals.facts import Fact, kind_of
from central.journals.rules import AgentHere, Epoch, about_agent, of_clone
from central.journals.storage import Advance, Archived, Quarantined
from central.moments import business_day, from_microseconds
from protocol.chain import fact_id
from protocol.delivery.receiver import Row
from protocol.errors import Malformed
from protocol.events import Event, decode_event
from protocol.messages import Ack, Batch, DownMessage, EpochAsked, Held, Hello, HelloWanted
from protocol.topics import topic

Answer = tuple[str, DownMessage]
"""(agent, what to tell it)"""
_UNWATCHED = Watch()


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a transaction did: the answers to send after its commit, and how much it took in."""

    answers: tuple[Answer, ...]
    applied: int
    quarantined: int
    repeated: int
    arrivals: dict[str, int]


class _Arrived(msgspec.Struct, frozen=True, gc=False):
    """A new row, with where it comes from."""

    here: AgentHere
    epoch: Epoch
    row: Row
    received_us: int


class _Work:
    """What gathers while the messages of a group are gone through."""

    def __init__(self) -> None:
        self.rows: list[_Arrived] = []
        self.facts: list[Fact] = []
        self.archived: list[Archived] = []
        self.quarantined: list[Quarantined] = []
        self.repeated: list[Archived] = []
        self.raised: list[Discrepancy] = []
        self.answers: dict[tuple[str, str, str], DownMessage] = {}
        self.arrivals: dict[str, int] = {}

    def answer(self, agent: str, message: DownMessage, about: str = "") -> None:
        # Of several acks of one epoch the last says all; the same question asked twice gets one answer.
        self.answers[agent, type(message).__name__, about] = message


def take_in(
    connection: Connection,
    letters: Sequence[Opened | Unreadable],
    now_us: int,
    new_epoch: Callable[[], str],
    *,
    one_by_one: bool = False,
    watch: Watch = _UNWATCHED,
) -> Taken:
    """Take messages in, in their order. ``one_by_one`` finds the events that cannot be booked and quarantines them.

    Raises what the database raises; then nothing has happened and nothing may be answered.
    """
    at = from_microseconds(now_us)
    work = _Work()
    agents = journals.agents_of(connection, (one.letter.agent for one in letters))
    admitted = [one for one in letters if _is_admitted(connection, one, agents, work, at)]
    opened = [one for one in admitted if isinstance(one, Opened)]
    cursors = _lock(connection, [(one.letter.agent, one.message) for one in opened])
    for one in opened:
        here = agents[one.letter.agent]
        match one.message:
            case Batch() as batch:
                _take_batch(work, cursors, here, batch, one.letter)
            case Hello() as hello:
                welcome, raised = greetings.greet(
                    connection, cursors, here, hello, one.letter.received_us, now_us
                )
                work.answer(here.agent, welcome, hello.compare_epoch)
                work.raised += raised
            case EpochAsked() as asked:
                granted, raised = greetings.grant(connection, cursors, here, asked, new_epoch, at)
                work.answer(here.agent, granted, asked.request_id)
                work.raised += raised
    _sort_out(
        connection, work, cursors, {one.letter.agent for one in opened if not isinstance(one.message, Batch)}
    )
    # Before anything is booked: the end of a shift asks which of its events stand in the quarantine.
    journals.archive(connection, (), work.quarantined)
    if one_by_one:
        _book_one_by_one(connection, work, at, watch)
    else:
        book(connection, work.facts, at, watch)
    _write(connection, work, cursors, agents, at)
    return Taken(
        answers=tuple((agent, message) for (agent, _, _), message in work.answers.items()),
        applied=len(work.archived),
        quarantined=len(work.quarantined),
        repeated=len(work.repeated),
        arrivals=work.arrivals,
    )


def _is_admitted(
    connection: Connection,
    one: Opened | Unreadable,
    agents: dict[str, AgentHere],
    work: _Work,
    at: datetime,
) -> bool:
    """Whether a letter can be acted upon; if not, it is held and its sender told."""
    letter, here = one.letter, agents.get(one.letter.agent)
    if here is not None and here.revoked:
        # Its journal stays where it is and is taken in after a new enrolment; there is nothing to keep here.
        work.answer(letter.agent, Held(cause="this agent is revoked; enrol it again, its journal is kept"))
        return False
    if here is not None and isinstance(one, Opened):
        return True
    cause = one.cause if isinstance(one, Unreadable) else "this agent is not enrolled here"
    journals.hold(connection, letter.agent, _topic(letter), cause.replace("\0", ""), letter.frame, at)
    work.answer(letter.agent, Held(cause=cause))
    if here is not None:
        evidence = {"event": "held", "cause": cause.replace("\0", "")}
        work.raised.append(about_agent(here, DiscrepancyClass.HELD, here.agent, at, **evidence))
    return False


def _topic(letter: Letter) -> str:
    return topic("ask" if letter.channel == "ask" else "up", letter.agent)


def _lock(connection: Connection, messages: Sequence[tuple[str, Hello | Batch | EpochAsked]]) -> Cursors:
    """Lock what will be advanced, read what will be compared: a handful of statements however many messages there are."""
    epochs = journals.lock_epochs(connection, (agent for agent, _ in messages))
    asked_for = _rows_to_compare(messages, epochs)
    return Cursors(epochs, journals.hashes(connection, asked_for))


def _rows_to_compare(
    messages: Sequence[tuple[str, Hello | Batch | EpochAsked]], epochs: dict[tuple[str, str], Epoch]
) -> Iterable[tuple[int, int]]:
    for agent, message in messages:
        for epoch, seq in _named_rows(message):
            known = epochs.get((agent, epoch))
            if known is not None and 0 < seq < known.next_seq:
                yield known.journal, seq


def _named_rows(message: Hello | Batch | EpochAsked) -> list[tuple[str, int]]:
    match message:
        case Batch():
            return [(message.epoch, message.first_seq + len(message.bodies) - 1)]
        case EpochAsked():
            return [(message.parent_epoch, message.parent_seq)]
        case Hello():
            ends = [(known.epoch, known.next_seq - 1) for known in message.lineage]
            return ends + [(message.compare_epoch, mark.seq) for mark in message.marks]


def _take_batch(work: _Work, cursors: Cursors, here: AgentHere, batch: Batch, letter: Letter) -> None:
    outcome = cursors.receive(here.agent, batch)
    work.arrivals[outcome.arrival] = work.arrivals.get(outcome.arrival, 0) + 1
    match outcome.answer:
        case Ack(cursor=cursor):
            work.answer(here.agent, outcome.answer, cursor.epoch)
        case HelloWanted(epoch=epoch):
            work.answer(here.agent, outcome.answer, epoch)
    epoch_here = cursors.epoch(here.agent, batch.epoch)
    if epoch_here is not None:
        work.rows += [_Arrived(here, epoch_here, row, letter.received_us) for row in outcome.rows]


def _sort_out(connection: Connection, work: _Work, cursors: Cursors, branching: set[str]) -> None:
    """Read the new rows. ``branching`` are agents that may be given another epoch in this very transaction.

    A fact that another epoch of its agent has brought is archived and has no second effect: copies of a machine, restored one
    after the other, can bring the same row twice without either of the chains being wrong.
    """
    branched = {
        agent
        for agent in {one.here.agent for one in work.rows}
        if agent in branching or cursors.is_branched(agent)
    }
    named = [
        (one, (one.here.agent, fact_id(one.row.body)) if one.here.agent in branched else None)
        for one in work.rows
    ]
    known = journals.known_facts(connection, (fact for _, fact in named if fact is not None))
    fresh: dict[tuple[str, bytes], int] = {}
    for one, fact in named:
        brought_by = None if fact is None else known.get(fact, fresh.get(fact))
        if brought_by is not None and brought_by != one.epoch.journal:
            work.repeated.append(_archived(one, "repeated", from_microseconds(one.received_us), brought_by))
            continue
        if fact is not None:
            fresh[fact] = one.epoch.journal
        _take_row(work, one)
    journals.remember_facts(connection, fresh)


def _take_row(work: _Work, one: _Arrived) -> None:
    here, row = one.here, one.row
    event = _read(row.body)
    if isinstance(event, str):
        cause = event.replace("\0", "")
        work.quarantined.append(Quarantined(here.site, one.epoch.journal, row.seq, row.hash, cause, row.body))
        return
    booted_at = here.booted_at if here.boot_id == event.at.boot_id else None
    happened = event_time(event.at, one.received_us, booted_at)
    fact = Fact(
        site=here.site,
        agent=here.agent,
        epoch=one.epoch.epoch,
        journal=one.epoch.journal,
        seq=row.seq,
        event_time=happened,
        recorded_at=from_microseconds(one.received_us),
        business_day=business_day(happened, here.time_zone),
        body=event.body,
        uncertainty_us=uncertainty_us(event.at, one.received_us, booted_at, happened),
        stated_us=event.at.event_time_us,
    )
    work.facts.append(fact)
    work.archived.append(_archived(one, kind_of(event.body), happened))
    stated = greetings.of_wrong_clock(here, event.at, happened)
    if stated is not None:
        work.raised.append(stated)


def _archived(one: _Arrived, kind: str, event_time: datetime, repeats: int | None = None) -> Archived:
    received_at = from_microseconds(one.received_us)
    row = one.row
    return Archived(
        one.here.site, one.epoch.journal, row.seq, row.hash, kind, event_time, received_at, row.body, repeats
    )


def _read(body: bytes) -> Event | str:
    """The event in a row, or why it cannot be booked."""
    try:
        event = decode_event(body)
    except Malformed as error:
        return str(error)
    return fault_of(event) or event


def _write(
    connection: Connection,
    work: _Work,
    cursors: Cursors,
    agents: dict[str, AgentHere],
    at: datetime,
) -> None:
    journals.archive(connection, [*work.archived, *work.repeated], ())
    failed = Counter(row.journal for row in work.quarantined)
    repeated = Counter(row.journal for row in work.repeated)
    advances = []
    for before, after in cursors.moved():
        here, count = agents[after.agent], after.next_seq - before.next_seq
        bad, again = failed[after.journal], repeated[after.journal]
        advances.append(
            Advance(
                after.agent, after.epoch, after.next_seq, after.head_hash, count - bad - again, bad, again
            )
        )
        clone = of_clone(here, after, after.next_seq, at)
        if clone is not None:
            work.raised.append(clone)
        if bad:
            seqs = [row.seq for row in work.quarantined if row.journal == after.journal]
            evidence = {"event": "quarantined", "journal": after.journal, "seq": seqs[0], "records": bad}
            work.raised.append(about_agent(here, DiscrepancyClass.QUARANTINED, here.agent, at, **evidence))
    journals.advance(connection, advances, at)
    discrepancies.raise_all(connection, work.raised, at)


def _book_one_by_one(connection: Connection, work: _Work, at: datetime, watch: Watch) -> None:
    """Book each fact in a savepoint of its own; what cannot be booked goes from the archive to the quarantine."""
    kept: list[Archived] = []
    for fact, archived in zip(work.facts, work.archived, strict=True):
        try:
            with connection.transaction():
                book(connection, [fact], at, watch)
        except DATA_FAULTS as error:
            row = Quarantined(
                archived.site, archived.journal, archived.seq, archived.hash, in_words(error), archived.body
            )
            journals.archive(connection, (), [row])
            work.quarantined.append(row)
        else:
            kept.append(archived)
    work.archived = kept
