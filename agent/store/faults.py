"""What can go wrong with the disk, in the words a shop needs.

SQLite's result codes (sqlite.org/rescode.html) are sorted into a handful of faults; everything else a statement can raise is
the fault of whoever wrote the statement, and goes back to them.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from agent.errors import AgentError


class Fault(StrEnum):
    """Why the disk does not take a write."""

    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    IO_ERROR = "io_error"
    DAMAGED = "damaged"
    BUSY = "busy"
    OVERLOADED = "overloaded"
    CLOSED = "closed"


# Primary result codes; extended ones (SQLITE_IOERR_FSYNC = 1034 …) carry the primary one in their lowest byte.
_OF_CODE: dict[int, Fault] = {
    5: Fault.BUSY,  # SQLITE_BUSY
    8: Fault.READ_ONLY,  # SQLITE_READONLY
    10: Fault.IO_ERROR,  # SQLITE_IOERR
    11: Fault.DAMAGED,  # SQLITE_CORRUPT
    13: Fault.DISK_FULL,  # SQLITE_FULL
    14: Fault.IO_ERROR,  # SQLITE_CANTOPEN
    15: Fault.BUSY,  # SQLITE_PROTOCOL
    26: Fault.DAMAGED,  # SQLITE_NOTADB
}

_WHAT_TO_DO: dict[Fault, str] = {
    Fault.DISK_FULL: "the disk is full; free some space on it",
    Fault.READ_ONLY: "the disk can only be read; check its mount and its health, then start the agent again",
    Fault.IO_ERROR: "the disk reports an error; check its cable and its health, and keep the machine as it is",
    Fault.DAMAGED: "the database is damaged; keep the machine as it is, run `journal verify` and call support",
    Fault.BUSY: "another program holds the database; close it",
    Fault.OVERLOADED: "too many writes are waiting for the disk; try again in a moment",
    Fault.CLOSED: "the agent is stopping; try again when it has started",
}


class StoreError(AgentError):
    """The agent's database cannot be used."""


class StoreInUse(StoreError):
    """Another process has this database open."""


class NotOurs(StoreError):
    """The file is not a journal that this software can read."""


class WriteRefused(StoreError):
    """Nothing was recorded. ``fault`` says why; the text says what to do."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"nothing was recorded: {_WHAT_TO_DO[fault]} ({detail})")
        self.fault = fault
        self.detail = detail


class ReadFailed(StoreError):
    """What is on the disk could not be read. ``fault`` says why; the text says what to do."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"the journal could not be read: {_WHAT_TO_DO[fault]} ({detail})")
        self.fault = fault
        self.detail = detail


class Trouble(msgspec.Struct, frozen=True):
    """Why a group of writes was not committed."""

    fault: Fault
    detail: str


def fault_of(result_code: int | None) -> Fault | None:
    """The fault behind an SQLite result code; None for an error that is not the disk's."""
    return None if result_code is None else _OF_CODE.get(result_code & 0xFF)
