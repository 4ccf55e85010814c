"""Those who may allow what a clerk may not: by a signed card or a PIN, and nobody who is not configured.

A wrong PIN costs time: after five in a row none is looked at for a minute, whoever asks. A card that is lost is worth
nothing once its owner is taken out of the configuration.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec

from agent.clock import Clock
from agent.till import pins
from agent.till.rules import NotAllowed
from agent.verification.reader import Reader
from protocol.codes import parse_typed

TRIES_LIMIT = 5
LOCKED_US = 60_000_000
CARD_COMMAND = "SUPERVISOR"
_CARD_BEGINS = "CTRL."


class Supervisor(msgspec.Struct, frozen=True):
    """One of them. ``card`` is what stands on the control card, ``pin_hash`` as :mod:`agent.till.pins` writes it; each may be missing."""

    name: str
    card: str | None = None
    pin_hash: str | None = None


class Supervisors:
    """Tells whether a card or a PIN is a supervisor's. Thread-safe; a PIN takes some 50 ms for each supervisor who has one."""

    def __init__(self, known: Sequence[Supervisor], reader: Reader, clock: Clock) -> None:
        self._known = tuple(known)
        self._reader = reader
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong = 0
        self._locked_until_us = 0

    @property
    def is_any(self) -> bool:
        """Whether there is one to ask."""
        return bool(self._known)

    def by(self, shown: str) -> str | NotAllowed:
        """Whose a PIN, or the content of a card, is."""
        if not shown.upper().startswith(_CARD_BEGINS):
            return self.by_pin(shown)
        code = self._reader.read(parse_typed(shown), today=self._clock.today())
        if code.refusal is not None:
            return NotAllowed("not_authorised", code.refusal)
        if code.attributes.get("command") != CARD_COMMAND:
            return NotAllowed("not_authorised", "this card authorises nothing; expected a supervisor's")
        return self.by_card(code.attributes.get("argument", ""))

    def by_card(self, argument: str) -> str | NotAllowed:
        """Whose a card is whose signature is good; ``argument`` is what stands on it."""
        for one in self._known:
            if argument and one.card == argument:
                return one.name
        return NotAllowed("not_authorised", f"supervisor {argument[:40]!r}: is not among [[supervisor]] here")

    def by_pin(self, pin: str) -> str | NotAllowed:
        """Whose a PIN is."""
        with self._lock:  # one at a time, so that nobody tries many at once
            now_us = self._clock.monotonic_us()
            if now_us < self._locked_until_us:
                left_s = -(-(self._locked_until_us - now_us) // 1_000_000)
                return NotAllowed(
                    "too_many_tries", f"{TRIES_LIMIT} wrong PINs: none is looked at for {left_s} s"
                )
            for one in self._known:
                if one.pin_hash is not None and pins.fits(pin, one.pin_hash):
                    self._wrong = 0
                    return one.name
            self._wrong += 1
            if self._wrong >= TRIES_LIMIT:
                self._wrong, self._locked_until_us = 0, now_us + LOCKED_US
            return NotAllowed("not_authorised", "this PIN is no supervisor's")
