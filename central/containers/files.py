"""Packing lists: a CSV file with one line for each thing and the container it lies in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import msgspec

from central.actors import By
from central.containers.packing import Contents, Packed, Refused, pack
from central.database import Connection, Database
from central.imports.rules import Columns, Fault, Fields, ImportRefused, Numbered, Wrong, read
from protocol.aggregation import CHILDREN_LIMIT, sscc_fault
from protocol.codes import parse_typed, recognise

COLUMNS = Columns(required=("sscc", "child"))


class Row(msgspec.Struct, frozen=True):
    """A line: ``child`` is an item's id or an SSCC, and ``is_container`` says which."""

    sscc: str
    child: str
    is_container: bool


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file."""

    containers: int
    items: int
    nested: int
    faults: tuple[str, ...]


def parse_row(fields: Fields) -> Row | Wrong:
    """A line of a packing list."""
    sscc, child = _bare(fields["sscc"]), fields["child"]
    wrong = sscc_fault(sscc)
    if wrong is not None:
        return Wrong("sscc", fields["sscc"], f"an SSCC ({wrong.partition(': ')[2]})")
    if sscc_fault(_bare(child)) is None:
        return Row(sscc, _bare(child), is_container=True)
    item = recognise(parse_typed(child)).item
    return Row(sscc, item, is_container=False) if item else Wrong("child", child, "an item's code or an SSCC")


def pack_file(database: Database, path: Path, by: By, site: str | None) -> Done:
    """Pack everything in a file, the inner containers first, each in a transaction of its own. Raises ImportRefused."""
    rows, faults = _read(path)
    contents = _by_container(rows)
    containers = items = nested = 0
    for sscc in _inner_first(path, contents):
        inside = contents[sscc]
        if len(inside.items) + len(inside.containers) > CHILDREN_LIMIT:
            faults.append(
                f"container {sscc}: {len(inside.items) + len(inside.containers)} things; expected at most {CHILDREN_LIMIT}"
            )
            continue
        done = database.run(_packing(sscc, inside, by, site))
        if isinstance(done, Refused):
            faults.append(f"container {sscc}: not packed: {done}")
            continue
        containers, items, nested = containers + 1, items + done.items, nested + done.containers
    return Done(containers=containers, items=items, nested=nested, faults=tuple(faults))


def _packing(
    sscc: str, contents: Contents, by: By, site: str | None
) -> Callable[[Connection], Packed | Refused]:
    return lambda connection: pack(connection, sscc, contents, by, site)


def _read(path: Path) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    faults: list[str] = []
    for found in _lines(path):
        if isinstance(found, Fault):
            faults.append(str(found))
        else:
            rows.append(found.row)
    return rows, faults


def _lines(path: Path) -> Iterator[Numbered[Row] | Fault]:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            yield from read(file, COLUMNS, parse_row)
    except OSError as error:
        raise ImportRefused(
            f"{path}: {error.strerror}; expected a CSV file with the columns sscc,child"
        ) from None


def _by_container(rows: list[Row]) -> dict[str, Contents]:
    items: dict[str, list[str]] = {}
    nested: dict[str, list[str]] = {}
    for row in rows:
        (nested if row.is_container else items).setdefault(row.sscc, []).append(row.child)
    return {
        sscc: Contents(
            items=tuple(dict.fromkeys(items.get(sscc, ()))),
            containers=tuple(dict.fromkeys(nested.get(sscc, ()))),
        )
        for sscc in {row.sscc: None for row in rows}
    }


def _inner_first(path: Path, contents: Mapping[str, Contents]) -> list[str]:
    order = TopologicalSorter({sscc: inside.containers for sscc, inside in contents.items()})
    try:
        return [sscc for sscc in order.static_order() if sscc in contents]
    except CycleError as error:
        ring = " in ".join(str(one) for one in error.args[1][:4])
        raise ImportRefused(f"{path}: containers lie in each other: {ring}; nothing was packed") from None


def _bare(text: str) -> str:
    return text[2:] if len(text) == 20 and text.startswith("00") else text
