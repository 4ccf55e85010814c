"""The AIM symbology identifier a scanner may put before the data (ISO/IEC 15424): `]`, a letter, a modifier."""

from __future__ import annotations

from typing import Literal

import msgspec

Carries = Literal["gs1", "ean_13", "ean_8", "add_on", "anything"]


class Symbology(msgspec.Struct, frozen=True):
    """words: how the symbology is called. carries: what its data has to be.

    `gs1`: element strings (FNC1 in first position). `ean_13`: EAN-13, UPC-A or UPC-E. `add_on`: the two or
    five digits beside an EAN symbol, alone.
    """

    words: str | None
    carries: Carries = "anything"


NOT_TOLD = Symbology(None)

_GS1_OR_EAN = {
    "C1": Symbology("GS1-128", "gs1"),
    "d2": Symbology("GS1 DataMatrix", "gs1"),
    "d5": Symbology("GS1 DataMatrix", "gs1"),
    "e0": Symbology("GS1 DataBar", "gs1"),
    "e1": Symbology("GS1 Composite", "gs1"),
    "e2": Symbology("GS1 Composite", "gs1"),
    "J1": Symbology("GS1 DotCode", "gs1"),
    "Q3": Symbology("GS1 QR Code", "gs1"),
    "Q4": Symbology("GS1 QR Code", "gs1"),
    "E0": Symbology("EAN-13", "ean_13"),
    "E1": Symbology("EAN add-on", "add_on"),
    "E2": Symbology("EAN add-on", "add_on"),
    "E3": Symbology("EAN-13 with add-on", "ean_13"),
    "E4": Symbology("EAN-8", "ean_8"),
    "I1": Symbology("ITF-14"),
}

_BY_LETTER = {
    letter: Symbology(words)
    for letter, words in {
        "A": "Code 39", "B": "Telepen", "C": "Code 128", "D": "Code One", "F": "Codabar", "G": "Code 93",
        "H": "Code 11", "I": "ITF", "J": "DotCode", "K": "Code 16K", "L": "PDF417", "M": "MSI",
        "N": "Anker", "O": "Codablock", "P": "Plessey", "Q": "QR Code", "R": "2 of 5", "S": "2 of 5",
        "T": "Code 49", "U": "MaxiCode", "X": "other", "c": "Channel Code", "d": "Data Matrix", "e": "GS1 DataBar",
        "h": "Han Xin", "o": "OCR", "p": "PosiCode", "s": "SuperCode", "z": "Aztec",
    }.items()
}  # fmt: skip

_BY_WORDS = {
    "upc-a": Symbology("UPC-A", "ean_13"),
    "upc-e": Symbology("UPC-E", "ean_13"),
    **{symbology.words.casefold(): symbology for symbology in _BY_LETTER.values() if symbology.words},
    **{symbology.words.casefold(): symbology for symbology in _GS1_OR_EAN.values() if symbology.words},
}


def of_identifier(text: str) -> Symbology | None:
    """The symbology whose AIM identifier `text` begins with, `]` and two characters; None for no such one."""
    if len(text) < 3 or not text[2].isalnum():
        return None
    return _GS1_OR_EAN.get(text[1:3]) or _BY_LETTER.get(text[1])


def named(name: str | None) -> Symbology:
    """The symbology told apart from the data: an AIM identifier, with or without `]`, or its name in words.

    A name this table does not know is carried on as it is and decides nothing.
    """
    if not name:
        return NOT_TOLD
    identifier = name if name.startswith("]") else f"]{name}"
    by_identifier = of_identifier(identifier) if len(identifier) == 3 else None
    return by_identifier or _BY_WORDS.get(name.casefold()) or Symbology(name)
