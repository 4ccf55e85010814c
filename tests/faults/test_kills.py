"""Kill -9 of everything, at random: whatever dies and comes back, every sale that was accepted is booked once."""

from __future__ import annotations

import pytest

from tests.faults.comparison import assert_books_agree
from tests.faults.killing import Killer, plan
from tests.faults.shops import Shops

SEED = 20_260_701
KILLS = 52
PACE_S = 0.7
AGENTS = 3


@pytest.mark.timeout(400)
def test_every_accepted_sale_is_booked_once_through_58_kills(shops: Shops) -> None:
    counters = [shops.open_counter() for _ in range(AGENTS)]
    names = [counter.name for counter, _ in counters]
    killer = Killer(shops, SEED)
    for _, till in counters:
        till.start(pause_s=0.05)
    killer.carry_out(plan(SEED, KILLS, PACE_S, names))
    killer.power_cut(names)
    killer.close()
    for _, till in counters:
        till.stop()
    books = assert_books_agree(shops, counters)
    assert killer.struck.total() == KILLS + AGENTS + 3
    assert books.accepted == books.applied > 0
    assert [till.refusals for _, till in counters] == [[]] * AGENTS
