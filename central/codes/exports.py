"""Codes of an order for whoever prints them: CSV, ZPL or a PDF of sheets."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from central.codes import printers
from central.codes.labels import CSV_HEADER, Labels
from central.codes.orders import OrderError
from central.codes.printers import Media
from central.codes.workers import blocks

_AT_ONCE = 200
"""Labels of ZPL in one piece, so that a stream moves and is not made of crumbs."""


PDF_LIMIT = 10_000
"""Labels in one PDF: some 480 sheets. More is too much for many printers, and for the memory of whoever makes it."""


class Export(StrEnum):
    """The kinds of files."""

    CSV = "csv"
    ZPL = "zpl"
    PDF = "pdf"


MEDIA_TYPES = {
    Export.CSV: "text/csv; charset=utf-8",
    Export.ZPL: "application/zpl",
    Export.PDF: "application/pdf",
}


def check_span(labels: Labels, export: Export, first: int, last: int) -> None:
    """Nothing, or :class:`OrderError` for numbers that the order has not got, or more than one file of this kind should hold."""
    order = labels.order
    if not 1 <= first <= last <= order.count:
        raise OrderError(
            f"order {order.tag}: codes {first} to {last}: expected numbers from 1 to {order.count}, the lower one first"
        )
    if export is Export.PDF and last - first + 1 > PDF_LIMIT:
        raise OrderError(
            f"order {order.tag}: {last - first + 1:,} labels in one PDF: expected {PDF_LIMIT:,} at most; name a part with from and to"
        )


def pieces(labels: Labels, export: Export, first: int, last: int, media: Media = Media()) -> Iterator[bytes]:
    """The file, piece by piece; the span has been checked."""
    match export:
        case Export.CSV:
            yield CSV_HEADER
            for start, end in blocks(first, last):
                yield labels.rows(start, end)
        case Export.ZPL:
            for start in range(first, last + 1, _AT_ONCE):
                some = labels.labels(start, min(start + _AT_ONCE - 1, last))
                yield "".join(printers.zpl(some, labels.order.format, media)).encode("ascii")
        case Export.PDF:
            from central.codes import sheets  # noqa: PLC0415 - draws PDF; commands that do not need it start without it

            title = f"{labels.order.tag} {first}-{last}"
            yield sheets.pdf(labels.labels(first, last), labels.order.format, title)
