"""What stands on a label: the code in its symbol, the item it names, the text below it. Pure.

The parts that all labels of an order have in common are rendered once, by the renderers that the recogniser is tested against; of a single label
only the serial and the signed part are put in between.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from functools import partial
from string import ascii_uppercase

import msgspec

from central.codes.orders import Format, Order
from central.codes.serials import SERIAL_CHARACTERS, Serials
from protocol.codes import render_bracketed, render_digital_link, render_element_string
from protocol.codes.signed import KEY_AI, TAIL_AI, TAIL_CHARACTERS, signed_bytes, tail_elements

COLUMNS = ("number", "item", "code", "human_readable")
Sign = Callable[[bytes], bytes]


class Label(msgspec.Struct, frozen=True):
    """One label.

    ``code``: what the symbol carries; in element strings a separator is GS (0x1D), and the FNC1 in front is the symbol's. ``human_readable``:
    the text beside it, without the signed part, which tells a person nothing.
    """

    number: int
    item: str
    code: str
    human_readable: str


class Labels:
    """The labels of one order. ``sign`` is the order's key; short codes need none."""

    def __init__(self, order: Order, serials: Serials, sign: Sign | None) -> None:
        self.order = order
        self._serials = serials
        self._sign = sign
        self._expiry = order.expiry.isoformat() if order.expiry else None
        serial_mark = _mark(SERIAL_CHARACTERS, order)
        tail_mark = _mark(TAIL_CHARACTERS, order)
        sample = Label(
            0,
            f"01{order.gtin}21{serial_mark}",
            _code(order, serial_mark, tail_mark),
            _text(order, serial_mark),
        )
        fill = partial(_filler, serial_mark=serial_mark, tail_mark=tail_mark)
        self._item = fill(sample.item)
        self._code = fill(sample.code)
        self._text = fill(sample.human_readable)
        self._row = fill(csv_row(sample).removeprefix("0"))

    def label(self, number: int) -> Label:
        """The label with a running number, from 1."""
        serial, tail = self._parts(number)
        return Label(number, self._item(serial, tail), self._code(serial, tail), self._text(serial, tail))

    def labels(self, first: int, last: int) -> Iterator[Label]:
        """The labels from one number to another, both included."""
        return map(self.label, range(first, last + 1))

    def rows(self, first: int, last: int) -> bytes:
        """The same as lines of CSV, made at once."""
        return "".join(
            f"{number}{self._row(*self._parts(number))}" for number in range(first, last + 1)
        ).encode("ascii")

    def _parts(self, number: int) -> tuple[str, str]:
        """The serial and the signed part, which is empty for a short code."""
        serial = self._serials.serial(number)
        order = self.order
        if self._sign is None or order.key_id is None:
            return serial, ""
        data = signed_bytes(
            key_id=order.key_id,
            gtin=order.gtin,
            serial=serial,
            day=order.signed_on,
            batch=order.batch,
            expiry=self._expiry,
        )
        return serial, tail_elements(order.key_id, order.signed_on, self._sign(data))[TAIL_AI]


def csv_row(label: Label) -> str:
    """One line of a file of codes (RFC 4180): :data:`COLUMNS`."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(msgspec.structs.astuple(label))
    return text.getvalue()


CSV_HEADER = (",".join(COLUMNS) + "\r\n").encode()


def _code(order: Order, serial: str, tail: str) -> str:
    if order.format is Format.SHORT:
        return f"{order.domain.rstrip('/')}/{serial}" if order.domain else serial
    assert order.key_id is not None
    elements = {**_printed(order, serial), KEY_AI: order.key_id, TAIL_AI: tail}
    if order.format is Format.SGTIN:
        return render_element_string(elements)
    assert order.domain is not None
    return render_digital_link(elements, order.domain)


def _text(order: Order, serial: str) -> str:
    return serial if order.format is Format.SHORT else render_bracketed(_printed(order, serial))


def _printed(order: Order, serial: str) -> dict[str, str]:
    elements = {"01": order.gtin, "21": serial}
    if order.batch:
        elements["10"] = order.batch
    if order.expiry:
        elements["17"] = f"{order.expiry:%y%m%d}"
    return elements


def _mark(characters: int, order: Order) -> str:
    """Stands in for a serial or a signed part: a run of letters that nothing else of the order has in it."""
    taken = f"{order.batch} {order.domain} {order.key_id}"
    return next(letter * characters for letter in ascii_uppercase if letter * SERIAL_CHARACTERS not in taken)


def _filler(text: str, serial_mark: str, tail_mark: str) -> Callable[[str, str], str]:
    """A function that puts a serial and a signed part where ``text`` has the marks."""
    template = text.replace("{", "{{").replace("}", "}}")
    return template.replace(tail_mark, "{1}").replace(serial_mark, "{0}").format
