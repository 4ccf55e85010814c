"""From when on something is a case: what an installation sets under ``[discrepancies]``. Pure."""

from __future__ import annotations

from datetime import timedelta

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits. Each has a default that suits a chain whose goods travel for days and whose shops close at night.

    ``transit_days``: how long goods may be on their way between two sites of which there is no history yet. ``silent_hours``: how long a
    machine may be unheard that should be heard. ``invoice_wait_days``: how long an invoice may wait for goods that are still on their way.
    ``invoice_tolerance_bp``: how far a charged price may be from the agreed one, in hundredths of a percent. ``phantom_probability``: from
    which probability on a shelf that does not sell is a case; the ranking shows less probable ones too. ``sites_a_round``: of how many
    sites the codes, balances and shelves are gone through in one hour. ``dealers_settle``: whether dealers may settle and dismiss cases of
    their own sites; else they may assign them and comment.
    """

    transit_days: float = 7.0
    silent_hours: float = 24.0
    invoice_wait_days: float = 14.0
    invoice_tolerance_bp: int = 0
    phantom_probability: float = 0.999
    sites_a_round: int = 100
    dealers_settle: bool = False

    @property
    def transit(self) -> timedelta:
        """``transit_days`` as a duration."""
        return timedelta(days=self.transit_days)

    @property
    def silence(self) -> timedelta:
        """``silent_hours`` as a duration."""
        return timedelta(hours=self.silent_hours)

    @property
    def invoice_wait(self) -> timedelta:
        """``invoice_wait_days`` as a duration."""
        return timedelta(days=self.invoice_wait_days)


DEFAULTS = Limits()
