"""The comparison after every fault: what the tills were told against what central has booked.

The one side is the tills' own account (:mod:`tests.faults.till`) and the agents' journals on their disks; the other side is central's
database. Nothing here asks the product whether all is well, except for the replay of the ledger. Each difference is a sentence.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import psycopg

from central.reconciliation import rebuild, zero_sum
from protocol.errors import Malformed
from protocol.events import Sale, decode_event
from tests.faults.shops import OPENING_STOCK, Counter, Shops
from tests.faults.till import Sold, Till, sold_by

SHOWN = 8
Connection = psycopg.Connection[tuple[Any, ...]]


class Books(NamedTuple):
    """What was compared, in numbers.

    ``accepted`` are the sales that tills were told are accepted, ``lost`` and ``doubled`` those of them that are. The facts at central are
    ``applied``, ``quarantined``, or ``repeated``: recognised when another epoch brought them again.
    """

    accepted: int
    applied: int
    quarantined: int
    repeated: int
    lost: int
    doubled: int


NOTHING = Books(0, 0, 0, 0, 0, 0)


class Epoch(NamedTuple):
    """Central's cursor in one epoch, and what it made of the rows before it."""

    epoch: str
    next_seq: int
    head_hash: bytes
    applied: int
    quarantined: int
    repeated: int


def assert_books_agree(shops: Shops, tills: Iterable[tuple[Counter, Till]]) -> Books:
    """Wait until everything is sent, compare, and fail with every difference as a sentence. Several tills may share a site."""
    pairs = list(tills)
    shops.wait_sent(*{counter.name: counter for counter, _ in pairs}.values())
    books, found = compare(shops, pairs)
    assert not found, "the books do not agree:\n" + "\n".join(f"  - {line}" for line in found)
    return books


def compare(shops: Shops, pairs: Sequence[tuple[Counter, Till]]) -> tuple[Books, list[str]]:
    """The figures, and every difference as a sentence."""
    sites: dict[str, dict[str, Sold]] = defaultdict(dict)
    for counter, till in pairs:
        sites[counter.site] |= till.accepted
    found: list[str] = []
    figures = NOTHING
    with psycopg.connect(shops.database_url) as connection:
        for site, accepted in sites.items():
            agent = next(counter.agent for counter, _ in pairs if counter.site == site)
            booked, differences = _compare_site(connection, site, agent, accepted)
            figures = Books(*(left + right for left, right in zip(figures, booked, strict=True)))
            found += differences
        for counter in {counter.name: counter for counter, _ in pairs}.values():
            found += _compare_journal(connection, counter)
        found += [
            f"zero-sum: {gtin}: all locations together hold {sum_} of it"
            for gtin, sum_ in zero_sum(connection).items()
        ]
        found += [
            f"ledger: {drift.site}, {drift.gtin} in {drift.location}: kept {drift.kept}, its movements give {drift.replayed}"
            for drift in rebuild(connection)
        ]
    return figures, found


def _compare_site(
    connection: Connection, site: str, agent: str, accepted: dict[str, Sold]
) -> tuple[Books, list[str]]:
    booked = _sales_booked(connection, site)
    in_quarantine, stand_ins = _quarantined(connection, site)
    epochs = _epochs(connection, agent)
    missing = [sale for sale in accepted if sale not in booked and sale not in in_quarantine]
    doubled = {sale: places for sale, places in booked.items() if len(places) > 1}
    both = [sale for sale in booked if sale in in_quarantine]
    books = Books(
        len(accepted),
        sum(epoch.applied for epoch in epochs),
        sum(epoch.quarantined for epoch in epochs),
        sum(epoch.repeated for epoch in epochs),
        # A stand-in says that a row was destroyed on the agent's disk, but no longer which sale it was.
        max(0, len(missing) - stand_ins),
        len(doubled) + len(both),
    )
    found = []
    if books.lost:
        found.append(
            f"LOST: {site}: {books.lost} of {len(accepted)} accepted sales are neither booked nor in quarantine: "
            f"{_some(missing, lambda sale: f'{sale} (receipt {accepted[sale].receipt})')}"
        )
    if doubled:
        found.append(
            f"DOUBLED: {site}: booked more than once: {_some(doubled, lambda sale: f'{sale} in rows {sorted(doubled[sale])}')}"
        )
    if both:
        found.append(f"DOUBLED: {site}: booked and in quarantine: {_some(both)}")
    unknown = [sale for sale in booked if sale not in accepted]
    if unknown:
        found.append(f"INVENTED: {site}: booked, but no till was told that it was accepted: {_some(unknown)}")
    found += _wrong_lines(site, accepted, booked)
    if books.applied + books.quarantined != books.accepted:
        found.append(
            f"{site}: {books.accepted} sales accepted, but {books.applied} facts applied and {books.quarantined} quarantined "
            f"(and {books.repeated} repeated): {books.applied + books.quarantined - books.accepted:+d}"
        )
    return books, found + _wrong_stock(connection, site, accepted, booked)


def _wrong_lines(
    site: str, accepted: dict[str, Sold], booked: dict[str, dict[tuple[int, int], list[tuple[Any, ...]]]]
) -> list[str]:
    """Sales that stand in the books otherwise than the till sold them."""
    found = []
    for sale, places in booked.items():
        if sale not in accepted or len(places) > 1:
            continue
        sold = accepted[sale]
        expected = sorted((sold.receipt, *line) for line in sold.lines)
        lines = sorted(next(iter(places.values())))
        if lines != expected:
            found.append(f"{site}: sale {sale}: sold as {expected}, booked as {lines}")
    return found[:SHOWN]


def _wrong_stock(
    connection: Connection, site: str, accepted: dict[str, Sold], booked: dict[str, Any]
) -> list[str]:
    """On hand must be the opening stock less what the tills know to have sold, as far as it could be booked."""
    sold = sold_by([sale for name, sale in accepted.items() if name in booked])
    found = []
    rows = connection.execute(
        "SELECT gtin, quantity FROM stock WHERE site_id = %s AND location = 'on_hand'", (site,)
    ).fetchall()
    for gtin, on_hand in rows:
        expected = OPENING_STOCK - sold.pop(gtin, Decimal(0))
        if on_hand != expected:
            found.append(
                f"stock: {site}, {gtin}: {on_hand} on hand, expected {expected} ({on_hand - expected:+f})"
            )
    return found + [f"stock: {site}, {gtin}: sold, and nothing is known of it" for gtin in sold]


def _compare_journal(connection: Connection, counter: Counter) -> list[str]:
    """Central's cursor in the live epoch against the last row in the agent's journal, and the closed epochs against their ends."""
    epochs = {epoch.epoch: epoch for epoch in _epochs(connection, counter.agent)}
    found = []
    lineage = _lineage(counter)
    for epoch, last_seq, head_hash in lineage:
        cursor = epochs.get(epoch)
        if cursor is None:
            found.append(f"cursor: {counter.name}: epoch {epoch} of its journal is not known at central")
        elif cursor.next_seq - 1 < last_seq:
            behind = last_seq - cursor.next_seq + 1
            found.append(
                f"cursor: {counter.name}: epoch {epoch} ends with row {last_seq}; central is {behind} rows behind"
            )
        elif epoch == lineage[-1][0] and (cursor.next_seq - 1, cursor.head_hash) != (last_seq, head_hash):
            found.append(
                f"cursor: {counter.name}: live epoch {epoch} ends with row {last_seq}, hash {head_hash.hex()[:12]}; central "
                f"has row {cursor.next_seq - 1}, hash {cursor.head_hash.hex()[:12]}"
            )
    return found


def _lineage(counter: Counter) -> list[tuple[str, int, bytes]]:
    """(epoch, last row that counts, its hash) of a journal, oldest first, read from its file beside the running agent."""
    with closing(sqlite3.connect(f"file:{counter.journal}?mode=ro", uri=True)) as journal:
        epochs = {
            row[0]: row
            for row in journal.execute(
                "SELECT epoch, epoch_no, parent_epoch, parent_seq, parent_hash, opening_hash FROM epochs ORDER BY epoch_no"
            )
        }
        live = list(epochs.values())[-1]
        last = journal.execute(
            "SELECT seq, hash FROM journal WHERE epoch_no = ? ORDER BY seq DESC LIMIT 1", (live[1],)
        ).fetchone()
    lineage = [(live[0], *(last or (0, live[5])))]
    while live[2]:
        lineage.insert(0, (live[2], live[3], live[4]))
        live = epochs[live[2]]
    return lineage


def _epochs(connection: Connection, agent: str) -> list[Epoch]:
    rows = connection.execute(
        """
        SELECT epoch::text, next_seq, head_hash, applied, quarantined, repeated FROM epochs
        WHERE agent_id = %s ORDER BY journal
        """,
        (agent,),
    )
    return [Epoch(*row) for row in rows]


def _sales_booked(
    connection: Connection, site: str
) -> dict[str, dict[tuple[int, int], list[tuple[Any, ...]]]]:
    """sale id -> the rows (journal, seq) that brought it -> their lines (receipt, gtin, quantity, amount)."""
    booked: dict[str, dict[tuple[int, int], list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    rows = connection.execute(
        "SELECT sale_id, journal, seq, receipt, gtin, quantity, amount_minor FROM sale_lines WHERE site_id = %s AND kind = 'sale'",
        (site,),
    )
    for sale, journal, seq, *line in rows:
        booked[sale][journal, seq].append(tuple(line))
    return booked


def _quarantined(connection: Connection, site: str) -> tuple[set[str], int]:
    """The sales that can be read in the quarantine, and how many entries are stand-ins for destroyed rows."""
    sales, stand_ins = set(), 0
    for (body,) in connection.execute("SELECT body FROM quarantine WHERE site_id = %s", (site,)):
        try:
            fact = decode_event(body).body
        except Malformed:
            stand_ins += "damaged_row" in msgspec.msgpack.decode(body)
            continue
        if isinstance(fact, Sale):
            sales.add(fact.sale_id)
    return sales, stand_ins


def raised(shops: Shops, site: str) -> set[str]:
    """The classes of the discrepancies that are open at a site."""
    with psycopg.connect(shops.database_url) as connection:
        return {
            row[0]
            for row in connection.execute("SELECT class FROM discrepancies WHERE site_id = %s", (site,))
        }


def notices(shops: Shops, counter: Counter) -> set[str]:
    """The kinds of notices that the agent shows to the people at its counter."""
    told: Any = shops.status(counter)["notices"]
    return {notice["kind"] for notice in told}


def _some(sales: Iterable[str], words: Any = str) -> str:
    names = list(sales)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(words(name) for name in names[:SHOWN]) + more
