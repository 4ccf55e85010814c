"""Value beside quantity, days and months, shifts, stocktakes, invoices."""

from __future__ import annotations

from central.migrations.steps import run_step

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the step's SQL."""
    run_step("0006_valued_books")
