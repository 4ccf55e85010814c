"""The calibration sheet, as a scanner sees it."""

from __future__ import annotations

from itertools import groupby
from typing import cast

import pypdfium2
import pytest
import zxingcpp

from devices.calibration.sheet import sheet_pdf
from devices.calibration.symbols import SYMBOLS, SheetSymbol
from devices.layout import shipped_layouts
from tests.devices.calibration.paper import scanned
from tests.devices.calibration.simulated import chords_of

PRINTED = [(one.symbology, (one.text + ("\x1d" + one.rest if one.rest else "")).encode()) for one in SYMBOLS]


@pytest.mark.parametrize("dots_per_inch", [203, 300, 600])
def test_every_symbol_of_the_sheet_is_read_back(dots_per_inch: int) -> None:
    assert scanned(sheet_pdf(), dots_per_inch) == PRINTED


def test_the_sheet_is_one_page_that_says_what_to_do() -> None:
    with pypdfium2.PdfDocument(sheet_pdf()) as document:
        assert len(document) == 1
        text = document[0].get_textpage().get_text_range()
    assert [line for line in text.splitlines() if line[:2] in {"1.", "2.", "3."}] == [
        f"{one.number}. {one.title}" for one in SYMBOLS
    ]


def test_the_sheet_is_the_same_file_every_time() -> None:
    assert sheet_pdf() == sheet_pdf()


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda symbol: symbol.key)
def test_the_bars_are_those_the_library_draws(symbol: SheetSymbol) -> None:
    text = (
        f"({symbol.text[:2]}){symbol.text[2:]}({symbol.rest[:2]}){symbol.rest[2:]}"
        if symbol.rest
        else symbol.text
    )
    made = zxingcpp.create_barcode(text, zxingcpp.Code128, gs1=bool(symbol.rest))
    image = memoryview(cast("bytes", made.to_image(scale=1, add_quiet_zones=False)))
    assert image.shape is not None
    row = image.tobytes()[: image.shape[1]]
    assert symbol.widths == "".join(str(len(list(run))) for _, run in groupby(row))


@pytest.mark.parametrize("layout", shipped_layouts())
def test_every_layout_prints_the_characters_of_the_sheet(layout: str) -> None:
    needed = {character for one in SYMBOLS for character in one.symbology + one.text + one.rest}
    assert needed - chords_of(layout).keys() == set()


def test_no_two_layouts_type_the_sheet_with_the_same_keys() -> None:
    typed = {
        tuple(chords_of(layout)[character] for one in SYMBOLS for character in one.text)
        for layout in shipped_layouts()
    }
    assert len(typed) == len(shipped_layouts())
