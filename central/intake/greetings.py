"""Hellos and requests for an epoch: where two journals meet, or part ways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from central.database import Connection
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.intake.cursors import Cursors
from central.intake.rules import CLOCK_TOLERANCE_US
from central.journals import storage as journals
from central.journals.facts import iso
from central.journals.rules import AgentHere, about_agent, of_grant
from central.moments import from_microseconds, to_microseconds
from protocol.delivery import receiver
from protocol.events import Moment
from protocol.messages import EpochAsked, EpochGranted, Hello, HelloWanted, Welcome

HELLO_CLOCK_TOLERANCE_US = 300_000_000


def greet(
    connection: Connection, cursors: Cursors, here: AgentHere, hello: Hello, received_us: int, now_us: int
) -> tuple[Welcome, list[Discrepancy]]:
    """Answer a hello. Epochs that central has lost are taken up again; what its clock says is noted."""
    known = cursors.of_agent(here.agent)
    greeting = receiver.greet(
        here.agent, hello, known, lambda epoch, seq: cursors.hash_at(here.agent, epoch, seq), now_us
    )
    for lineage, cursor in greeting.adopted:
        journals.adopt(connection, here.agent, lineage, cursor.head_hash)
    _note_clock(connection, here, hello, received_us)
    raised = []
    at = from_microseconds(now_us)
    live = greeting.welcome.cursors[-1]
    if hello.acked_seq >= live.next_seq:
        raised.append(
            about_agent(
                here,
                DiscrepancyClass.CENTRAL_RESTORED,
                here.agent,
                at,
                event="hello",
                epoch=live.epoch,
                acked_seq=hello.acked_seq,
                next_seq=live.next_seq,
                adopted=[lineage.epoch for lineage, _ in greeting.adopted],
            )
        )
    ahead_us = hello.wall_us - received_us
    if abs(ahead_us) > HELLO_CLOCK_TOLERANCE_US:
        evidence = {"event": "hello", "clock_ahead_us": ahead_us, "clock_synced": hello.clock_synced}
        raised.append(about_agent(here, DiscrepancyClass.CLOCK_STEP, here.agent, at, **evidence))
    return greeting.welcome, raised


def grant(
    connection: Connection,
    cursors: Cursors,
    here: AgentHere,
    asked: EpochAsked,
    new_epoch: Callable[[], str],
    at: datetime,
) -> tuple[EpochGranted | HelloWanted, list[Discrepancy]]:
    """Answer a request for an epoch. The parent's cursor is locked, so the same request is granted once, however often it comes."""
    before = journals.granted_before(connection, here.agent, asked.request_id)
    if before is not None:
        return before, []
    parent = cursors.epoch(here.agent, asked.parent_epoch)
    answer = receiver.grant(
        asked,
        parent.cursor if parent else None,
        new_epoch(),
        lambda epoch, seq: cursors.hash_at(here.agent, epoch, seq),
    )
    if isinstance(answer, HelloWanted):
        return answer, []
    opening = receiver.opening_cursor(here.agent, answer)
    journals.open_epoch(connection, here.agent, answer, opening.head_hash, asked.cause)
    return answer, [of_grant(here, asked, answer.epoch, at)]


def of_wrong_clock(here: AgentHere, stated: Moment, happened: datetime) -> Discrepancy | None:
    """A time that had to be put right, as a discrepancy of its agent."""
    wrong_us = stated.event_time_us - to_microseconds(happened)
    if abs(wrong_us) <= CLOCK_TOLERANCE_US:
        return None
    return about_agent(
        here,
        DiscrepancyClass.CLOCK_STEP,
        here.agent,
        happened,
        event="event_time_corrected",
        by_us=-wrong_us,
        taken=iso(happened),
    )


def _note_clock(connection: Connection, here: AgentHere, hello: Hello, received_us: int) -> None:
    """Keep when this boot began by central's clock.

    A hello that was long on its way makes the boot look later than it was: of several the earliest is the nearest.
    """
    try:
        booted_at = from_microseconds(received_us) - timedelta(microseconds=hello.monotonic_us)
    except OverflowError:
        return  # a counter that would have begun before the calendar did says nothing
    ahead_us = max(-(2**62), min(hello.wall_us - received_us, 2**62))
    connection.execute(
        """
        UPDATE agents SET
            booted_at = CASE WHEN boot_id = %(boot)s THEN least(booted_at, %(booted_at)s) ELSE %(booted_at)s END,
            boot_id = %(boot)s, clock_synced = %(synced)s, clock_offset_us = %(ahead)s
        WHERE agent_id = %(agent)s
        """,
        {
            "boot": hello.boot_id[:200], "booted_at": booted_at, "synced": hello.clock_synced, "ahead": ahead_us,
            "agent": here.agent,
        },
    )  # fmt: skip
