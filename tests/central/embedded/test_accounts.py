"""Where the embedded database may live."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from central.embedded.accounts import (
    Account,
    PlaceError,
    default_state_directory,
    prepare_directory,
    private_parent,
    reachable_programs,
)

# Its numbers are this process's own or root's to give: nothing here changes to another account.
ANOTHER = Account("another", 65534, 65534)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_outermost_private_directory_above_is_named(tmp_path: Path) -> None:
    inner = tmp_path / "private" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "private").chmod(0o700)
    found = private_parent(inner / "data")
    assert found is not None
    assert not found.stat().st_mode & stat.S_IXOTH


def test_a_directory_below_a_private_one_is_refused_and_the_private_one_is_left_alone(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    private.chmod(0o700)
    with pytest.raises(
        PlaceError, match=r"account 'another'.*cannot pass through .* \(mode 700\); choose .* chmod o\+x"
    ):
        prepare_directory(private / "database", ANOTHER)
    assert (_mode(private), list(private.iterdir())) == (0o700, [])


def test_an_ordinary_user_gets_a_private_directory_anywhere(tmp_path: Path) -> None:
    made = prepare_directory(tmp_path / "new" / "database", None)
    assert (made, _mode(made)) == (tmp_path / "new" / "database", 0o700)


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlaceError, match="name a directory that this account may write"):
        prepare_directory(tmp_path / "file" / "database", None)


def test_programs_are_used_where_they_are_by_their_own_account(tmp_path: Path) -> None:
    assert reachable_programs(tmp_path, ["programs"], tmp_path / "copies", None) == tmp_path


def test_an_ordinary_user_keeps_state_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_state_directory() == tmp_path / "countermark"


def test_without_xdg_state_is_kept_below_the_home_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state_directory() == tmp_path / ".local" / "state" / "countermark"


def test_root_keeps_state_where_other_accounts_can_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_state_directory() == Path("/var/lib/countermark")
