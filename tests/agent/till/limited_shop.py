"""A counter under a brand's limits, with a supervisor who may go beyond them."""

from __future__ import annotations

import pytest

from agent.till.pins import hash_pin
from agent.till.supervisor_settings import SupervisorSettings
from protocol.feeds import Feed, TillLimits, body_encoder
from tests.agent.shop_kit import CATALOGUE, Counter, OpenCounter

KEY = b"0123456789abcdef"
PIN = "4711"
PIN_HASH = hash_pin(PIN)
TEN_PERCENT = TillLimits(discount_limit_bp=1000, override_limit_bp=1000)


def limit(counter: Counter, limits: TillLimits) -> None:
    counter.feed_rows(Feed.LIMITS, {"till": body_encoder.encode(limits)})


@pytest.fixture
def shop(open_counter: OpenCounter) -> Counter:
    """A counter with limits of ten percent, and Ann to go beyond them."""
    ann = SupervisorSettings.model_validate({"name": "Ann Li", "card": "ANN", "pin_hash": PIN_HASH})
    opened = open_counter(supervisor=(ann,), control_key=KEY)
    opened.feed(*CATALOGUE)
    limit(opened, TEN_PERCENT)
    return opened
