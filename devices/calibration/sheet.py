"""The calibration sheet as a PDF of one A4 page, written without any library (ISO 32000-1).

Symbols are shapes and not pictures, so that every printer prints them as sharp as it can.
"""

from __future__ import annotations

from devices.calibration.symbols import SYMBOLS, SheetSymbol

_POINTS_PER_MM = 72 / 25.4
_WIDTH_MM, _HEIGHT_MM = 210.0, 297.0
_MODULE_MM = 0.375
"""Three dots of a label printer or nine of an office printer; far above the 0.25 mm that handheld scanners resolve."""
_BAR_HEIGHT_MM = 18.0
_LEFT_MM = 25.0
_FIRST_TOP_MM = 235.0
_PITCH_MM = 62.0
"""So far apart that a scanner held before one symbol does not see the next."""

_INTRODUCTION = (
    (18, 270.0, "Countermark: calibration of a scanner"),
    (
        10,
        262.0,
        "Print at 100 %, in black on white. Scan the symbols one by one, each once, as the program asks.",
    ),
    (10, 257.0, "Cover the other symbols with your hand if the scanner reads one of them instead."),
)


def sheet_pdf() -> bytes:
    """The sheet; the same bytes every time."""
    drawn = [_text(size, _LEFT_MM, at_mm, text) for size, at_mm, text in _INTRODUCTION]
    for place, symbol in enumerate(SYMBOLS):
        drawn += _symbol(symbol, _FIRST_TOP_MM - place * _PITCH_MM)
    return _document("\n".join(drawn).encode("ascii"))


def _symbol(symbol: SheetSymbol, top_mm: float) -> list[str]:
    title = _text(12, _LEFT_MM, top_mm + 3, f"{symbol.number}. {symbol.title}")
    bars, at_mm = [], _LEFT_MM
    bottom_mm = top_mm - _BAR_HEIGHT_MM
    for place, modules in enumerate(symbol.widths):
        width_mm = int(modules) * _MODULE_MM
        if place % 2 == 0:
            bars.append(" ".join(_points(mm) for mm in (at_mm, bottom_mm, width_mm, _BAR_HEIGHT_MM)) + " re")
        at_mm += width_mm
    return [title, *bars, "f"]


def _text(size: int, left_mm: float, baseline_mm: float, text: str) -> str:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 {size} Tf {_points(left_mm)} {_points(baseline_mm)} Td ({escaped}) Tj ET"


def _points(mm: float) -> str:
    return f"{mm * _POINTS_PER_MM:.3f}"


def _document(content: bytes) -> bytes:
    """A page in a file: objects, a table of where each begins, and a trailer (ISO 32000-1, 7.5)."""
    page = f"/MediaBox [0 0 {_points(_WIDTH_MM)} {_points(_HEIGHT_MM)}]".encode("ascii")
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R "
        + page
        + b" /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n" % len(content) + content + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    written = bytearray(b"%PDF-1.4\n")
    starts = []
    for number, body in enumerate(objects, 1):
        starts.append(len(written))
        written += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table_at = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % start for start in starts)
    written += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    written += b"startxref\n%d\n%%%%EOF\n" % table_at
    return bytes(written)
