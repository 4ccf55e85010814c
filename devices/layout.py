"""Keyboard layouts as data: which characters a key prints, plain, with Shift, with AltGr, with both.

A key's entry is a list of up to four levels; '' is a level that prints nothing. A key with one small letter alone
prints the capital with Shift. A name such as 'dead_acute' is an accent that waits for the next key.
"""

from __future__ import annotations

from importlib import resources
from typing import Annotated

import msgspec

from devices.errors import LayoutError
from devices.keycodes import KEY_CODES

# Each accent as it stands alone and as the combining character that Unicode composes with a letter.
DEAD_KEYS: dict[str, tuple[str, str]] = {
    "dead_acute": ("´", "\u0301"),
    "dead_breve": ("˘", "\u0306"),
    "dead_caron": ("ˇ", "\u030c"),
    "dead_cedilla": ("¸", "\u0327"),
    "dead_circumflex": ("^", "\u0302"),
    "dead_diaeresis": ("¨", "\u0308"),
    "dead_grave": ("`", "\u0300"),
    "dead_ring": ("°", "\u030a"),
    "dead_tilde": ("~", "\u0303"),
}

Levels = Annotated[list[str], msgspec.Meta(min_length=1, max_length=4)]


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One layout, keys by the kernel's names."""

    name: str
    title: str
    keys: dict[str, Levels]
    decimal: str = "."
    """What the keypad's decimal key prints."""

    def __post_init__(self) -> None:
        for key, levels in self.keys.items():
            if key not in KEY_CODES:
                raise ValueError(f"{key!r} is no key name of the kernel")
            for character in levels:
                if len(character) > 1 and character not in DEAD_KEYS:
                    raise ValueError(f"{key}: {character!r} is neither one character nor a dead key")

    def character(self, key: str, *, shift: bool, alt_gr: bool) -> str | None:
        """What a key prints, or the name of a dead key; None where this layout has nothing."""
        levels = self.keys.get(key)
        if levels is None:
            return None
        if len(levels) == 1 and shift and not alt_gr and _is_cased(levels[0]):
            return levels[0].upper()
        level = (1 if shift else 0) + (2 if alt_gr else 0)
        return levels[level] or None if level < len(levels) else None


def shipped_layouts() -> list[str]:
    """Names of the layouts that come with the program, sorted."""
    folder = resources.files("devices") / "layouts"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load_layout(name: str) -> Layout:
    """A shipped layout by its name. Raises LayoutError for an unknown name or a file that does not fit."""
    names = shipped_layouts()
    if name not in names:
        raise LayoutError(f"keyboard layout {name!r} is not known; expected one of {', '.join(names)}")
    text = (resources.files("devices") / "layouts" / f"{name}.toml").read_text(encoding="utf-8")
    try:
        return msgspec.toml.decode(text, type=Layout)
    except msgspec.DecodeError as error:
        raise LayoutError(f"keyboard layout {name}.toml: {error}") from error


def _is_cased(character: str) -> bool:
    return len(character) == 1 and character.islower() and len(character.upper()) == 1
