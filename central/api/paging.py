"""Reading long lists: a page, and an opaque cursor to the next one.

A cursor is a place in an order, not a number of rows: rows that come or go meanwhile neither repeat nor hide others. It
carries no right: what a caller may see is decided by its token, whatever the cursor says.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel

from central.api.problems import Problem

LIMIT = 1000

Limit = Annotated[int, Query(ge=1, le=LIMIT, description="rows on this page, at most")]
Cursor = Annotated[str | None, Query(description="the `next` of the page before", max_length=1000)]

View = TypeVar("View", bound=BaseModel)
Row = TypeVar("Row")


class Page(BaseModel, Generic[View]):
    """A page of a list. `next` is the cursor of the page after it, null on the last one."""

    items: list[View]
    next: str | None = None


def page(
    rows: Sequence[Row], limit: int, show: Callable[[Row], View], place: Callable[[Row], Sequence[Any]]
) -> Page[View]:
    """The page of ``rows``, of which one more than ``limit`` was asked for to see whether there are more."""
    shown = list(rows[:limit])
    following = encode(place(shown[-1])) if len(rows) > limit else None
    return Page(items=[show(row) for row in shown], next=following)


def encode(place: Sequence[Any]) -> str:
    """A place in an order as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(list(place))).rstrip(b"=").decode()


PlaceT = TypeVar("PlaceT")


def decode(cursor: str | None, kind: type[PlaceT]) -> PlaceT | None:
    """The place a cursor names, as ``kind`` (such as ``tuple[datetime, str]``); a :class:`Problem` for one that names none."""
    if cursor is None:
        return None
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(data, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Problem(400, "cursor: not one of this list; use the `next` of a page as it is") from None
