"""What an outcome at the counter comes to at the scanner: the same five that the till page shows and sounds."""

from __future__ import annotations

from agent.till.frames import Outcome
from devices.feedback import Signal

SIGNALS: dict[Outcome, Signal] = {
    Outcome.ADDED: Signal.ACCEPTED,
    Outcome.FOUND: Signal.ACCEPTED,
    Outcome.RECEIVED: Signal.ACCEPTED,
    Outcome.PACKED: Signal.ACCEPTED,
    Outcome.COUNTED: Signal.ACCEPTED,
    Outcome.LOADED: Signal.ACCEPTED,
    Outcome.ASK: Signal.ASKED,
    Outcome.REFUSED: Signal.REFUSED,
    Outcome.UNREADABLE: Signal.UNREADABLE,
    Outcome.IGNORED: Signal.IGNORED,
}
