"""Fixtures: a counter that counts."""

from __future__ import annotations

import pytest

from agent.till.frames import Mode
from tests.agent.shop_kit import Counter
from tests.agent.stocktakes.stocktake_kit import SPRING, begin


@pytest.fixture
def shop(counter: Counter) -> Counter:
    """A counter that counts an area of a stocktake which central told of."""
    counter.feed(SPRING)
    assert counter.parts.counter.set_mode(Mode.STOCKTAKE) is None
    begin(counter)
    return counter
