"""The large tables divided by time, and what follows from that."""

from __future__ import annotations

from central.migrations.partitioning import divide
from central.migrations.steps import run_step

revision = "0007"
down_revision = "0006"

before = divide
"""Runs beforehand, in transactions of its own: all that takes long, while central goes on."""


def upgrade() -> None:
    """Run the step's SQL."""
    run_step("0007_partitions")
