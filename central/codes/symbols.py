"""Codes as symbols: squares, dark or light. The one place that knows the library that draws them.

Element strings become a GS1 DataMatrix: FNC1 in first position, so that a scanner says ``]d2`` (ISO/IEC 16022, GS1 General Specifications 5.6).
Web addresses and short codes become a QR Code (ISO/IEC 18004) of error correction level M, ``]Q1``.
"""

from __future__ import annotations

import re
from typing import cast

import msgspec
import zxingcpp

from central.codes.orders import Format
from protocol.codes.application_identifiers import identifier_of
from protocol.codes.element_strings import GS

_ESCAPED = re.compile(r"[()]")


class Symbol(msgspec.Struct, frozen=True):
    """A square symbol without its quiet zone: rows of modules, one byte each, dark where it is 0.

    ``quiet_modules``: how much light there must be on each side, in modules.
    """

    modules: int
    cells: bytes
    quiet_modules: int

    def runs(self) -> list[tuple[int, int, int]]:
        """Its dark modules as (row, first column, how many side by side)."""
        found = []
        for row in range(self.modules):
            line = self.cells[row * self.modules : (row + 1) * self.modules]
            at = line.find(0)
            while at >= 0:
                end = at
                while end < self.modules and line[end] == 0:
                    end += 1
                found.append((row, at, end - at))
                at = line.find(0, end)
        return found


def symbol_of(code: str, form: Format) -> Symbol:
    """The symbol of a code."""
    if form is Format.SGTIN:
        made = zxingcpp.create_barcode(bracketed(code), zxingcpp.DataMatrix, gs1=True, force_square=True)
        quiet = 1
    else:
        made = zxingcpp.create_barcode(code, zxingcpp.QRCode, ec_level="M")
        quiet = 4
    # The library's image offers its bytes as a buffer; its annotations do not say so.
    image = memoryview(cast("bytes", made.to_image(scale=1, add_quiet_zones=False)))
    assert image.shape is not None
    return Symbol(modules=image.shape[0], cells=image.tobytes(), quiet_modules=quiet)


def bracketed(element_string: str) -> str:
    """An element string as the library takes it: identifiers in brackets, brackets in values behind a backslash."""
    elements = []
    for part in element_string.split(GS):
        rest = part
        while rest:
            identifier = identifier_of(rest)
            assert identifier is not None
            end = len(identifier.ai) + (identifier.predefined_length or len(rest))
            value, rest = rest[len(identifier.ai) : end], rest[end:]
            elements.append(f"({identifier.ai}){_ESCAPED.sub(lambda found: chr(92) + found[0], value)}")
    return "".join(elements)
