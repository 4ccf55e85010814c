"""``codes keys``, as an operator calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.database import Database
from tests.integration.api.test_api_process import central, write_config


@pytest.fixture
def config(migrated_url: str, tmp_path: Path) -> Path:
    """A configuration over a migrated database."""
    return write_config(tmp_path, migrated_url)


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """The database itself."""
    with Database(migrated_url, pool_size=2) as opened:
        yield opened


def asked(*arguments: str, config: Path) -> Any:
    """The answer of a command that succeeds."""
    done = central("codes", "keys", *arguments, "--json", config=config)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_key_is_made_rotated_retired_and_revoked(config: Path, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    begins = (today + timedelta(days=7)).isoformat()
    first = asked("create", config=config)
    rotated = asked("rotate", "--from", begins, config=config)
    second = rotated["key"]["key_id"]
    filters = asked("create", "--purpose", "filters", config=config)
    asked("retire", filters["key_id"], "--on", begins, config=config)
    asked("revoke", second, "--reason", "a disk was stolen", config=config)
    (tmp_path / "authority" / "code-keys" / f"{first['key_id']}.pem").unlink()
    found = {
        one["key_id"]: (
            one["purpose"],
            one["state"],
            one["retired_on"],
            one["reason"],
            one["private_key_here"],
        )
        for one in asked("list", config=config)
    }
    until = (today + timedelta(days=6)).isoformat()
    assert found == {
        first["key_id"]: ("codes", "active", until, None, False),
        filters["key_id"]: ("filters", "active", begins, None, True),
        second: ("codes", "revoked", None, "a disk was stolen", True),
    }


def test_the_list_is_a_table_for_people(config: Path) -> None:
    key_id = asked("create", config=config)["key_id"]
    heading, row = central("codes", "keys", "list", config=config).stdout.splitlines()
    assert heading.split() == [
        "key_id", "purpose", "state", "valid_from", "retired_on", "private_key_here", "reason",
    ]  # fmt: skip
    assert row.split()[:3] == [key_id, "codes", "active"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["retire", "NONE"],
            "codes keys retire: key 'NONE': not known here; see: countermark-central codes keys list",
        ),
        (["revoke", "NONE", "--reason", "x"], "key 'NONE': not known here"),
        (["revoke", "NONE"], "Missing option '--reason'"),
        (["create", "--from", "2020-01-01"], "a new key cannot begin on 2020-01-01: expected"),
        (["rotate", "--from", "tomorrow"], "'tomorrow' does not match the format"),
        (["create", "--purpose", "love"], "'love' is not one of"),
    ],
)
def test_what_cannot_be_done_ends_with_one_clear_line(config: Path, arguments: list[str], said: str) -> None:
    done = central("codes", "keys", *arguments, config=config)
    assert done.returncode != 0
    assert said in " ".join(done.stderr.replace("│", " ").split())


def test_a_revocation_without_a_reason_changes_nothing(config: Path) -> None:
    key_id = asked("create", config=config)["key_id"]
    done = central("codes", "keys", "revoke", key_id, "--reason", " ", config=config)
    assert (done.returncode, "expected a reason" in done.stderr) == (1, True)
    assert asked("list", config=config)[0]["state"] == "active"


def test_what_is_decided_at_the_command_line_is_in_the_audit_log(config: Path, database: Database) -> None:
    key_id = asked("create", config=config)["key_id"]
    with database.transaction() as connection:
        noted = connection.execute("SELECT actor, action, subject FROM audit_log").fetchall()
    assert noted == [("command line", "create", f"code key {key_id}")]


def test_a_directory_that_cannot_be_written_to_is_told_and_no_key_is_there(
    config: Path, tmp_path: Path
) -> None:
    (tmp_path / "authority").mkdir()
    (tmp_path / "authority" / "code-keys").write_text("in the way")
    done = central("codes", "keys", "create", config=config)
    assert (done.returncode, "expected a directory that this account may write to" in done.stderr) == (
        1,
        True,
    )
    assert asked("list", config=config) == []
