"""A trigger that fires twice, or a scanner on its stand that reads the same label again and again. Pure."""

from __future__ import annotations

from devices.scan import Scan

# A counter never has this many different codes within one window; the bound keeps a noisy device from filling memory.
_REMEMBERED_PER_DEVICE = 64

# Phones name themselves, so the number of devices is theirs to choose; the bound keeps a strange one from filling memory.
_REMEMBERED_DEVICES = 256


class DoubleTrigger:
    """Tells a repeated scan: same device, same code, within `window_ms` of the last time it was seen.

    Each repetition opens the window anew, so a label left in front of a scanner counts once however long it lies
    there. Other codes pass, and so does the same code from another scanner: two tills may sell the same product.
    """

    def __init__(self, window_ms: int = 500) -> None:
        self._window_us = window_ms * 1000
        self._seen_us: dict[str, dict[bytes, int]] = {}

    def repeated(self, scan: Scan) -> bool:
        """Whether this scan repeats one; a scan that is not intact never does and is not remembered."""
        if not scan.intact:
            return False
        now_us = scan.monotonic_us
        seen = self._seen_us.pop(scan.device, {})
        recent = {raw: at_us for raw, at_us in seen.items() if now_us - at_us < self._window_us}
        repeated = recent.pop(scan.raw, None) is not None
        recent[scan.raw] = now_us  # popped and put back, so that the oldest stands first
        if len(recent) > _REMEMBERED_PER_DEVICE:
            del recent[next(iter(recent))]
        self._seen_us[scan.device] = recent  # popped and put back too: the device longest silent stands first
        if len(self._seen_us) > _REMEMBERED_DEVICES:
            del self._seen_us[next(iter(self._seen_us))]
        return repeated
