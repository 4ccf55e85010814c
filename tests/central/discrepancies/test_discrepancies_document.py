"""The guide names every class, every cause that a rule can give, and the limits as they are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from central.discrepancies.limits import DEFAULTS
from central.discrepancies.rules import DiscrepancyClass

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs" / "discrepancies.md").read_text(encoding="utf-8")
ROWS = [line.split("|")[1:-1] for line in GUIDE.splitlines() if line.startswith("| `")]
CLASSES = [row for row in ROWS if len(row) == 7]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", cell))


def test_every_class_has_one_row() -> None:
    named = [name for row in CLASSES for name in sorted(words(row[0]))]
    assert sorted(named) == sorted(one.value for one in DiscrepancyClass)


def test_every_cause_of_a_rule_is_in_the_guide() -> None:
    given = {
        node.args[0].value
        for path in (ROOT / "central" / "discrepancies" / "causes").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Likely"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    told = {cause for row in CLASSES for cause in words(row[4])}
    assert len(given) > 20
    assert {str(one) for one in given} - told == set()


def test_the_limits_are_those_of_the_guide() -> None:
    told = dict(re.findall(r"`([a-z_]+)` \(([\d.]+)\)", GUIDE))
    assert {name: float(value) for name, value in told.items()} == {
        name: float(getattr(DEFAULTS, name)) for name in told
    }
    assert set(told) >= {"transit_days", "silent_hours", "phantom_probability", "invoice_wait_days"}
