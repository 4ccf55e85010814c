"""Keeping a device connected: report each change of state, and open it again after a growing, jittered pause."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import msgspec

from devices.scan import DeviceState, DeviceStatus, Scan


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a device cannot be used now, and what to do about it, in words."""

    state: DeviceState
    detail: str


class Backoff:
    """Pauses between attempts: doubling from `first_s` to `longest_s`, each cut by a random part.

    The random part keeps several scanners on one hub that lost power together from being opened in step.
    """

    def __init__(
        self, first_s: float = 0.1, longest_s: float = 2.0, chance: random.Random | None = None
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self.longest_us = int(longest_s * 1_000_000)
        self._next_s = first_s
        self._chance = chance or random.Random()  # noqa: S311 - spreads attempts, guards nothing

    def pause_s(self) -> float:
        """The pause before the next attempt, in seconds: between a half and the whole of the current step."""
        step_s, self._next_s = self._next_s, min(self._next_s * 2, self._longest_s)
        return step_s * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """The device worked: start small again."""
        self._next_s = self._first_s


class Connection:
    """What one device says about itself, over all the times it is opened and lost."""

    def __init__(
        self,
        *,
        device: str,
        kind: str,
        deliver: Callable[[Scan], None],
        report: Callable[[DeviceStatus], None],
        wall_us: Callable[[], int],
    ) -> None:
        self._device = device
        self._kind = kind
        self._deliver = deliver
        self._report = report
        self._wall_us = wall_us
        self._state: DeviceState | None = None
        self._detail = ""
        self._since_wall_us = 0
        self._scans = 0
        self._faults = 0

    def become(self, state: DeviceState, detail: str = "") -> None:
        """Tell a state, unless it is the one already told."""
        if (state, detail) == (self._state, self._detail):
            return
        if state is not self._state:
            self._since_wall_us = self._wall_us()
        self._state, self._detail = state, detail
        self._tell(state)

    def pass_on(self, scans: list[Scan]) -> None:
        """Hand over scans in order, and tell of each that is not intact."""
        for scan in scans:
            if scan.intact:
                self._scans += 1
            else:
                self._faults += 1
            self._deliver(scan)
            if not scan.intact and self._state is not None:
                self._tell(self._state)

    def keep_open(
        self, attempt: Callable[[], Trouble | None], stop: threading.Event, backoff: Backoff
    ) -> None:
        """Call `attempt`, which blocks while the device works, until it ends without trouble or `stop` is set."""
        while not stop.is_set():
            trouble = attempt()
            if trouble is None:
                break
            if self._state is DeviceState.OPEN and self._wall_us() - self._since_wall_us > backoff.longest_us:
                backoff.reset()  # one that opens and is lost again at once is not hammered
            self.become(trouble.state, trouble.detail)
            stop.wait(backoff.pause_s())
        self.become(DeviceState.CLOSED)

    def _tell(self, state: DeviceState) -> None:
        self._report(
            DeviceStatus(
                device=self._device,
                kind=self._kind,
                state=state,
                detail=self._detail,
                since_wall_us=self._since_wall_us,
                scans=self._scans,
                faults=self._faults,
            )
        )
