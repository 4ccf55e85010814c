"""Statements as answers of the interface that are no JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

from central.reconciliation.tables import pieces_of


def wants_csv(as_format: str | None, accept: str) -> bool:
    """Whether a caller asked for CSV: by ``format``, else by what it accepts first."""
    first = accept.partition(",")[0].strip()
    return as_format == "csv" or (as_format is None and first.startswith("text/csv"))


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[Any]], name: str) -> StreamingResponse:
    """A table as a file of this name, sent while it is read."""
    disposition = f'attachment; filename="{name}.csv"'
    return StreamingResponse(
        pieces_of(columns, rows),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": disposition},
    )
