"""Statements as CSV (RFC 4180): a header line, comma, CRLF, quotes where they are needed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from central.reconciliation.rules import ProductLine

PRODUCT_COLUMNS = ProductLine.__struct_fields__
PERIOD_COLUMNS = ("first", "last", *PRODUCT_COLUMNS)
_PIECE_ROWS = 500


def product_row(line: ProductLine) -> list[Any]:
    """A product line in the order of :data:`PRODUCT_COLUMNS`."""
    return [getattr(line, name) for name in PRODUCT_COLUMNS]


def text_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as one text."""
    return "".join(pieces_of(columns, rows))


def pieces_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """A table in pieces, made while its rows are read."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow(row)
        if number % _PIECE_ROWS == 0:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
