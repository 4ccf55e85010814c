"""Statements as CSV (RFC 4180): a header line, comma, CRLF, quotes where they are needed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

from central.reconciliation.rules import ProductLine

PRODUCT_COLUMNS = ProductLine.__struct_fields__
_PIECE_ROWS = 500


def wants_csv(as_format: str | None, accept: str) -> bool:
    """Whether a caller asked for CSV: by ``format``, else by what it accepts first."""
    return as_format == "csv" or (
        as_format is None and accept.split(",", maxsplit=1)[0].strip().startswith("text/csv")
    )


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[Any]], name: str) -> StreamingResponse:
    """A table as a file of this name, written while it is read."""
    disposition = f'attachment; filename="{name}.csv"'
    return StreamingResponse(
        _pieces(columns, rows),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": disposition},
    )


def text_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The same as one text."""
    return "".join(_pieces(columns, rows))


def product_row(line: ProductLine) -> list[Any]:
    """A product line in the order of :data:`PRODUCT_COLUMNS`."""
    return [getattr(line, name) for name in PRODUCT_COLUMNS]


def _pieces(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
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
