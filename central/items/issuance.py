"""Items whose codes were issued and never commissioned: they have no row, and are known by their codes alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from central.codes.finding import issued_of
from central.codes.orders import Issue, OrderError
from central.database import Connection
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
