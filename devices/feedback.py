"""What a scanner can be told to sound and show, by the verdict; and its makers' ways of writing that. Pure.

Two protocols. ``plain`` sends a command as it stands. ``ssi`` is Zebra's Simple Serial Interface: a command is an opcode
and its data in hexadecimal, ``E6 16``, and goes out as a packet with length, source, status and checksum.

    >>> encode("ssi", "E6 00").hex(" ")
    '05 e6 04 00 00 ff 11'
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

Protocol = Literal["plain", "ssi"]

_SSI_FROM_HOST = 0x04
_SSI_FIRST_TRANSMISSION = 0x00
# The length byte counts itself, opcode, source and status, and data up to 255 in all.
_SSI_HEAD_LENGTH = 4
_SSI_LONGEST_DATA = 255 - _SSI_HEAD_LENGTH

COMMAND_LIMIT_BYTES = 64
"""The longest command: at 9600 baud it takes as long as a person notices."""


class Signal(StrEnum):
    """What a verdict comes to at the scanner. No two need sound alike."""

    ACCEPTED = "accepted"
    ASKED = "asked"
    """Look at the screen: the cashier has to decide."""
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    """It was no code, or bytes of it were lost: scan again."""
    IGNORED = "ignored"
    """Seen and not counted: the same again."""


def ssi_packet(opcode: int, data: bytes = b"") -> bytes:
    """A packet from the host: length, opcode, source, status, data, and the two's complement of their sum, high byte first.

    Symbol SE-923 Integration Guide, table 6-2; Simple Serial Interface Programmer's Guide 72E-40451. Raises ValueError for more than 251 bytes.
    """
    if len(data) > _SSI_LONGEST_DATA:
        raise ValueError(f"{len(data)} bytes of data; expected at most {_SSI_LONGEST_DATA}")
    message = bytes((_SSI_HEAD_LENGTH + len(data), opcode, _SSI_FROM_HOST, _SSI_FIRST_TRANSMISSION)) + data
    return message + (-sum(message) & 0xFFFF).to_bytes(2, "big")


def encode(protocol: Protocol, command: str) -> bytes:
    """The bytes of one command; none for an empty one. Raises ValueError with what was expected."""
    if protocol == "ssi":
        return b"".join(_ssi(packet) for packet in command.split(";")) if command else b""
    if not command.isascii():
        raise ValueError(f"{command!r} has characters beyond ASCII")
    return command.encode("ascii")


def _ssi(packet: str) -> bytes:
    try:
        opcode, *data = bytes.fromhex(packet)
    except ValueError:
        raise ValueError(
            f"{packet!r} is no packet; expected an opcode and its data in hexadecimal, such as 'E6 00'"
        ) from None
    return ssi_packet(opcode, bytes(data))


class FeedbackCommands(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to send to the scanner after the verdict; empty where its maker documents nothing that fits."""

    protocol: Protocol = "plain"
    accepted: str = ""
    asked: str = ""
    refused: str = ""
    unreadable: str = ""
    ignored: str = ""
    """Needed only where the scanner waits for an answer to every code."""

    def __post_init__(self) -> None:
        for signal in Signal:
            try:
                size = len(self.command(signal))
            except ValueError as error:
                raise ValueError(f"{signal}: {error}") from None
            if size > COMMAND_LIMIT_BYTES:
                raise ValueError(f"{signal}: {size} bytes; expected at most {COMMAND_LIMIT_BYTES}")

    def command(self, signal: Signal) -> bytes:
        """The bytes that make the scanner give this signal; empty where it has none for it."""
        return encode(self.protocol, getattr(self, signal.value))
