"""Bits that flip on the agent's disk, while it is off: found before they are sent, mended where that can be proven."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

from deploy.demonstration.installation import ROOT
from tests.faults.comparison import assert_books_agree, notices, raised
from tests.faults.shops import Counter, Shops, until
from tests.faults.till import Till

BASKETS = 10


def with_unsent_sales(shops: Shops) -> tuple[Counter, Till]:
    """A counter whose last ten sales are on its disk alone; its agent is stopped."""
    counter, till = shops.open_counter()
    till.sell(BASKETS)
    shops.wait_sent(counter)
    shops.send_signal("relay", signal.SIGUSR1)
    until(lambda: not shops.status(counter)["online"], "the agent notices the cut")
    till.sell(BASKETS)
    shops.stop(counter.name)
    shops.send_signal("relay", signal.SIGUSR2)
    return counter, till


def body_of(counter: Counter, seq: int) -> bytes:
    """The bytes of a row of the live epoch."""
    with closing(sqlite3.connect(counter.journal)) as journal:
        found = journal.execute(
            "SELECT body FROM journal WHERE seq = ? ORDER BY epoch_no DESC", (seq,)
        ).fetchone()
    return bytes(found[0])


def flip_in_file(counter: Counter, seq: int, bits: int) -> None:
    """Flip bits in the middle of a row, in the bytes of the database file: SQLite does not notice."""
    body = body_of(counter, seq)
    damaged = bytearray(body)
    for bit in range(bits):
        damaged[len(body) // 2 + bit] ^= 0x08
    content = counter.journal.read_bytes()
    # Pages that were split still hold old copies of rows, in places that nobody reads.
    assert body in content, "the row is not in one piece in the file"
    counter.journal.write_bytes(content.replace(body, bytes(damaged)))


def verified(counter: Counter) -> dict[str, object]:
    """What ``journal verify`` says."""
    words = (sys.executable, "-m", "agent", "journal", "verify", "--config", str(counter.config), "--json")
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_flipped_bit_in_an_unsent_sale_is_found_and_mended_and_the_sale_arrives(shops: Shops) -> None:
    counter, till = with_unsent_sales(shops)
    flip_in_file(counter, BASKETS + 5, bits=1)
    sound = verified(counter)["sound"]
    shops.revive(counter.name)
    books = assert_books_agree(shops, [(counter, till)])
    assert (sound, books.quarantined) == (False, 0)


def test_a_sale_destroyed_on_the_disk_is_seen_in_the_quarantine_and_never_blocks_the_rest(
    shops: Shops,
) -> None:
    counter, till = with_unsent_sales(shops)
    flip_in_file(counter, BASKETS + 5, bits=8)
    shops.revive(counter.name)
    shops.wait_ready(counter)
    till.sell(BASKETS)
    books = assert_books_agree(shops, [(counter, till)])
    assert (books.applied, books.quarantined) == (3 * BASKETS - 1, 1)
    assert {"damaged", "quarantined"} <= raised(shops, counter.site)
    assert "damaged" in notices(shops, counter)


def test_a_damaged_row_that_central_has_already_is_found_and_harms_nothing(shops: Shops) -> None:
    counter, till = with_unsent_sales(shops)
    flip_in_file(counter, 5, bits=8)
    found = verified(counter)
    shops.revive(counter.name)
    books = assert_books_agree(shops, [(counter, till)])
    assert (found["sound"], books.quarantined) == (False, 0)
    assert "row 5" in str(found["damaged"])
