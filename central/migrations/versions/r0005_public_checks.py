"""Checks of item codes by the public."""

from __future__ import annotations

from central.migrations.steps import run_step

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the step's SQL."""
    run_step("0005_public_checks")
