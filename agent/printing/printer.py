"""What the queue asks of a printer; the one that speaks to real ones stands in ``escpos_printer``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agent.errors import AgentError
from agent.printing.paper import Line


class PrinterTrouble(AgentError):
    """It was not printed, or nobody knows (``is_unconfirmed``: something was sent); what is wrong and what to do."""

    def __init__(self, detail: str, *, is_unconfirmed: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_unconfirmed = is_unconfirmed


class Printer(Protocol):
    """A printer with a drawer. Called from one thread, which may wait."""

    def render(self, lines: Sequence[Line]) -> bytes:
        """The bytes that print these lines, and cut."""
        ...

    def pulse(self) -> bytes:
        """The bytes that open the drawer."""
        ...

    def deliver(self, data: bytes, *, is_urgent: bool = False) -> None:
        """Connect, send, and have it confirmed where the printer can. Raises :class:`PrinterTrouble`.

        What is urgent is sent whatever the printer is short of: a drawer opens without paper too.
        """
        ...
