"""The guide names a test for each trouble of scanners in shops; each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PART = re.compile(r"`([\w/]+\.py)`|`(test_\w+)`")


def named_tests() -> list[tuple[str, str]]:
    """Every test of the list, as its file and its name; a name belongs to each file named before it."""
    text = (ROOT / "docs" / "scanners.md").read_text(encoding="utf-8")
    section = text.partition("## What goes wrong in shops")[2].partition("\n## ")[0]
    found = []
    for row in section.splitlines():
        for group in row.split(";"):
            parts = _PART.findall(group)
            files = [file for file, _ in parts if file]
            found += [(file, test) for file in files for _, test in parts if test]
    return found


def source_of(file: str) -> str:
    """A file of the list, which stands in tests/devices unless it says otherwise."""
    return (ROOT / (file if file.startswith("tests/") else f"tests/devices/{file}")).read_text(
        encoding="utf-8"
    )


def test_every_test_the_guide_names_is_there() -> None:
    missing = [(file, test) for file, test in named_tests() if f"def {test}(" not in source_of(file)]
    assert missing == []


def test_the_list_is_as_long_as_the_troubles_are_many() -> None:
    assert len(named_tests()) >= 30
