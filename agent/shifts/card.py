"""The card of a clerk: whoever shows it stands at the counter from then on."""

from __future__ import annotations

from functools import partial

from agent.shifts.service import Shifts
from agent.till.found import Found
from agent.till.frames import Outcome


def clerk_card(shifts: Shifts, argument: str) -> Found:
    """``CLERK`` with a name: that is the clerk; without one, nobody is named any more."""
    name = argument or None
    return Found(
        outcome=Outcome.FOUND,
        message=f"clerk {name}" if name else "no clerk is named any more",
        key="clerk_noted" if name else "no_clerk",
        follow_up=(partial(shifts.set_clerk, name),),
    )
