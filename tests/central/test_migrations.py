"""The steps of the schema, as files and as Alembic sees them."""

from __future__ import annotations

from alembic.config import Config
from alembic.script import ScriptDirectory

from central import migrations
from central.migrations.schema import head_revision, known_revisions


def test_the_revisions_named_by_the_files_are_those_of_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert [step.revision for step in reversed(list(script.walk_revisions()))] == known_revisions()
    assert script.get_current_head() == head_revision()
