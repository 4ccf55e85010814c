"""Codes that a counter meets: a scanned string -> what it is, or why it may not be believed.

`recognise(b"]d2010491234512345921A1\\x1d10LOT7").item` is `"010491234512345921A1"`: one single thing, whatever
label carries it. `Rules` is what a brand configures; `render_…` print what `recognise` reads back; `parse_typed`
takes what a person types for what a scanner sends. `docs/codes.md` has the kinds, the keys and the refusals.
"""

from __future__ import annotations

from protocol.codes.code import Cause, Code, Kind, RenderError, RulesError
from protocol.codes.dates import full_date
from protocol.codes.element_strings import suspects_lost_separator
from protocol.codes.own_codes import render_control
from protocol.codes.recogniser import MAX_LENGTH, recognise
from protocol.codes.render import render_bracketed, render_digital_link, render_element_string
from protocol.codes.rules import InStoreLayout, Rules
from protocol.codes.typed import parse_typed

__all__ = [
    "MAX_LENGTH",
    "Cause",
    "Code",
    "InStoreLayout",
    "Kind",
    "RenderError",
    "Rules",
    "RulesError",
    "full_date",
    "parse_typed",
    "recognise",
    "render_bracketed",
    "render_control",
    "render_digital_link",
    "render_element_string",
    "suspects_lost_separator",
]
