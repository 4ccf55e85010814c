"""The file that keeps room for the last sales."""

from __future__ import annotations

from pathlib import Path

from agent.store.reserve import Reserve

MEBIBYTE = 1024 * 1024


def test_the_reserve_really_occupies_its_room(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "journal.reserve", MEBIBYTE)
    assert reserve.take_up()
    assert (tmp_path / "journal.reserve").stat().st_blocks * 512 >= MEBIBYTE


def test_it_is_given_up_once_and_can_be_taken_up_again(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "journal.reserve", MEBIBYTE)
    reserve.take_up()
    assert [reserve.release(), reserve.release(), reserve.take_up(), reserve.held] == [
        True,
        False,
        True,
        True,
    ]


def test_a_reserve_that_is_there_already_is_held_from_the_start(tmp_path: Path) -> None:
    Reserve(tmp_path / "journal.reserve", MEBIBYTE).take_up()
    assert Reserve(tmp_path / "journal.reserve", MEBIBYTE).held


def test_no_reserve_is_taken_from_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "journal.reserve", 1 << 60)
    assert (reserve.take_up(), (tmp_path / "journal.reserve").exists()) == (False, False)


def test_half_a_reserve_is_none(tmp_path: Path) -> None:
    (tmp_path / "journal.reserve").write_bytes(b"short")
    assert not Reserve(tmp_path / "journal.reserve", MEBIBYTE).held
