"""Labels on sheets of A4, as PDF: the symbol, and below it the text that a person reads.

Symbols are drawn as shapes, not as pictures: every printer prints them as sharp as it can. All dark modules of a symbol are one shape, so that no
printer leaves hairlines between them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from itertools import islice

import msgspec
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from central.codes.labels import Label
from central.codes.orders import Format
from central.codes.printers import elements
from central.codes.symbols import Symbol, symbol_of

_FONT = "Helvetica"


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """How a sheet is divided. The default fits common stock of 21 labels, 70 by 42.3 mm, without gaps."""

    columns: int = 3
    rows: int = 7
    top_mm: float = 0.45
    symbol_mm: float = 25.0
    border_mm: float = 3.0
    letters_points: float = 7.0

    @property
    def label_count(self) -> int:
        """Labels on one sheet."""
        return self.columns * self.rows

    @property
    def width(self) -> float:
        """Of a label, in points."""
        return float(A4[0]) / self.columns

    @property
    def height(self) -> float:
        """Of a label, in points."""
        return (float(A4[1]) - 2 * self.top_mm * mm) / self.rows


def pdf(labels: Iterable[Label], form: Format, title: str, sheet: Sheet = Sheet()) -> bytes:
    """A PDF of these labels, row by row."""
    text = io.BytesIO()
    # The same labels give the same file, whenever it is made.
    canvas = Canvas(text, pagesize=A4, pageCompression=1, invariant=1)
    canvas.setTitle(title)
    remaining = iter(labels)
    while page := list(islice(remaining, sheet.label_count)):
        for place, label in enumerate(page):
            row, column = divmod(place, sheet.columns)
            left = column * sheet.width
            top = float(A4[1]) - sheet.top_mm * mm - row * sheet.height
            _draw(canvas, label, form, sheet, left, top)
        canvas.showPage()
    canvas.save()
    return text.getvalue()


def _draw(canvas: Canvas, label: Label, form: Format, sheet: Sheet, left: float, top: float) -> None:
    symbol = symbol_of(label.code, form)
    side = sheet.symbol_mm * mm
    middle = left + sheet.width / 2
    symbol_top = top - sheet.border_mm * mm
    edge = _draw_symbol(canvas, symbol, middle - side / 2, symbol_top, side)
    _draw_text(canvas, label, sheet, middle, edge, symbol_top - side - 0.5 * mm)


def _draw_text(canvas: Canvas, label: Label, sheet: Sheet, middle: float, edge: float, top: float) -> None:
    """The text, beginning below the symbol's left ``edge`` where there is room; in grey the running number, which is for the printer alone."""
    lines = _lines(label)
    room = sheet.width - 2 * sheet.border_mm * mm
    wanted = max(stringWidth(line, _FONT, sheet.letters_points) for line in lines)
    points = sheet.letters_points * min(1.0, room / wanted)
    left = edge if edge + wanted <= middle + room / 2 else middle - min(wanted, room) / 2
    baseline = top - points
    canvas.setFillGray(0)
    for line in lines:
        canvas.setFont(_FONT, points)
        canvas.drawString(left, baseline, line)
        baseline -= sheet.letters_points * 1.2
    canvas.setFillGray(0.45)
    canvas.setFont(_FONT, sheet.letters_points * 0.8)
    canvas.drawString(left, baseline, f"No. {label.number}")
    canvas.setFillGray(0)


def _lines(label: Label) -> list[str]:
    lines = elements(label)
    return [*lines[:2], "  ".join(lines[2:])] if len(lines) > 2 else lines


def _draw_symbol(canvas: Canvas, symbol: Symbol, left: float, top: float, side: float) -> float:
    """Draw the symbol in a square of ``side``, its quiet zone included; where its first dark column begins."""
    module = side / (symbol.modules + 2 * symbol.quiet_modules)
    left, top = left + symbol.quiet_modules * module, top - symbol.quiet_modules * module
    path = canvas.beginPath()
    for row, column, count in symbol.runs():
        path.rect(left + column * module, top - (row + 1) * module, count * module, module)
    canvas.drawPath(path, stroke=0, fill=1)
    return left
