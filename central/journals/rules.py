"""What central keeps of journals, and what it says when two of them part ways. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.journals.facts import iso
from protocol.messages import Cursor, EpochAsked


class AgentHere(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as central knows it.

    ``booted_at`` is when, by central's clock, the boot named ``boot_id`` began: with it the times of an agent whose wall clock is
    wrong can be put right.
    """

    agent: str
    site: str
    time_zone: str
    price_list: str
    revoked: bool
    boot_id: str | None = None
    booted_at: datetime | None = None


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch of an agent's journal, with central's cursor in it.

    ``journal`` is central's short name for it. ``first_child_seq`` is the lowest row from which another epoch was granted.
    """

    agent: str
    epoch: str
    journal: int
    opening_hash: bytes
    next_seq: int
    head_hash: bytes
    first_child_seq: int | None = None

    @property
    def cursor(self) -> Cursor:
        """The cursor as the wire has it."""
        return Cursor(self.epoch, self.next_seq, self.head_hash)


_WHY = {
    DiscrepancyClass.REWIND: (
        "the machine was restored from an older image of its disk: central knows records that it no longer has",
        "nothing is lost here; check that the machine shows today's stock, and look at why its disk was restored",
    ),
    DiscrepancyClass.FORK: (
        "the machine was restored from an older image and went on selling, or two machines work under one identity",
        "both series of records count; make sure that only one machine runs with this identity, and compare the receipts of the time",
    ),
    DiscrepancyClass.PRUNED: (
        "central was restored from a backup so old that the machine no longer keeps the records in between",
        "restore a later backup of central if there is one; else count this site's stock: the sales in between are missing",
    ),
    DiscrepancyClass.DAMAGED: (
        "a record in the machine's journal is not what was written: its disk or memory card is failing",
        "replace the card; the damaged record is in the quarantine, compare it with the printed receipt of the time",
    ),
    DiscrepancyClass.CLONE: (
        "two machines work under one identity: one went on in the old series after the other had been given a new one",
        "revoke this agent and enrol each machine by itself; the records of both count",
    ),
    DiscrepancyClass.CENTRAL_RESTORED: (
        "central was restored from a backup: this agent had been told of more than central has now",
        "nothing to do: the agent sends again what it keeps; look here again when its unsent count is 0",
    ),
    DiscrepancyClass.CLOCK_STEP: (
        "the clock of the machine is wrong, or was set while it was selling",
        "set up time synchronisation (NTP) on the machine; times are corrected here as far as they can be known",
    ),
    DiscrepancyClass.QUARANTINED: (
        "a record in this agent's journal cannot be read or booked by this version of central",
        "look at the quarantine of this agent; update central if it is older than the agent, then release the record",
    ),
    DiscrepancyClass.HELD: (
        "a message of this agent cannot be read by this version of central",
        "update central if it is older than the agent; else look at the held message",
    ),
}


def about_agent(
    agent: AgentHere, discrepancy_class: DiscrepancyClass, cause_key: str, at: datetime, **evidence: Any
) -> Discrepancy:
    """A discrepancy of synchronisation, with what to do."""
    likely_cause, proposal = _WHY[discrepancy_class]
    return Discrepancy(
        site=agent.site,
        discrepancy_class=discrepancy_class,
        cause_key=cause_key,
        likely_cause=likely_cause,
        proposal=proposal,
        evidence=({"site": agent.site, "agent": agent.agent, "event_time": iso(at), **evidence},),
    )


def of_grant(agent: AgentHere, asked: EpochAsked, epoch: str, at: datetime) -> Discrepancy:
    """What a person must know of a granted epoch."""
    return about_agent(
        agent,
        DiscrepancyClass(asked.cause),
        f"{agent.agent}/{asked.request_id}",
        at,
        event="epoch_granted",
        parent_epoch=asked.parent_epoch,
        parent_seq=asked.parent_seq,
        epoch=epoch,
    )


def of_clone(agent: AgentHere, epoch: Epoch, next_seq: int, at: datetime) -> Discrepancy | None:
    """Suspect a second machine when an epoch grows past the row from which a successor was granted.

    Up to that row it may grow: a central that was restored from a backup is still being told of it.
    """
    if epoch.first_child_seq is None or next_seq - 1 <= epoch.first_child_seq:
        return None
    return about_agent(
        agent,
        DiscrepancyClass.CLONE,
        f"{agent.agent}/{epoch.epoch}",
        at,
        event="batch",
        epoch=epoch.epoch,
        next_seq=next_seq,
        granted_after_seq=epoch.first_child_seq,
    )
