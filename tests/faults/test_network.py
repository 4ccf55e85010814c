"""The line between a shop and the broker: cut, and hanging half-open."""

from __future__ import annotations

import signal
import time

from tests.faults.comparison import assert_books_agree
from tests.faults.shops import KEEPALIVE_S, Counter, Shops, until

BASKETS = 20
SLACK_S = 3.0  # the keep-alive is looked after every second, and the machine may be busy


def is_online(shops: Shops, counter: Counter) -> bool:
    """Whether the agent believes that it has a broker."""
    return bool(shops.status(counter)["online"])


def test_a_shop_sells_on_while_the_line_is_cut_and_everything_arrives_when_it_is_mended(shops: Shops) -> None:
    counter, till = shops.open_counter()
    until(lambda: is_online(shops, counter), "the agent is online")
    shops.send_signal("relay", signal.SIGUSR1)
    until(lambda: not is_online(shops, counter), "the agent notices the cut")
    refused = till.sell(BASKETS)
    unsent = shops.status(counter)["unsent"]
    shops.send_signal("relay", signal.SIGUSR2)
    assert (refused, unsent) == (None, BASKETS)
    assert_books_agree(shops, [(counter, till)])


def test_a_line_cut_many_times_in_a_row_loses_and_doubles_nothing(shops: Shops) -> None:
    counter, till = shops.open_counter()
    till.start(pause_s=0.01)
    for _ in range(5):
        sold = len(till.accepted)
        until(lambda sold=sold: len(till.accepted) > sold + BASKETS, "the till goes on selling")  # type: ignore[misc]
        shops.send_signal("relay", signal.SIGUSR1)
        shops.send_signal("relay", signal.SIGUSR2)
    till.stop()
    assert_books_agree(shops, [(counter, till)])


def test_a_half_open_connection_is_noticed_within_two_keepalives(shops: Shops) -> None:
    counter, till = shops.open_counter()
    until(lambda: is_online(shops, counter), "the agent is online")
    shops.send_signal("relay", signal.SIGSTOP)
    stopped_s = time.monotonic()
    try:
        until(lambda: not is_online(shops, counter), "the agent notices", 2 * KEEPALIVE_S + SLACK_S)
        noticed_s = time.monotonic() - stopped_s
        refused = till.sell(BASKETS)
    finally:
        shops.send_signal("relay", signal.SIGCONT)
    assert refused is None
    assert noticed_s <= 2 * KEEPALIVE_S + SLACK_S  # the kernel alone would take a quarter of an hour
    assert_books_agree(shops, [(counter, till)])
