"""The first schema."""

from __future__ import annotations

from central.migrations.steps import run_step

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Everything."""
    run_step("0001_first_books")
