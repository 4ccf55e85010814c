"""What is printed is read back: sheets as a scanner sees them, ZPL as a printer understands it."""

from __future__ import annotations

from typing import Any

import pypdfium2
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from central.codes.exports import PDF_LIMIT, Export, check_span, pieces
from central.codes.labels import Labels
from central.codes.orders import Format, OrderError
from central.codes.printers import Media, elements
from central.codes.sheets import Sheet, pdf
from central.codes.symbols import symbol_of
from protocol.codes import recognise
from tests.central.codes.orders_kit import TODAY, labels, order
from tests.central.codes.test_labels import SET_82
from tests.central.codes.zpl_reader import FNC1, read

DOTS_PER_INCH = 200
IDENTIFIERS = {Format.SGTIN: "]d2", Format.DIGITAL_LINK: "]Q1", Format.SHORT: "]Q1"}
FORMS: list[dict[str, Any]] = [
    {"form": Format.SGTIN},
    {"form": Format.SGTIN, "batch": "(10)A_(b)", "expiry": None},
    {"form": Format.DIGITAL_LINK, "batch": "A,B%C/D?E&F=G;H+I:J*"},
    {"form": Format.SHORT, "domain": "https://b.example/c"},
    {"form": Format.SHORT},
]


def pages(document: bytes) -> list[Image.Image]:
    """A PDF as pictures, as a printer of 200 dots per inch would print it."""
    with pypdfium2.PdfDocument(document) as opened:
        return [page.render(scale=DOTS_PER_INCH / 72).to_pil() for page in opened]


def scanned(picture: Image.Image) -> list[tuple[str, str]]:
    """(AIM identifier, content) of every symbol, row by row from the top left."""
    found = zxingcpp.read_barcodes(picture)
    in_order = sorted(found, key=lambda one: (one.position.top_left.y // 100, one.position.top_left.x))
    return [(one.symbology_identifier, one.bytes.decode("ascii")) for one in in_order]


@pytest.mark.parametrize("form", FORMS)
def test_every_symbol_on_a_sheet_is_read_back_as_its_code(form: dict[str, Any]) -> None:
    made = labels(order(**form))
    identifier = IDENTIFIERS[form["form"]]
    printed = [one for page in pages(pdf(made.labels(1, 30), form["form"], "test")) for one in scanned(page)]
    assert printed == [(identifier, label.code) for label in made.labels(1, 30)]


@pytest.mark.parametrize("form", [Format.SGTIN, Format.DIGITAL_LINK])
def test_what_a_scanner_sends_of_a_sheet_is_recognised_as_the_item(form: Format) -> None:
    made = labels(order(form))
    (page,) = pages(pdf(made.labels(1, 21), form, "test"))
    items = [recognise(identifier + content, today=TODAY).item for identifier, content in scanned(page)]
    assert items == [label.item for label in made.labels(1, 21)]


def test_a_sheet_says_below_a_symbol_what_is_in_it() -> None:
    with pypdfium2.PdfDocument(pdf(labels(order()).labels(5, 5), Format.SGTIN, "test")) as document:
        text = document[0].get_textpage().get_text_range()
    serial = labels(order()).label(5).item[18:]
    assert text.split("\r\n") == ["(01)04012345678901", f"(21){serial}", "(10)LOT7 (17)271231", "No. 5"]


def test_a_sheet_of_the_same_labels_is_the_same_file() -> None:
    first, second = (pdf(labels(order()).labels(1, 3), Format.SGTIN, "test") for _ in range(2))
    assert first == second


def test_nothing_on_a_sheet_leaves_its_label() -> None:
    sheet = Sheet()
    made = labels(order(batch="W" * 20))
    (page,) = pages(pdf(made.labels(1, sheet.label_count), Format.SGTIN, "test"))
    dark = page.convert("L").point(lambda level: 255 if level < 128 else 0)
    width, height = page.width / sheet.columns, page.height / sheet.rows
    edges = [
        (int(column * width) - 8, 0, int(column * width) + 8, page.height)
        for column in range(sheet.columns + 1)
    ] + [(0, int(row * height) - 3, page.width, int(row * height) + 3) for row in range(sheet.rows + 1)]
    assert [dark.crop(edge).getbbox() for edge in edges] == [None] * len(edges)


@settings(max_examples=60)
@given(st.text(SET_82, min_size=1, max_size=20), st.integers(1, 10_000))
def test_any_batch_survives_its_symbol(batch: str, number: int) -> None:
    label = labels(order(batch=batch)).label(number)
    symbol = symbol_of(label.code, Format.SGTIN)
    side = symbol.modules + 2 * symbol.quiet_modules
    picture = Image.new("L", (side, side), 255)
    picture.paste(Image.frombytes("L", (symbol.modules, symbol.modules), symbol.cells), (1, 1))
    assert scanned(picture.resize((4 * side, 4 * side), Image.Resampling.NEAREST)) == [("]d2", label.code)]


def test_the_runs_of_a_symbol_are_its_dark_modules() -> None:
    symbol = symbol_of(labels(order()).label(1).code, Format.SGTIN)
    cells = bytearray(b"\xff" * len(symbol.cells))
    for row, column, count in symbol.runs():
        start = row * symbol.modules + column
        cells[start : start + count] = bytes(count)
    assert bytes(cells) == symbol.cells


def zpl(made: Labels, last: int, **media: int) -> str:
    return b"".join(pieces(made, Export.ZPL, 1, last, Media(**media))).decode("ascii")


@pytest.mark.parametrize("form", [one for one in FORMS if one["form"] is Format.SGTIN])
def test_a_label_printer_gets_a_gs1_datamatrix(form: dict[str, Any]) -> None:
    made = labels(order(**form))
    printed = [fields[0] for fields in read(zpl(made, 250))]
    expected = [FNC1 + label.code.replace("\x1d", FNC1) for label in made.labels(1, 250)]
    assert [field.data for field in printed] == expected
    assert {field.command for field in printed} == {"^BXN,4,200,,,,#"}


@pytest.mark.parametrize("form", [one for one in FORMS if one["form"] is not Format.SGTIN])
def test_a_label_printer_gets_a_qr_code(form: dict[str, Any]) -> None:
    made = labels(order(**form))
    printed = [fields[0] for fields in read(zpl(made, 3))]
    assert printed == [("^BQN,2,4", label.code) for label in made.labels(1, 3)]


def test_a_label_from_a_printer_says_beside_its_symbol_what_is_in_it() -> None:
    made = labels(order())
    ((_, *text),) = read(zpl(made, 1))
    assert "".join(field.data for field in text) == made.label(1).human_readable


@pytest.mark.parametrize(("dots_per_inch", "command"), [(203, "^BXN,4"), (300, "^BXN,6"), (600, "^BXN,12")])
def test_a_symbol_is_as_large_on_every_printer(dots_per_inch: int, command: str) -> None:
    ((symbol, *_),) = read(zpl(labels(order()), 1, dots_per_inch=dots_per_inch))
    assert symbol.command.startswith(command)


@given(st.text(SET_82, min_size=1, max_size=20))
def test_the_text_of_a_label_is_cut_into_lines_and_nothing_is_lost(batch: str) -> None:
    label = labels(order(batch=batch)).label(1)
    lines = elements(label)
    assert "".join(lines) == label.human_readable
    assert lines[:2] == ["(01)04012345678901", f"(21){label.item[18:]}"]


def test_a_csv_of_a_part_has_the_lines_of_that_part() -> None:
    made = labels(order())
    part = b"".join(pieces(made, Export.CSV, 9, 11)).splitlines(keepends=True)
    assert (part[0], b"".join(part[1:])) == (b"number,item,code,human_readable\r\n", made.rows(9, 11))


@pytest.mark.parametrize(
    ("export", "first", "last", "said"),
    [
        (Export.CSV, 0, 5, "codes 0 to 5: expected numbers from 1 to 50000"),
        (Export.CSV, 5, 4, "codes 5 to 4"),
        (Export.ZPL, 1, 50_001, "codes 1 to 50001"),
        (Export.PDF, 1, PDF_LIMIT + 1, "10,001 labels in one PDF: expected 10,000 at most"),
    ],
)
def test_a_part_that_there_is_not_or_that_is_too_large_is_refused(
    export: Export, first: int, last: int, said: str
) -> None:
    with pytest.raises(OrderError, match=said):
        check_span(labels(order(count=50_000)), export, first, last)
