"""Cases and pallets, settlement of provisional sales, signals about items."""

from __future__ import annotations

from central.migrations.steps import run_step

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the step's SQL."""
    run_step("0002_item_cases")
