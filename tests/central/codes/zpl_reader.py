"""A label printer for tests: what its language says is printed, by the rules of the ZPL II programming guide."""

from __future__ import annotations

import re
from typing import NamedTuple

_DATA = re.compile(r"\^FD(.*?)\^FS", re.DOTALL)


class PrintedField(NamedTuple):
    """One field: the command that says how, and its data as it is printed. FNC1 stands as a letter that no code has."""

    command: str
    data: str


FNC1 = "\xe8"


def read(zpl: str) -> list[list[PrintedField]]:
    """The fields of each label."""
    labels = re.findall(r"\^XA(.*?)\^XZ", zpl, re.DOTALL)
    return [[_field(part) for part in re.split(r"(?=\^FO)", label)[1:]] for label in labels]


def _field(text: str) -> PrintedField:
    found = _DATA.search(text)
    assert found is not None
    command = re.sub(r"^\^FO\d+,\d+", "", text[: found.start()])
    data = found[1]
    assert not re.search("[\\^~]", data), "these begin a command, wherever they stand"
    if command.startswith("^BX"):
        return PrintedField(command, _unescaped(data, command.split(",")[6]))
    if command.startswith("^BQ"):
        level, packing, comma, content = data[0], data[1], data[2], data[3:]
        assert (level in "HQML", packing, comma) == (True, "A", ",")
        return PrintedField(command, content)
    return PrintedField(command, data)


def _unescaped(data: str, escape: str) -> str:
    """^BX of quality 200: the escape character and ``1`` is FNC1; the character itself stands twice."""
    out = re.sub(f"{re.escape(escape)}(.)", lambda found: FNC1 if found[1] == "1" else found[1], data)
    assert len(re.findall(re.escape(escape), data)) == out.count(FNC1)
    return out
