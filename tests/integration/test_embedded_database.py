"""The embedded PostgreSQL: started, killed, started again."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import psycopg
import pytest

from central.embedded.accounts import Account, PlaceError, reachable_programs, server_account
from central.embedded.database import LIBRARIES, PACKAGE, PROGRAMS, EmbeddedDatabase, start_database
from central.embedded.postmaster import DatabaseError, as_account


def _write(database: EmbeddedDatabase, number: int) -> None:
    with psycopg.connect(database.ensure_database("shop")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS sale (number integer PRIMARY KEY)")
        connection.execute("INSERT INTO sale VALUES (%s)", (number,))


def _numbers(database: EmbeddedDatabase) -> list[int]:
    with psycopg.connect(database.url("shop")) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM sale ORDER BY number")]


def test_what_was_committed_is_there_after_a_stop_and_a_start(reachable_directory: Path) -> None:
    with start_database(reachable_directory) as first:
        _write(first, 1)
    with start_database(reachable_directory) as second:
        assert _numbers(second) == [1]


def test_what_was_committed_is_there_after_a_kill(reachable_directory: Path) -> None:
    killed = start_database(reachable_directory)
    _write(killed, 1)
    os.kill(killed.pid, signal.SIGKILL)
    with start_database(reachable_directory) as recovered:
        _write(recovered, 2)
        assert _numbers(recovered) == [1, 2]
        killed.stop()
        assert _numbers(recovered) == [1, 2]


def test_a_running_server_is_taken_over_not_started_twice(reachable_directory: Path) -> None:
    with start_database(reachable_directory) as first:
        _write(first, 1)
        again = start_database(reachable_directory)
        assert (again.pid, _numbers(again)) == (first.pid, [1])


def test_stopping_twice_is_stopping_once(reachable_directory: Path) -> None:
    database = start_database(reachable_directory)
    again = start_database(reachable_directory)
    again.stop()
    database.stop()
    assert not (reachable_directory / "data" / "postmaster.pid").exists()


@pytest.mark.parametrize("content", ["", "garbage\n", "{running}\n/elsewhere\n"])
def test_a_stale_lock_file_does_not_keep_the_server_from_starting(
    reachable_directory: Path, content: str
) -> None:
    with start_database(reachable_directory) as first:
        _write(first, 1)
    # After a power failure: cut short, or naming a process that is by now another.
    found = content.format(running=os.getpid())
    (reachable_directory / "data" / "postmaster.pid").write_text(found)
    (reachable_directory / "run" / ".s.PGSQL.5432.lock").write_text(found)
    with start_database(reachable_directory) as second:
        assert _numbers(second) == [1]


def test_an_initialisation_that_was_cut_short_is_begun_anew(reachable_directory: Path) -> None:
    (reachable_directory / "data.new" / "base").mkdir(parents=True)
    with start_database(reachable_directory) as database:
        _write(database, 1)
        assert _numbers(database) == [1]


def test_a_commit_waits_for_the_disk_and_nothing_listens_on_the_network(reachable_directory: Path) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "data_checksums")
    with (
        start_database(reachable_directory) as database,
        psycopg.connect(database.url("postgres")) as connection,
    ):
        settings = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in names
        }
    assert settings == {
        "fsync": ("on",),
        "synchronous_commit": ("on",),
        "full_page_writes": ("on",),
        "listen_addresses": ("",),
        "data_checksums": ("on",),
    }


def test_nobody_else_can_reach_the_data_or_the_socket(reachable_directory: Path) -> None:
    with start_database(reachable_directory):
        modes = [
            stat.S_IMODE(path.stat().st_mode)
            for path in (reachable_directory, reachable_directory / "data", reachable_directory / "run")
        ]
    assert modes == [0o700, 0o700, 0o700]


def test_a_long_path_gets_its_socket_elsewhere(reachable_directory: Path) -> None:
    reachable_directory.chmod(0o755)
    directory = reachable_directory / ("long" * 30)
    with start_database(directory) as database:
        _write(database, 1)
        sockets = database.server.socket_directory
        assert (_numbers(database), sockets.is_relative_to(directory)) == ([1], False)
    shutil.rmtree(sockets)


def test_a_setting_that_postgresql_does_not_know_is_a_clear_error(reachable_directory: Path) -> None:
    with pytest.raises(
        DatabaseError, match=r"does not start; its log .* unrecognized configuration parameter"
    ):
        start_database(reachable_directory, settings={"no_such_setting": "1"})


def test_programs_in_a_private_place_are_copied_and_run_from_there(reachable_directory: Path) -> None:
    reachable_directory.chmod(0o755)
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None
    assert found.submodule_search_locations is not None
    installed, private = Path(found.submodule_search_locations[0]).parent, reachable_directory / "private"
    for part in (PROGRAMS, LIBRARIES):
        shutil.copytree(installed / part, private / part, symlinks=True)
    private.chmod(0o700)
    account = Account("this one", os.geteuid(), os.getegid())
    place = reachable_programs(private, [PROGRAMS, LIBRARIES], reachable_directory / "copies", account)
    version = subprocess.run(
        [place / PROGRAMS / "bin" / "initdb", "--version"], check=True, capture_output=True, text=True
    )
    assert (
        place.parent,
        version.stdout.split()[:2],
        reachable_programs(private, [PROGRAMS, LIBRARIES], reachable_directory / "copies", account),
        stat.S_IMODE(private.stat().st_mode),
    ) == (reachable_directory / "copies", ["initdb", "(PostgreSQL)"], place, 0o700)


def test_the_server_of_root_is_not_root() -> None:
    account = server_account()
    expected = (
        {"cwd": "/"}
        if account is None
        else {"cwd": "/", "user": account.uid, "group": account.gid, "extra_groups": []}
    )
    assert (account is None, as_account(account)) == (os.geteuid() != 0, expected)


def test_an_account_that_is_root_is_refused() -> None:
    if os.geteuid() != 0:
        assert server_account("root") is None
        return
    with pytest.raises(PlaceError, match="PostgreSQL refuses to run as root"):
        server_account("root")
