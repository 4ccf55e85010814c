"""Labels in ZPL II, the language of most label printers (Zebra, and many that understand it).

A GS1 DataMatrix is ``^BX`` of quality 200 (ECC 200). Its escape character is set to ``#``, which no GS1 value holds; the usual ones
do not serve, ``_`` is in every third signature and ``~`` steers the printer. ``#1`` is FNC1: in front it makes the symbol a GS1 one, further on it is the
separator, which a scanner sends as GS. A QR Code is ``^BQ`` of model 2; in its data ``M`` asks for error correction level M and ``A`` leaves it to the printer
how characters are packed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from central.codes.labels import Label
from central.codes.orders import Format
from protocol.codes.element_strings import GS

ESCAPE = "#"
DOTS_PER_MM = {203: 8, 300: 12, 600: 24}
_MODULE_MM = 0.5
_WIDTH_MM, _HEIGHT_MM = 70, 42
_TEXT_MM = 2.5


class Media(msgspec.Struct, frozen=True):
    """What is printed on: the printer's resolution, of :data:`DOTS_PER_MM`."""

    dots_per_inch: int = 203

    def dots(self, mm: float) -> int:
        """Millimetres in dots, one at least."""
        return max(1, round(mm * DOTS_PER_MM[self.dots_per_inch]))


def zpl(labels: Iterable[Label], form: Format, media: Media) -> Iterator[str]:
    """Each label as ZPL: the symbol, and the text on its right."""
    symbol = _datamatrix if form is Format.SGTIN else _qr
    for label in labels:
        lines = [
            "^XA",
            f"^PW{media.dots(_WIDTH_MM)}^LL{media.dots(_HEIGHT_MM)}^LH0,0",
            f"^FO{media.dots(3)},{media.dots(3)}{symbol(label.code, media)}^FS",
        ]
        for line, text in enumerate(_text_lines(label)):
            place = f"^FO{media.dots(35)},{media.dots(4 + line * (_TEXT_MM + 1))}"
            lines.append(f"{place}^A0N,{media.dots(_TEXT_MM)},0^FD{text}^FS")
        yield "\n".join((*lines, "^XZ", ""))


def elements(label: Label) -> list[str]:
    """The text beside a symbol, one element each; a short code as it is."""
    if not label.human_readable.startswith("(01)"):
        return [label.human_readable]
    found, rest = [], label.human_readable
    # Brackets may stand in a batch, behind which nothing but the expiry comes.
    for place in (rest.find("(21)"), rest.find("(10)"), rest.rfind("(17)")):
        at = place - (len(label.human_readable) - len(rest))
        if at > 0:
            found.append(rest[:at])
            rest = rest[at:]
    return [*found, rest]


def _text_lines(label: Label) -> list[str]:
    lines = elements(label)
    half = len(lines[0]) // 2
    return [lines[0][:half], lines[0][half:]] if len(lines) == 1 else lines


def _datamatrix(code: str, media: Media) -> str:
    data = code.replace(GS, f"{ESCAPE}1")
    return f"^BXN,{media.dots(_MODULE_MM)},200,,,,{ESCAPE}^FD{ESCAPE}1{data}"


def _qr(code: str, media: Media) -> str:
    return f"^BQN,2,{min(10, media.dots(_MODULE_MM))}^FDMA,{code}"
