"""Recordings of what a device sent, byte by byte and key by key, to replay a shop's trouble on a desk.

Format, version 1: a text file in UTF-8, one JSON object a line, appended to and flushed as things happen.

    {"format": "countermark-recording", "version": 1, "started_wall_us": 1700000000000000}
    {"device": "till-1", "at_us": 1200, "kind": "serial", "profile": "generic-serial", "event": "opened"}
    {"device": "till-1", "at_us": 81500, "event": "bytes", "hex": "343030363338313333333933310d"}
    {"device": "till-2", "at_us": 90000, "event": "key", "code": 30, "value": 1}
    {"device": "till-2", "at_us": 95000, "event": "dropped"}
    {"device": "till-1", "at_us": 99000, "event": "lost", "cause": "unplugged"}
    {"device": "till-3", "at_us": 99100, "kind": "hidpos", "profile": "generic-hidpos", "descriptor": "058c…",
     "event": "opened"}

`at_us` is microseconds since the first line was written, by a clock that never steps back. `bytes` is what one read
returned, for `hidpos` one report; `key` carries the kernel's key code and 1 pressed, 0 released, 2 repeated; `dropped`
means that the kernel lost key events or reports; `lost` that the connection ended. `descriptor` is the HID report
descriptor in hexadecimal, without which reports cannot be read. Several devices may share one file. A last line cut short by a power
cut is left out when reading; any other line that does not fit is an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from devices.errors import RecordingError
from devices.profile import Link

FORMAT = "countermark-recording"
VERSION = 1


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: Literal["countermark-recording"] = "countermark-recording"
    version: int = VERSION
    started_wall_us: int


class _Entry(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", forbid_unknown_fields=True):
    device: str
    at_us: Annotated[int, msgspec.Meta(ge=0)]


class Opened(_Entry, frozen=True, kw_only=True, tag="opened", omit_defaults=True):
    """A connection began, read with this profile."""

    kind: Link
    profile: str
    descriptor: str = ""

    def __post_init__(self) -> None:
        bytes.fromhex(self.descriptor)


class BytesRead(_Entry, frozen=True, kw_only=True, tag="bytes"):
    """What one read returned: bytes of a serial line, or one report."""

    hex: str

    def __post_init__(self) -> None:
        bytes.fromhex(self.hex)

    @property
    def data(self) -> bytes:
        """The bytes themselves."""
        return bytes.fromhex(self.hex)


class KeyEvent(_Entry, frozen=True, kw_only=True, tag="key"):
    """One key event."""

    code: int
    value: int


class Dropped(_Entry, frozen=True, kw_only=True, tag="dropped"):
    """The kernel lost key events or reports here."""


class Lost(_Entry, frozen=True, kw_only=True, tag="lost"):
    """The connection ended."""

    cause: str


Entry = Opened | BytesRead | KeyEvent | Dropped | Lost


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A whole recording; `cut` says that its last line was incomplete and left out."""

    header: Header
    entries: list[Entry]
    cut: bool = False

    @property
    def devices(self) -> list[str]:
        """Every device in it, in order of appearance."""
        return list(dict.fromkeys(entry.device for entry in self.entries))


class Recorder:
    """Appends to one file; several drivers may share it, each from its own thread."""

    def __init__(self, path: Path, wall_us: Callable[[], int], monotonic_us: Callable[[], int]) -> None:
        """Raises RecordingError when the file exists already or cannot be created."""
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise RecordingError(f"recording {path}: cannot be created: {error}; name a new file") from error
        self._lock = threading.Lock()
        self._failure: str | None = None
        self._started_us = monotonic_us()
        self._write(Header(started_wall_us=wall_us()))

    def opened(self, device: str, now_us: int, *, kind: Link, profile: str, descriptor: bytes = b"") -> None:
        """A connection began."""
        self._write(
            Opened(
                device=device,
                at_us=self._at(now_us),
                kind=kind,
                profile=profile,
                descriptor=descriptor.hex(),
            )
        )

    def bytes_read(self, device: str, now_us: int, data: bytes) -> None:
        """One read."""
        self._write(BytesRead(device=device, at_us=self._at(now_us), hex=data.hex()))

    def key(self, device: str, now_us: int, code: int, value: int) -> None:
        """One key event."""
        self._write(KeyEvent(device=device, at_us=self._at(now_us), code=code, value=value))

    def dropped(self, device: str, now_us: int) -> None:
        """Key events or reports were lost."""
        self._write(Dropped(device=device, at_us=self._at(now_us)))

    def lost(self, device: str, now_us: int, cause: str) -> None:
        """The connection ended."""
        self._write(Lost(device=device, at_us=self._at(now_us), cause=cause))

    @property
    def failure(self) -> str | None:
        """Why recording has stopped, such as a full disk; scanning goes on all the same."""
        return self._failure

    def close(self) -> None:
        """Close the file; drivers must have stopped."""
        self._file.close()

    def _at(self, now_us: int) -> int:
        return max(0, now_us - self._started_us)

    def _write(self, line: Header | Entry) -> None:
        with self._lock:
            if self._failure is not None:
                return
            try:
                self._file.write(msgspec.json.encode(line) + b"\n")
                self._file.flush()
            except OSError as error:
                self._failure = f"recording {self._file.name}: stopped: {error}"


def read_recording(path: Path) -> Recording:
    """Read a recording. Raises RecordingError naming the line that does not fit, or the unknown version."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordingError(f"recording {path}: cannot be read: {error}") from error
    *lines, rest = content.split(b"\n")
    if not lines:
        raise RecordingError(
            f"recording {path}: no complete first line; expected a {FORMAT} of version {VERSION}"
        )
    try:
        header = msgspec.json.decode(lines[0], type=Header)
    except msgspec.DecodeError as error:
        raise RecordingError(f"recording {path}, line 1: {error}; expected a {FORMAT}") from error
    if header.version != VERSION:
        raise RecordingError(
            f"recording {path}: version {header.version}; expected {VERSION}; read it with the program that wrote it"
        )
    decoder = msgspec.json.Decoder(Entry)
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            entries.append(decoder.decode(line))
        except msgspec.DecodeError as error:
            raise RecordingError(f"recording {path}, line {number}: {error}") from error
    return Recording(header=header, entries=entries, cut=bool(rest))
