"""Fixtures: a store on a temporary disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "journal.db", reserve_bytes=1024 * 1024)
    yield opened
    opened.close()
