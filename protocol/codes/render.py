"""Elements -> the text of a label: what `recognise` reads back as the same elements."""

from __future__ import annotations

import string
from collections.abc import Mapping

from protocol.codes.application_identifiers import ApplicationIdentifier, exactly
from protocol.codes.code import RenderError
from protocol.codes.digital_link import QUALIFIERS
from protocol.codes.element_strings import GS
from protocol.codes.elements import fault_of

_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")


def render_element_string(elements: Mapping[str, str]) -> str:
    """Element strings with GS (0x1D) where a value has to end, without the FNC1 in front that a printer adds.

    Identifiers of predefined length come first, the rest behind them in the order given, so that as few
    separators as possible are needed, and what one lost separator could garble is as little as possible.
    """
    known = _checked(elements)
    in_order = sorted(elements, key=lambda ai: known[ai].predefined_length is None)
    fixed = "".join(ai + elements[ai] for ai in in_order if known[ai].predefined_length)
    return fixed + GS.join(ai + elements[ai] for ai in in_order if not known[ai].predefined_length)


def render_bracketed(elements: Mapping[str, str]) -> str:
    """The human readable text beside a symbol: `(01)…(21)…`. It does not read back where a value has brackets."""
    return "".join(f"({ai}){elements[ai]}" for ai in _checked(elements))


def render_digital_link(elements: Mapping[str, str], domain: str = "https://id.gs1.org") -> str:
    """A GS1 Digital Link: the key and its qualifiers in the path, the rest in the query, by identifier.

    domain: scheme and host, and a path before the key if wanted. Exactly one element must be a key.
    """
    _checked(elements)
    keys = [ai for ai in QUALIFIERS if ai in elements]
    if len(keys) != 1:
        raise RenderError(
            f"a Digital Link has one key, got {keys or list(elements)}; keys are {list(QUALIFIERS)}"
        )
    path = [keys[0], *(ai for ai in QUALIFIERS[keys[0]] if ai in elements)]
    link = "/".join([domain.rstrip("/"), *(f"{ai}/{_escaped(elements[ai])}" for ai in path)])
    query = "&".join(f"{ai}={_escaped(elements[ai])}" for ai in sorted(elements) if ai not in path)
    return f"{link}?{query}" if query else link


def _checked(elements: Mapping[str, str]) -> dict[str, ApplicationIdentifier]:
    known = {}
    for ai, value in elements.items():
        identifier = exactly(ai)
        if identifier is None:
            raise RenderError(f"({ai}) is no Application Identifier")
        if fault := fault_of(identifier, value):
            raise RenderError(f"({ai}) cannot hold {value!r}: {fault.words}")
        known[ai] = identifier
    return known


def _escaped(value: str) -> str:
    return "".join(char if char in _UNRESERVED else f"%{ord(char):02X}" for char in value)
