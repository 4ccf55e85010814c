"""Paper: what a scanner sees of a printed page."""

from __future__ import annotations

import pypdfium2
import zxingcpp


def scanned(document: bytes, dots_per_inch: int) -> list[tuple[str, bytes]]:
    """AIM identifier and content of each symbol of a PDF's first page, from top to bottom."""
    with pypdfium2.PdfDocument(document) as opened:
        picture = opened[0].render(scale=dots_per_inch / 72).to_pil()
    found = sorted(zxingcpp.read_barcodes(picture), key=lambda one: one.position.top_left.y)
    return [(one.symbology_identifier, one.bytes) for one in found]
