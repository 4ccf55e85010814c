"""What an installation has beside its agents' certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from central.authority.files import load
from central.authority.installation import ensure, ensure_central

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_second_process_gets_its_own_certificate_and_leaves_the_first_ones_alone(tmp_path: Path) -> None:
    ensure(tmp_path, "Example brand", ["localhost"], NOW)
    first = load(tmp_path, "central")
    ensure_central(tmp_path, "Example brand", NOW, "2")
    assert (load(tmp_path, "central"), load(tmp_path, "central-2") is None) == (first, False)


def test_a_second_process_renews_its_own_certificate_alone(tmp_path: Path) -> None:
    ensure_central(tmp_path, "Example brand", NOW)
    ensure_central(tmp_path, "Example brand", NOW, "2")
    before = load(tmp_path, "central"), load(tmp_path, "central-2")
    ensure_central(tmp_path, "Example brand", NOW + timedelta(days=46), "2")
    after = load(tmp_path, "central"), load(tmp_path, "central-2")
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)
