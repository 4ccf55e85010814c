"""Reporting and opening again."""

from __future__ import annotations

import random
import threading

from devices.connection import Backoff, Connection, Trouble
from devices.scan import DeviceState, DeviceStatus, Scan

ABSENT = Trouble(state=DeviceState.ABSENT, detail="plug it in")


def connection(statuses: list[DeviceStatus]) -> Connection:
    return Connection(
        device="till-1", kind="serial", deliver=lambda _: None, report=statuses.append, wall_us=lambda: 42
    )


def scan(*, intact: bool) -> Scan:
    return Scan(raw=b"A", symbology=None, device="till-1", wall_us=0, monotonic_us=0, intact=intact)


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(first_s=1, longest_s=4, chance=random.Random(1))
    pauses = [backoff.pause_s() for _ in range(4)]
    assert [step / 2 <= pause <= step for step, pause in zip([1, 2, 4, 4], pauses, strict=True)] == [True] * 4


def test_pauses_start_small_again_after_a_reset() -> None:
    backoff = Backoff(first_s=1, longest_s=4)
    for _ in range(5):
        backoff.pause_s()
    backoff.reset()
    assert backoff.pause_s() <= 1


def test_the_same_trouble_is_told_once() -> None:
    statuses: list[DeviceStatus] = []
    stop = threading.Event()
    attempts = iter([ABSENT, ABSENT, ABSENT, None])
    connection(statuses).keep_open(lambda: next(attempts), stop, Backoff(first_s=0, longest_s=0))
    assert [status.state for status in statuses] == [DeviceState.ABSENT, DeviceState.CLOSED]


def test_a_fault_is_counted_and_told() -> None:
    statuses: list[DeviceStatus] = []
    one = connection(statuses)
    one.become(DeviceState.OPEN)
    one.pass_on([scan(intact=True), scan(intact=False)])
    assert statuses[-1] == DeviceStatus(
        device="till-1", kind="serial", state=DeviceState.OPEN, detail="", since_wall_us=42, scans=1, faults=1
    )
