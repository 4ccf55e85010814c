"""A sender over a journal in memory, driven input by input."""

from __future__ import annotations

import itertools

from protocol.delivery.sender import step
from protocol.delivery.vocabulary import (
    Effect,
    Input,
    Pace,
    SendEpochAsked,
    SendHello,
    State,
)
from protocol.messages import Cursor, EpochAsked, Welcome
from tests.simulation.disk import Disk

EPOCH = "e1"
PACE = Pace(answer_timeout_us=1_000, answer_timeout_limit_us=4_000, hello_interval_us=50_000, marks=4)


def journal(rows: int) -> Disk:
    disk = Disk("till-1", EPOCH)
    disk.append([b"row %d" % seq for seq in range(1, rows + 1)])
    return disk


def cursor(disk: Disk, next_seq: int, epoch: str = EPOCH) -> Cursor:
    digest = disk.hash_at(epoch, next_seq - 1)
    assert digest is not None
    return Cursor(epoch, next_seq, digest)


def welcome(*cursors: Cursor) -> Welcome:
    return Welcome(cursors=cursors, wall_us=0)


class Driver:
    """Gives inputs one after another and keeps the effects."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.state = State(agent="till-1", pace=PACE)
        self.now_us = 0

    def give(self, *inputs: Input) -> list[Effect]:
        effects: list[Effect] = []
        for happening in inputs:
            self.state, caused = step(self.state, happening, self.disk, self.now_us)
            effects += caused
        return effects


def driver(rows: int, *inputs: Input) -> Driver:
    made = Driver(journal(rows))
    made.give(*inputs)
    return made


def compare_by(at: Driver, common: int, effects: list[Effect]) -> tuple[EpochAsked, int]:
    """Answer comparisons as a central that shares the first ``common`` rows; the request at the end, and the rounds."""
    for rounds in itertools.count(1):
        match effects:
            case [SendHello(compare_epoch=epoch, marks=marks)]:
                agree = max((mark.seq for mark in marks if mark.seq <= common), default=0)
                differ = min((mark.seq for mark in marks if mark.seq > common), default=None)
                answer = Welcome(
                    cursors=(), wall_us=0, compared_epoch=epoch, agree_seq=agree, differ_seq=differ
                )
                effects = at.give(answer)
            case [SendEpochAsked(asked=asked)]:
                return asked, rounds
            case _:
                raise AssertionError(effects)
    raise AssertionError
