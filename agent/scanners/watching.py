"""A running agent takes up devices as they are adopted, and lets go of those that are forgotten."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from agent.errors import AgentError
from agent.scanners.adoption import FILE, Adopted, not_configured, read_adopted
from agent.scanners.service import Scanners
from agent.scanners.sources import make_sources
from agent.settings import ScannerSettings
from devices.source import Source

_INTERVAL_S = 1.0
_log = logging.getLogger("countermark.agent")

_Stamp = tuple[int, int] | None


class AdoptedScanners:
    """The devices of ``devices.json`` at work, beside those of the configuration."""

    def __init__(self, scanners: Scanners, data_dir: Path, configured: tuple[ScannerSettings, ...]) -> None:
        self._scanners = scanners
        self._data_dir = data_dir
        self._configured = configured
        self._at_work: dict[Adopted, Source] = {}
        self._seen: _Stamp = None

    async def keep(self) -> None:
        """Look every second, until cancelled. One look is a question after one file's time."""
        while True:
            await asyncio.to_thread(self.take_up)
            await asyncio.sleep(_INTERVAL_S)

    def take_up(self) -> None:
        """Bring the devices at work in line with the record, if that has changed.

        A record or a profile that cannot be used is logged, and what is at work goes on.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            wanted = not_configured(read_adopted(self._data_dir), self._configured)
        except AgentError as error:
            _log.error("%s", error)
            return
        for device in set(self._at_work) - set(wanted):
            self._scanners.remove(self._at_work.pop(device))
            _log.info("device %s: let go of", device.name)
        for device in wanted:
            if device not in self._at_work:
                self._start(device)

    def _start(self, device: Adopted) -> None:
        try:
            (source,) = make_sources((device.as_settings(),))
        except AgentError as error:
            _log.error("adopted device %s: %s", device.name, error)
            return
        if source.name in self._scanners.names:
            _log.error("adopted device %s: the configuration has a scanner of this name", device.name)
            return
        self._at_work[device] = source
        self._scanners.add(source)
        _log.info("device %s: taken up", device.name)

    def _stamp(self) -> _Stamp:
        try:
            found = (self._data_dir / FILE).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
