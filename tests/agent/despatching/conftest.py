"""Fixtures: a counter in ship mode."""

from __future__ import annotations

import pytest

from agent.till.frames import Mode
from tests.agent.despatching.ship_kit import SHOP, WAREHOUSE
from tests.agent.shop_kit import Counter


@pytest.fixture
def shop(counter: Counter) -> Counter:
    """A counter that loads goods for another shop."""
    counter.feed(SHOP, WAREHOUSE)
    assert counter.parts.counter.set_mode(Mode.SHIP) is None
    assert counter.parts.shipping.choose("site-2") is None
    return counter
