"""The authority on disk."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from central.authority.certificates import AuthorityError, issue_central
from central.authority.files import (
    certificate_path,
    is_due,
    key_path,
    load,
    open_or_create_authority,
    save,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_an_authority_is_made_once_and_then_opened(tmp_path: Path) -> None:
    made = open_or_create_authority(tmp_path / "authority", "Example brand", NOW)
    assert (
        open_or_create_authority(tmp_path / "authority", "Example brand", NOW).certificate == made.certificate
    )


def test_keys_and_their_directory_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    open_or_create_authority(tmp_path / "authority", "Example brand", NOW)
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "authority", key_path(tmp_path / "authority", "ca"))
    ]
    assert modes == [0o700, 0o600]


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    authority = open_or_create_authority(tmp_path, "Example brand", NOW)
    issued = issue_central(authority, NOW)
    save(tmp_path, "central", issued)
    assert load(tmp_path, "central") == issued


def test_what_was_never_kept_is_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "central") is None


def test_half_of_a_pair_is_a_clear_error(tmp_path: Path) -> None:
    open_or_create_authority(tmp_path, "Example brand", NOW)
    certificate_path(tmp_path, "ca").unlink()
    with pytest.raises(AuthorityError, match=r"ca\.pem: missing, while its other half is there"):
        open_or_create_authority(tmp_path, "Example brand", NOW)


def test_no_draft_is_left_behind(tmp_path: Path) -> None:
    open_or_create_authority(tmp_path, "Example brand", NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.key", "ca.pem"]


@pytest.mark.parametrize(("days_later", "due"), [(0, False), (44, False), (46, True), (91, True)])
def test_credentials_are_due_after_half_of_their_life(tmp_path: Path, days_later: int, due: bool) -> None:
    issued = issue_central(open_or_create_authority(tmp_path, "Example brand", NOW), NOW, days=90)
    assert is_due(issued, NOW + timedelta(days=days_later)) == due


def test_credentials_that_are_not_there_are_due() -> None:
    assert is_due(None, NOW)
