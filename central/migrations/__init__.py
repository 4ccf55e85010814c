"""The schema of central, in steps of plain SQL (``sql/``), run in their order by Alembic.

Each step is one file that runs in one transaction. A step that has been released never changes.
"""

from central.migrations.steps import check_schema, head_revision, migrate, schema_revision

__all__ = ["check_schema", "head_revision", "migrate", "schema_revision"]
