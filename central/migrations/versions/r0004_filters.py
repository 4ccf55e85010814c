"""Filters of items that were sold, recalled or stolen."""

from __future__ import annotations

from central.migrations.steps import run_step

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the step's SQL."""
    run_step("0004_filters")
