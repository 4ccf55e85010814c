"""A battery that died: the agent's wall clock jumps ten years back and forth. No sale depends on it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from deploy.demonstration.installation import ROOT
from deploy.demonstration.processes import Command
from tests.faults.comparison import assert_books_agree, raised
from tests.faults.shops import Counter, Shops

BASKETS = 5
TEN_YEARS_US = 3_653 * 86_400 * 1_000_000


def test_clock_steps_of_ten_years_lose_double_and_reject_nothing(shops: Shops) -> None:
    counter = shops.enrol()
    step_file = counter.data_dir.with_name("step")
    step_file.write_text("0", encoding="ascii")
    words = (sys.executable, "-m", "tests.faults.stepped_agent", str(counter.config), str(step_file))
    shops.commands[counter.name] = Command(counter.name, words, {"PYTHONPATH": str(ROOT)})
    counter, till = shops.open_counter(counter)
    for step_us in (TEN_YEARS_US, -TEN_YEARS_US, 0):
        till.sell(BASKETS)
        step_file.write_text(str(step_us), encoding="ascii")
        till.sell(BASKETS)
        shops.kill(counter.name)
        shops.revive(counter.name)
        shops.wait_ready(counter)
    books = assert_books_agree(shops, [(counter, till)])
    assert books.applied == 3 * 2 * BASKETS
    assert "clock_step" in raised(shops, counter.site)
    assert booked_days(shops, counter) <= {0, 1}


def booked_days(shops: Shops, counter: Counter) -> set[int]:
    """How many days away from today central has put the counter's sales, having corrected their times."""
    today = datetime.now(UTC)
    with shops.connect() as connection:
        rows = connection.execute(
            "SELECT event_time FROM sale_lines WHERE site_id = %s", (counter.site,)
        ).fetchall()
    return {abs(today - moment) // timedelta(days=1) for (moment,) in rows if isinstance(moment, datetime)}
