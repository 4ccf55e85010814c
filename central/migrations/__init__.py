"""The schema of central, in steps of plain SQL (``sql/``), run in their order by Alembic.

Each step is one file that runs in one transaction; what would take long in it is done beforehand. A step that has been released never changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.database import Database
from central.migrations.schema import check_schema, head_revision, schema_revision

if TYPE_CHECKING:
    from central.migrations.brief import Say


def migrate(database: Database, say: Say | None = None) -> str:
    """Bring ``database`` to the newest schema; see :func:`central.migrations.steps.migrate`."""
    from central.migrations import steps  # noqa: PLC0415 - Alembic takes a second to load, and only this needs it

    return steps.migrate(database) if say is None else steps.migrate(database, say=say)


__all__ = ["check_schema", "head_revision", "migrate", "schema_revision"]
