"""The receipts and reports that wait for the printer, as values. Pure.

What is kept on the disk is the jobs and how far the journal has been looked at: a sale that was written in the moment of a
power cut is found by its place in the journal, and printed after all.
"""

from __future__ import annotations

import msgspec

from agent.shifts.rules import Report

UNCONFIRMED_LIMIT = 2
"""So often a receipt is sent without being confirmed; then it counts as printed, or a till would print for ever."""
_MINUTE_US = 60_000_000


SALE = "sale"
SHIFT_CLOSE = "shift_close"
DESPATCH = "despatch"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of paper: the receipt of a sale, the report of a shift (``kind`` shift_close), the note of a despatch, or a ``report`` as it stood when asked for.

    ``unconfirmed`` counts how often it may have been printed already.
    """

    document_id: str = msgspec.field(name="sale_id")
    queued_at_us: int
    is_copy: bool = False
    unconfirmed: int = 0
    kind: str = SALE
    report: Report | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """The queue. Every sale, and every end of a shift, of ``epoch`` up to ``seq`` has been in it."""

    jobs: tuple[Job, ...] = ()
    epoch: str = ""
    seq: int = 0

    @property
    def first(self) -> Job | None:
        """What is printed next."""
        return self.jobs[0] if self.jobs else None


def with_written(waiting: Waiting, job: Job, epoch: str, seq: int) -> Waiting:
    """The queue with a document that was just written; one that has been in it comes in no second time."""
    if epoch == waiting.epoch and seq <= waiting.seq:
        return waiting
    return Waiting(jobs=(*waiting.jobs, job), epoch=epoch, seq=seq)


def with_copy(waiting: Waiting, job: Job) -> Waiting:
    """The queue with a receipt that was asked for again."""
    return msgspec.structs.replace(waiting, jobs=(*waiting.jobs, job))


def without(waiting: Waiting, job: Job) -> Waiting:
    """The queue after a job is done."""
    return msgspec.structs.replace(waiting, jobs=tuple(kept for kept in waiting.jobs if kept is not job))


def after_unconfirmed(waiting: Waiting, job: Job) -> Waiting:
    """The queue after a job was sent and nobody knows whether it was printed: once more, as a copy; then no more."""
    if job.unconfirmed + 1 >= UNCONFIRMED_LIMIT:
        return without(waiting, job)
    again = msgspec.structs.replace(job, unconfirmed=job.unconfirmed + 1, is_copy=True)
    return msgspec.structs.replace(
        waiting, jobs=tuple(again if kept is job else kept for kept in waiting.jobs)
    )


def without_stale(waiting: Waiting, now_us: int, keep_minutes: int) -> Waiting:
    """The queue without what has waited too long: its customer has left, and it can be printed on request."""
    since_us = now_us - keep_minutes * _MINUTE_US
    kept = tuple(job for job in waiting.jobs if job.queued_at_us >= since_us)
    return waiting if len(kept) == len(waiting.jobs) else msgspec.structs.replace(waiting, jobs=kept)
