"""The GS1 Application Identifiers: biip's dictionary, shaped for reading a label field by field.

biip's own walk over a message is not used. It takes as many characters as a field can hold where a separator
is lost, keeps a wrong check digit, accepts one identifier twice with two values, and reads the clock.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec
from biip import ParseError
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

CHECKED_DIGITS = {
    "00": 18, "01": 14, "02": 14, "03": 14, "253": 13, "255": 13, "402": 17, "8003": 14, "8006": 14,
    "8017": 18, "8018": 18, "8026": 14, **{f"41{n}": 13 for n in range(8)},
}  # fmt: skip
"""How many leading digits of a value end in a check digit (GS1 General Specifications, section 3)."""

DATES = frozenset(
    ("11", "12", "13", "15", "16", "17", "4324", "4325", "4326", "7003", "7006", "7007", "7011", "8008")
)
"""Identifiers whose value begins with YYMMDD."""

WITHOUT_DAY = frozenset(("11", "12", "13", "15", "16", "17", "4324", "4325"))
"""Those of which the day may be 00."""

TIMES = frozenset(("4324", "4325", "7003", "7011"))
"""Those in which hhmm follows. Behind a delivery date (432n), 9999 stands for no time."""

PIECES = frozenset(("8006", "8026"))
"""Identifiers that end in the number of a piece and the number of pieces, two digits each."""

CHECK_CHARACTERS = frozenset(("8013", "8014"))
"""Identifiers that end in two check characters."""

EXCLUDING = (
    ("01", "02"), ("01", "03"), ("01", "37"), ("01", "255"), ("01", "8006"), ("02", "03"), ("02", "255"), ("02", "8026"),
    ("03", "37"), ("03", "235"), ("03", "8006"), ("03", "8026"), ("21", "235"), ("37", "8006"), ("255", "8006"),
    ("255", "8026"), ("8006", "8026"), ("8017", "8018"),
)  # fmt: skip
"""Pairs that may not stand in one label: both number the goods, or one says of them what the other rules out (4.13)."""

_COMPONENT = re.compile(r"(\[?)\+?([NXYZ])(\.\.)?(\d+)\]?")


class Component(msgspec.Struct, frozen=True):
    """A part of a value: digits or characters; `length` of them, or up to `length`."""

    digits: bool
    length: int
    fixed: bool


class ApplicationIdentifier(msgspec.Struct, frozen=True):
    """One identifier. `predefined_length`: of the kind that no separator has to follow (figure 7.8.5-2)."""

    ai: str
    title: str
    pattern: re.Pattern[str]
    predefined_length: int | None
    max_length: int
    components: tuple[Component, ...]

    def matches(self, value: str) -> bool:
        return value != "" and self.pattern.fullmatch(value) is not None


def identifier_of(text: str) -> ApplicationIdentifier | None:
    """The identifier that `text` begins with; no two begin alike. None where there is none."""
    return _identifier_of(text[:4])


def exactly(ai: str) -> ApplicationIdentifier | None:
    """The identifier whose number is `ai`, no more and no less."""
    identifier = identifier_of(ai)
    return identifier if identifier is not None and identifier.ai == ai else None


@lru_cache(maxsize=4096)
def _identifier_of(start: str) -> ApplicationIdentifier | None:
    try:
        entry = GS1ApplicationIdentifier.extract(start)
    except ParseError:
        return None
    components = tuple(_components(entry.format.partition("+")[2]))
    max_length = sum(component.length for component in components)
    return ApplicationIdentifier(
        ai=entry.ai,
        title=entry.data_title,
        pattern=re.compile(entry.pattern.removeprefix(f"^{entry.ai}").removesuffix("$")),
        predefined_length=None if entry.separator_required else max_length,
        max_length=max_length,
        components=components,
    )


def _components(value_format: str) -> list[Component]:
    """`N13[+X..17]` as parts; a part in brackets may be absent, so its length varies."""
    return [
        Component(digits=kind == "N", length=int(length), fixed=not optional and not up_to)
        for optional, kind, up_to, length in _COMPONENT.findall(value_format)
    ]
