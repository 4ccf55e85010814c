"""One installation for all tests of this part: every test opens counters of its own, at sites of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import shops as system
from tests.faults.shops import Shops


@pytest.fixture(scope="session")
def installation() -> Iterator[Shops]:
    """Database, broker and central, up; ended and removed after the last test."""
    with system.shops() as made:
        yield made


@pytest.fixture
def shops(installation: Shops) -> Iterator[Shops]:
    """The installation; the counters that a test opens are closed after it."""
    yield installation
    for name in list(installation.open):
        installation.stop(name)
        del installation.open[name]
