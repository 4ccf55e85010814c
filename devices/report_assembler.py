"""The reports of one HID-POS scanner -> its scans. Pure: joins the pieces of a code that is longer than a report.

Nothing in a report says which piece of its code it is. So whenever a report was, or may have been, lost, everything up
to the next end of a code is a fault: half a code may pass for another, shorter one.
"""

from __future__ import annotations

from collections.abc import Mapping

from devices.decoding import scan_from_frame
from devices.framing import Frame
from devices.hid_scan_report import Piece, ScanReport
from devices.profile import Profile
from devices.scan import Scan

# A suffix belongs to keyboards and lines, but a scanner that was set up for those sends it here too.
_SUFFIX = b"\r\n\t\x03"

_DROPPED = "the machine was too busy and lost a part; scan it again"
_REST = "this may be the rest of the code that was cut just before; scan it again"


class ReportAssembler:
    """What one connection to a device has received so far. The clocks are those of `Assembler`."""

    def __init__(self, device: str, profile: Profile, reports: Mapping[int, ScanReport]) -> None:
        """`reports` as `find_scan_reports` gives them, at least one."""
        self._device = device
        self._rules = profile.code
        self._reports = dict(reports)
        self._numbered = 0 not in self._reports
        self._cap = profile.framing.max_length
        self._stall_us = profile.framing.stall_timeout_ms * 1000
        self._data = bytearray()
        self._symbology = ""
        self._begun = False
        self._overlong = False
        self._distrust: str | None = None
        self._tail_until_us: int | None = None
        self._first_us = 0
        self._last_us = 0
        self.wall_offset_us = 0

    @property
    def timeout_us(self) -> int | None:
        """How long after the last report to call `tick`; None while nothing has begun."""
        return self._stall_us if self._begun or self._overlong or self._distrust else None

    @property
    def deadline_us(self) -> int | None:
        """The moment from which `tick` has something to do; None while nothing has begun."""
        return None if self.timeout_us is None else self._last_us + self._stall_us

    def bytes_read(self, report: bytes, now_us: int) -> list[Scan]:
        """One report as one read returned it. A report of another number (a trigger, a status) says nothing here."""
        layout = self._reports.get(report[0] if self._numbered and report else 0)
        if layout is None:
            return []
        piece = layout.read(report)
        if piece.fault is not None:
            self.distrust(piece.fault, now_us)
            return []
        if not self._begun and not self._overlong and not piece.data and not piece.continued:
            return []  # an empty report: some scanners send one as they start
        return self._take(piece, now_us)

    def dropped(self, now_us: int) -> None:
        """The kernel may have lost reports: the code under way, or else the next one, is not intact."""
        self.distrust(_DROPPED, now_us)

    def distrust(self, cause: str, now_us: int) -> None:
        """The code under way, or else the next one, is not intact."""
        if self._distrust is None:
            self._distrust = cause
        if not self._begun:
            self._first_us = now_us
        self._last_us = now_us

    def tick(self, now_us: int) -> list[Scan]:
        """Nothing came until now."""
        deadline_us = self.deadline_us
        if deadline_us is None or now_us < deadline_us:
            return []
        if self._overlong:
            self._overlong = False
            return []
        if self._begun:
            # Its rest, should it come after all, would look like a code of its own.
            self._tail_until_us = self._last_us + 2 * self._stall_us
        return self._cut(
            f"the rest of the code did not come within {self._stall_us // 1000} ms; scan it again"
        )

    def abandon(self, cause: str) -> list[Scan]:
        """The device is gone."""
        scans = self._cut(cause) if self._begun or self._distrust else []
        self._overlong = False
        self._tail_until_us = None
        return scans

    def _take(self, piece: Piece, now_us: int) -> list[Scan]:
        scans: list[Scan] = []
        if self._overlong:  # its fault was told when it passed the cap
            self._overlong, self._last_us = piece.continued, now_us
            return []
        if self._begun and piece.symbology and self._symbology and piece.symbology != self._symbology:
            scans += self._cut("its rest was lost: another code came in its place; scan it again")
            self._distrust = _REST  # with that rest, the first part of the other may have been lost
        if not self._begun:
            self._begin(now_us)
        self._last_us = now_us
        self._symbology = self._symbology or piece.symbology
        self._data += piece.data
        if len(self._data) > self._cap:
            del self._data[self._cap :]
            self._overlong = piece.continued
            return scans + self._cut(f"more than {self._cap} bytes without an end")
        return scans if piece.continued else scans + self._cut(None)

    def _begin(self, now_us: int) -> None:
        self._begun = True
        self._first_us = now_us
        if self._tail_until_us is not None and now_us < self._tail_until_us and self._distrust is None:
            self._distrust = _REST
        self._tail_until_us = None

    def _cut(self, cause: str | None) -> list[Scan]:
        raw, symbology = bytes(self._data), self._symbology
        fault = self._distrust or cause
        self._data.clear()
        self._symbology, self._begun, self._distrust = "", False, None
        if fault is None:
            raw = raw.removeprefix(b"\x02").rstrip(_SUFFIX)
            if not raw and not symbology:
                return []  # a suffix alone
        frame = Frame(
            raw=raw, first_us=self._first_us, last_us=self._last_us, intact=fault is None, fault=fault
        )
        return [
            scan_from_frame(
                frame,
                self._rules,
                device=self._device,
                wall_us=self._last_us + self.wall_offset_us,
                identifier=symbology,
            )
        ]
