"""Which kind of answer, in which language: Accept and Accept-Language (RFC 9110, section 12). Pure."""

from __future__ import annotations

import re
from enum import StrEnum

_PREFERENCE = re.compile(r"\s*([^\s;,]+)\s*(?:;[^,]*?q\s*=\s*([0-9.]{1,5}))?[^,]*")
_HEADER_CHARACTERS = 1000
"""Of a header line, no more is read: browsers send a tenth."""


class Kind(StrEnum):
    """What an answer is, by its media type."""

    PAGE = "text/html"
    JSON = "application/json"
    LINKSET = "application/linkset+json"


class Language(StrEnum):
    """The languages of the page, by their tags (RFC 5646)."""

    ENGLISH = "en"
    SIMPLIFIED_CHINESE = "zh-Hans"
    TRADITIONAL_CHINESE = "zh-Hant"


_TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})


def kind_for(accept: str) -> Kind:
    """The kind that is wanted most. A page where the header says nothing of use: it comes from a person's phone then."""
    best, best_quality = Kind.PAGE, 0.0
    for media_range, quality in _preferences(accept):
        kind = _kind_of(media_range)
        if kind is not None and quality > best_quality:
            best, best_quality = kind, quality
    return best


def language_for(accept_language: str) -> Language:
    """The language that is wanted most of those there are."""
    best, best_quality = Language.ENGLISH, 0.0
    for tag, quality in _preferences(accept_language):
        language = _language_of(tag)
        if language is not None and quality > best_quality:
            best, best_quality = language, quality
    return best


def _kind_of(media_range: str) -> Kind | None:
    match media_range:
        case "text/html" | "application/xhtml+xml" | "text/*" | "*/*":
            return Kind.PAGE
        case "application/json" | "application/*" | "application/problem+json":
            return Kind.JSON
        case "application/linkset+json":
            return Kind.LINKSET
        case _:
            return None


def _language_of(tag: str) -> Language | None:
    subtags = tag.split("-")
    if subtags[0] == "zh":
        is_traditional = not _TRADITIONAL.isdisjoint(subtags) and "hans" not in subtags
        return Language.TRADITIONAL_CHINESE if is_traditional else Language.SIMPLIFIED_CHINESE
    return Language.ENGLISH if subtags[0] == "en" else None


def _preferences(header: str) -> list[tuple[str, float]]:
    """Names in lower case with their quality, in the order of the header; what cannot be read counts for nothing."""
    found = []
    for part in header[:_HEADER_CHARACTERS].split(","):
        match = _PREFERENCE.fullmatch(part)
        if match is None:
            continue
        try:
            quality = float(match[2]) if match[2] else 1.0
        except ValueError:
            continue
        found.append((match[1].lower(), min(quality, 1.0)))
    return found
