"""The symbols of the calibration sheet.

All three are Code 128 (ISO/IEC 15417), which every scanner reads as it comes, laser or camera. The sheet is the same
for everyone, so the symbols stand here as they are drawn and nothing at a counter needs to encode one.

Their characters are printed by every shipped layout without a dead key, and differ from layout to layout.
"""

from __future__ import annotations

import msgspec

LETTERS = "letters"
SIGNS = "signs"
SEPARATOR = "separator"


class SheetSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol of the sheet."""

    key: str
    number: int
    title: str
    text: str
    """What a scanner sends, up to the group separator where there is one."""
    rest: str = ""
    """What it sends after the group separator."""
    symbology: str
    """The AIM identifier that belongs to it (ISO/IEC 15424)."""
    widths: str
    """Bars and spaces by turns, each in modules, from the start character to the end of the stop character."""


SYMBOLS = (
    SheetSymbol(
        key=LETTERS,
        number=1,
        title="Letters and digits",
        text="aQwYzM-AqWyZm.2026",
        symbology="]C0",
        widths="2112141211242113314211123121132141211131231221321113231211423113212121413123114131111222311131412212"
        "313212211111432331112",
    ),
    SheetSymbol(
        key=SIGNS,
        number=2,
        title="Signs",
        text='@"#-_/:?=&%+()',
        symbology="]C0",
        widths="2112142321212222211212231221321112241132223212212123213222111222131312222312121322122212133121312331"
        "112",
    ),
    SheetSymbol(
        key=SEPARATOR,
        number=3,
        title="Group separator (GS1-128)",
        text="10Ab3-x",
        rest="21Zy9k",
        symbology="]C1",
        widths="2112324111312213121141311113231214212211321221324212114111312232111232213123112121413211222412112231"
        "122331112",
    ),
)


def symbol(key: str) -> SheetSymbol:
    """The symbol of that key."""
    return next(one for one in SYMBOLS if one.key == key)
