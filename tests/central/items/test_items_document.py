"""The guide to items says of each state what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from central.discrepancies.rules import DiscrepancyClass
from central.items.signals import Signals
from central.policy.rules import NEVER_ACCEPTED
from protocol.epcis import DISPOSITIONS
from protocol.feeds import ItemHere
from protocol.items import State
from protocol.verdicts import judge

GUIDE = (Path(__file__).parents[3] / "docs" / "items.md").read_text(encoding="utf-8")


def test_every_state_stands_in_the_guide_with_its_verdict_and_disposition() -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]+\| `(\w+)` \| `(\w+)` \|$", GUIDE, re.MULTILINE)
    known = [
        (
            state.value,
            judge(ItemHere(item="i", gtin="0" * 14, state=state), "here", "2026-01-01")[0].value,
            DISPOSITIONS[state],
        )
        for state in State
    ]
    assert rows == known


def test_every_signal_in_the_guide_is_a_class_of_discrepancies() -> None:
    section = GUIDE.partition("## Signals")[2].partition("## What")[0]
    named = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert set(named) <= {one.value for one in DiscrepancyClass}
    assert {"item_sold_twice", "impossible_travel", "item_code_copied", "repeated_checks"} <= set(named)


def test_the_numbers_in_the_guide_are_the_defaults() -> None:
    found = {name: float(value) for name, value in re.findall(r"`(\w+)` \((\d+)\)", GUIDE)}
    assert found == {name: float(getattr(Signals(), name)) for name in Signals.__struct_fields__}


def test_what_takes_force_is_named_in_the_guide() -> None:
    sentence = GUIDE.partition("To `accept` what is ")[2].partition(" without asking")[0]
    assert set(re.findall(r"`(\w+)`", sentence)) == {verdict.value for verdict in NEVER_ACCEPTED}
