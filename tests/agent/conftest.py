"""Fixtures: a counter on a temporary disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.clock import ManualClock
from tests.agent.shop_kit import CATALOGUE, NOW_US, Counter, OpenCounter


@pytest.fixture
def open_counter(tmp_path: Path) -> Iterator[OpenCounter]:
    """Opens the counter of this test's folder; opening it again is a restart."""
    opened: list[Counter] = []

    def open_one(**till: Any) -> Counter:
        for former in opened:
            former.close()
        counter = Counter(tmp_path, ManualClock(NOW_US), **till)
        opened.append(counter)
        return counter

    yield open_one
    for counter in opened:
        counter.close()


@pytest.fixture
def counter(open_counter: OpenCounter) -> Counter:
    """A counter with a small catalogue and two coded watches in stock."""
    opened = open_counter()
    opened.feed(*CATALOGUE)
    return opened
