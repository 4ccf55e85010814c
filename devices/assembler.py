"""One device's bytes and keys -> its scans. Pure: joins key map, framing and decoding for drivers and for replay."""

from __future__ import annotations

from collections.abc import Collection

from devices.decoding import scan_from_frame
from devices.framing import Frame, Framer
from devices.keyboard import KeyDecoder
from devices.layout import Layout
from devices.profile import Profile
from devices.scan import Scan

_DROPPED = "the machine was too busy and lost key presses; scan it again"


class Assembler:
    """What one connection to a device has received so far.

    Every method takes `now_us`, the monotonic clock; `wall_offset_us` is what to add to it for the wall clock, asked
    anew by the driver for each call, since only the wall clock may be set while we run.
    """

    def __init__(self, device: str, profile: Profile, layout: Layout | None = None) -> None:
        """`layout` is needed for keyboards only."""
        self._device = device
        self._rules = profile.code
        self._framer = Framer(profile.framing)
        rules = profile.keyboard
        self._keys = KeyDecoder(layout, rules.special_keys, caps_lock=rules.caps_lock) if layout else None
        self.wall_offset_us = 0

    @property
    def timeout_us(self) -> int | None:
        """How long after the last input to call `tick`; None while nothing has begun."""
        return self._framer.timeout_us

    @property
    def deadline_us(self) -> int | None:
        """The moment from which `tick` has something to do; None while nothing has begun."""
        return self._framer.deadline_us

    def bytes_read(self, data: bytes, now_us: int) -> list[Scan]:
        """Bytes of a serial scanner."""
        return self._scans(self._framer.feed(data, now_us))

    def key(self, code: int, value: int, now_us: int) -> list[Scan]:
        """One key event of a keyboard scanner: 1 pressed, 0 released, 2 repeated."""
        if self._keys is None:
            raise ValueError(f"device {self._device}: a key event, but no keyboard layout was given")
        output = self._keys.key(code, value)
        if output.fault is not None:
            self._framer.distrust(output.fault, now_us)
            return []
        return self._scans(self._framer.feed(output.data, now_us))

    def keys_dropped(self, now_us: int) -> None:
        """The kernel lost key events: the scan under way is lost as a whole."""
        self.keys_held(())
        self._framer.distrust(_DROPPED, now_us)

    def keys_held(self, held: Collection[int]) -> None:
        """Which keys the device says are down, after it was opened or events were lost."""
        if self._keys is not None:
            self._keys.reset(held)

    def distrust(self, cause: str, now_us: int) -> None:
        """The code under way, or else the next one, is not intact."""
        self._framer.distrust(cause, now_us)

    def tick(self, now_us: int) -> list[Scan]:
        """Nothing came until now."""
        return self._scans(self._framer.tick(now_us))

    def abandon(self, cause: str) -> list[Scan]:
        """The device is gone."""
        return self._scans(self._framer.abandon(cause))

    def _scans(self, frames: list[Frame]) -> list[Scan]:
        return [
            scan_from_frame(
                frame, self._rules, device=self._device, wall_us=frame.last_us + self.wall_offset_us
            )
            for frame in frames
        ]
