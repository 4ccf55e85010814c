"""Reading CSV files. Pure: text in, rows and faults out.

One line of text is one record: a quotation mark that is never closed spoils its own line and not the rest of the file. The
price is that a field cannot hold a line break.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from central.errors import CentralError

FIELD_LIMIT = 1000
"""Characters in one field; a name beyond that is a broken file."""


class ImportRefused(CentralError):
    """A file of which nothing can be imported."""


class Wrong(msgspec.Struct, frozen=True):
    """A value that cannot be meant, and what was expected instead."""

    column: str
    value: str
    expected: str


class Fault(msgspec.Struct, frozen=True):
    """A line that was not imported. ``line`` counts from 1, with the header as line 1."""

    line: int
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        shown = f" {self.value[:80]!r}" if self.value else ""
        return f"line {self.line}: {self.column}{shown}: expected {self.expected}"


Row = TypeVar("Row")
Fields = Mapping[str, str]


class Numbered(msgspec.Struct, Generic[Row], frozen=True):
    """A row with the number of its line."""

    line: int
    row: Row


class Columns(msgspec.Struct, frozen=True):
    """Which columns a file must and may have, in any order."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


def read(
    text: Iterable[str], columns: Columns, parse: Callable[[Fields], Row | Wrong]
) -> Iterator[Numbered[Row] | Fault]:
    """Every line after the header as a row or a fault; empty lines are passed over.

    Raises :class:`ImportRefused` when the header does not fit: then no line means what it should.
    """
    lines = enumerate(text, 1)
    header = _header(next(lines, (1, ""))[1], columns)
    for number, line in lines:
        if not line.strip():
            continue
        fields = _fields(line, header)
        found = fields if isinstance(fields, Wrong) else parse(fields)
        if isinstance(found, Wrong):
            yield Fault(number, found.column, found.value, found.expected)
        else:
            yield Numbered(number, found)


def no_doubles(
    rows: Iterable[Numbered[Row] | Fault], key: Callable[[Row], tuple[str, ...]], named: str
) -> Iterator[Numbered[Row] | Fault]:
    """The same, with every row whose key an earlier line has turned into a fault: which of the two is meant, nobody knows."""
    first: dict[tuple[str, ...], int] = {}
    for found in rows:
        if isinstance(found, Fault):
            yield found
            continue
        own = key(found.row)
        if own in first:
            yield Fault(found.line, named, " ".join(own), f"once in a file; line {first[own]} has it too")
        else:
            first[own] = found.line
            yield found


def _header(line: str, columns: Columns) -> Sequence[str]:
    names = [name.strip().lower() for name in _split(line.lstrip("\ufeff")) or []]
    expected = ",".join(columns.required) + "".join(f"[,{name}]" for name in columns.optional)
    missing = [name for name in columns.required if name not in names]
    strange = [name for name in names if name not in (*columns.required, *columns.optional)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    for fault, which in (("misses", missing), ("has an unknown", strange), ("repeats", doubled)):
        if which:
            raise ImportRefused(
                f"line 1: the header {fault} column {', '.join(repr(name[:40]) for name in which[:5])}; expected {expected}"
            )
    return names


def _fields(line: str, header: Sequence[str]) -> Fields | Wrong:
    values = _split(line)
    if values is None:
        return Wrong("line", line.strip(), "a closed quotation mark before the end of the line")
    if len(values) != len(header):
        return Wrong("line", line.strip(), f"{len(header)} fields ({','.join(header)}), found {len(values)}")
    for name, value in zip(header, values, strict=True):
        if len(value) > FIELD_LIMIT:
            return Wrong(name, value, f"at most {FIELD_LIMIT} characters, found {len(value)}")
        if not value.isprintable() and any(ord(sign) < 32 or 0xD800 <= ord(sign) <= 0xDFFF for sign in value):
            shown = value.encode("utf-8", "replace").decode()
            return Wrong(name, shown, "text in UTF-8 without control characters")
    return {name: value.strip() for name, value in zip(header, values, strict=True)}


def _split(line: str) -> list[str] | None:
    try:
        return next(csv.reader([line.rstrip("\r\n")], strict=True), [])
    except csv.Error:
        return None
