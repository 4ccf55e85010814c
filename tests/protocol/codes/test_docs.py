"""The page about codes says what the recogniser does."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from protocol.codes import Cause, Code, Kind, Rules, parse_typed, recognise

PAGE = (Path(__file__).parents[3] / "docs" / "codes.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    match = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert match is not None
    return match[1]


RULES = msgspec.convert(tomllib.loads(block("toml"))["codes"], Rules)
EXAMPLES: dict[str, dict[str, Any]] = json.loads(block("json"))


@pytest.mark.parametrize("typed", EXAMPLES)
def test_every_example_on_the_page_is_what_the_recogniser_says(typed: str) -> None:
    assert recognise(parse_typed(typed), rules=RULES) == msgspec.convert(EXAMPLES[typed], Code)


@pytest.mark.parametrize("word", [*get_args(Kind), *get_args(Cause), *Code.__struct_fields__])
def test_every_kind_cause_and_key_is_on_the_page(word: str) -> None:
    assert f"`{word}`" in PAGE
