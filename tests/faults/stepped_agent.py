"""An agent whose wall clock is wrong by what a file says, in microseconds, at any moment: ``python -m tests.faults.stepped_agent``.

Everything else is the agent as it is. The clock of the machine itself is left alone: others use it. So this shows what the agent makes
of a clock that steps, but not what TLS makes of it, which looks at the machine's own clock.
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent.clock import Clock
from agent.identity import storage
from agent.main import Agent
from agent.settings import load


class SteppedClock(Clock):
    """The machine's clock, and what the file adds to it."""

    def __init__(self, step_file: Path) -> None:
        super().__init__()
        self._step_file = step_file

    def wall_us(self) -> int:
        return super().wall_us() + int(self._step_file.read_text(encoding="ascii"))


if __name__ == "__main__":
    settings = load(Path(sys.argv[1]))
    Agent(settings, storage.load(settings.data_dir), clock=SteppedClock(Path(sys.argv[2]))).run(
        lambda _: None
    )
