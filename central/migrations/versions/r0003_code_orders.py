"""Keys that sign item codes, and the orders by which codes are issued."""

from __future__ import annotations

from central.migrations.steps import run_step

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the step's SQL."""
    run_step("0003_code_orders")
