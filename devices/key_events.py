"""What to do with each event of a Linux input device. Pure: the kernel's type and code in, an action out.

When a reader is late, the kernel throws its queue away and says SYN_DROPPED; what follows up to the next SYN_REPORT is
the tail of a packet whose head is lost (kernel documentation, input/event-codes, 'SYN_DROPPED').
"""

from __future__ import annotations

from enum import Enum, auto

EV_SYN = 0
EV_KEY = 1
SYN_REPORT = 0
SYN_DROPPED = 3


class Action(Enum):
    """What the driver does with an event."""

    KEY = auto()
    """Decode it."""
    SKIP = auto()
    DROPPED = auto()
    """Keys were lost: give up the scan under way, and take every key as released.

    To ask the device which are held would cost more: the kernel throws away what waits when it answers (EVIOCGKEY), and
    that may be the beginning of the next code. What is typed under a modifier that was missed belongs to the lost scan.
    """


class DropWatch:
    """Follows one device's events through a loss."""

    def __init__(self) -> None:
        self._lost = False

    def see(self, event_type: int, code: int) -> Action:
        """The next event, in order."""
        if event_type == EV_SYN and code == SYN_DROPPED:
            self._lost = True
            return Action.DROPPED
        if self._lost:
            if event_type == EV_SYN and code == SYN_REPORT:
                self._lost = False
            return Action.SKIP
        return Action.KEY if event_type == EV_KEY else Action.SKIP
