"""Items whose codes were issued and never commissioned: they have no row, and are known by their codes alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from central.codes import orders_storage
from central.codes.finding import issued_of
from central.codes.orders import Issue, OrderError
from central.database import Connection
from protocol.codes import parse_typed, recognise
from protocol.codes.short import ShortCode, short_in_scan
from protocol.feeds import ItemHere
from protocol.items import State

_log = structlog.get_logger("central.items")


def issued_items(connection: Connection, directory: Path | None, items: Sequence[str]) -> set[str]:
    """Of these items, those whose codes central has issued.

    Where the secret of an order is missing nothing can be said of its codes; the facts about them must not wait for that.
    """
    try:
        return set(_issues(connection, directory, items))
    except OrderError as error:
        _log.warning("nobody can tell whether codes were issued", cause=str(error), items=len(items))
        return set()


def as_issued(connection: Connection, directory: Path | None, item: str) -> ItemHere | None:
    """An issued item as a counter sees it; None for a code that was never issued. Raises OrderError where that cannot be told."""
    issue = _issues(connection, directory, [item]).get(item)
    if issue is None:
        return None
    return ItemHere(
        item=item,
        gtin=issue.gtin,
        state=State.ISSUED,
        expiry=issue.expiry.isoformat() if issue.expiry else None,
    )


def begin_lives(connection: Connection, directory: Path | None, items: Sequence[str], at: datetime) -> None:
    """Give a row to those of these items that were issued and have none: labels that something happened to before they were on products."""
    try:
        issues = _issues(connection, directory, items)
    except OrderError as error:
        _log.warning("nobody can tell whether codes were issued", cause=str(error), items=len(items))
        return
    connection.cursor().executemany(
        """
        INSERT INTO items (item, gtin, state, batch, expiry, updated_at) VALUES (%s, %s, %s, %s, %s, %s)
        ON CONFLICT (item) DO NOTHING
        """,
        [
            (item, issue.gtin, State.ISSUED, issue.batch, issue.expiry, at)
            for item, issue in sorted(issues.items())
        ],
    )


def named(connection: Connection, codes: Iterable[str]) -> tuple[str, ...]:
    """The items that codes name, each once: as scanned or typed, short codes too, or ids. What names none stays as it is."""
    found: set[str] = set()
    short: dict[str, ShortCode] = {}
    for code in codes:
        typed = parse_typed(code)
        item = recognise(typed).item
        token = short_in_scan(typed) if item is None else None
        if token is not None:
            short[code] = token
        else:
            found.add(item or code)
    orders = orders_storage.find_all(connection, {token.tag for token in short.values()}) if short else {}
    for code, token in short.items():
        order = orders.get(token.tag)
        found.add(f"01{order.gtin}21{token.token}" if order else code)
    return tuple(sorted(found))


def _issues(connection: Connection, directory: Path | None, items: Iterable[str]) -> dict[str, Issue]:
    if directory is None:
        return {}
    codes = {code: item for item in items if (code := _code_of(item)) is not None}
    return {codes[code]: issue for code, issue in issued_of(connection, directory, codes).items()}


def _code_of(item: str) -> tuple[str, str] | None:
    """(GTIN, serial) of an item's canonical id, ``01<gtin>21<serial>``."""
    if item.startswith("01") and item[16:18] == "21" and len(item) > 18:
        return item[2:16], item[18:]
    return None
