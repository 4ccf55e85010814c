"""What was asked: a path and a query of our host -> the label's elements, or why it cannot be answered. Pure.

GS1 Digital Link: URI Syntax 1.3 with the short names of earlier versions, compressed links (1.2), and our own short codes under a
path of their own. The host does not matter: a proxy may have given us any.
"""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import unquote_plus

import msgspec

from protocol.codes.application_identifiers import exactly
from protocol.codes.code import Cause, Code, Refusal
from protocol.codes.digital_link import QUALIFIERS, identifier_named, read_digital_link
from protocol.codes.elements import code_of
from protocol.codes.render import render_digital_link
from protocol.codes.short import ShortCode, parse_short

MAX_CHARACTERS = 2048
"""Of path and query together; the longest label has a few hundred."""
LINK_TYPE = "linkType"
VOCABULARY = "https://ref.gs1.org/voc/"
"""The GS1 Web Vocabulary, whose link types are recognised; also under the name it had before, and as ``gs1:``."""
LINKSET_TYPES = frozenset({"linkset", "all"})
"""``all`` is what Digital Link 1.1 called it."""

_VOCABULARY_NAMES = (VOCABULARY, "https://gs1.org/voc/", "http://gs1.org/voc/", "gs1:")
_COMPRESSED = re.compile(r"[A-Za-z0-9_-]{10,}")
_ANY_HOST = "https://host.invalid"
_COMPANY_INTERNAL = frozenset(str(ai) for ai in range(90, 100))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A sound Digital Link. ``path``: its key and qualifiers, uncompressed and in order; ``further``: query pairs that are not GS1's."""

    code: Code
    key: str
    path: str
    compressed: bool
    link_type: str | None = None
    further: tuple[tuple[str, str], ...] = ()


class AskedShort(msgspec.Struct, frozen=True, kw_only=True):
    """A short code. Which product it is, its order says."""

    short: ShortCode
    link_type: str | None = None
    further: tuple[tuple[str, str], ...] = ()


class Unreadable(msgspec.Struct, frozen=True):
    """No sound address: ``words`` for a person who reads English, ``cause`` for everyone else."""

    cause: Cause
    words: str


class Elsewhere(msgspec.Struct, frozen=True):
    """Nothing of ours: such an address does not exist here."""


def concerns(path: str, short_path: str) -> bool:
    """Whether a (decoded) path may be a Digital Link or a short code: everything else is somebody else's to answer."""
    segments = path.rstrip("/").split("/")[1:]
    if not segments:
        return False
    if len(segments) == 2 and short_path and segments[0] == short_path:
        return True
    if identifier_named(segments[0]) in QUALIFIERS:
        return True
    return len(segments) == 1 and _COMPRESSED.fullmatch(segments[0]) is not None


def read(path: str, query: str, short_path: str, today: date) -> Asked | AskedShort | Unreadable | Elsewhere:
    """What a request asks. ``path`` as it was sent, still escaped, without the query."""
    if len(path) + len(query) > MAX_CHARACTERS:
        return Unreadable("too_long", f"the address has more than {MAX_CHARACTERS} characters")
    if not (path + query).isascii():
        return Unreadable("non_ascii", "a character outside ASCII that is not percent-escaped")
    elements, link_types, further = _divided(query)
    if len(set(link_types)) > 1:
        return Unreadable("conflict", "two different values for linkType")
    segments = path.rstrip("/").split("/")[1:]
    if len(segments) == 2 and short_path and segments[0] == short_path:
        asked: Asked | AskedShort | Unreadable | Elsewhere = _asked_short(segments[1])
    else:
        asked = _asked(f"{path}{'?' if elements else ''}{'&'.join(elements)}", segments, today)
    if isinstance(asked, Unreadable | Elsewhere):
        return asked
    link_type = _link_type(link_types[0]) if link_types else None
    return msgspec.structs.replace(asked, link_type=link_type, further=further)


def _asked_short(token: str) -> AskedShort | Unreadable:
    short = parse_short(token.upper())
    if short is None:
        return Unreadable("not_recognised", "not a short code: expected 20 letters and digits")
    return AskedShort(short=short)


def _asked(target: str, segments: list[str], today: date) -> Asked | Unreadable | Elsewhere:
    if len(segments) == 1 and identifier_named(segments[0]) in QUALIFIERS:
        return Unreadable("bad_value", f"({identifier_named(segments[0])}) without a value in the path")
    link = read_digital_link(f"{_ANY_HOST}{target}", today)
    if isinstance(link, Refusal):
        return _refused(link, alone=len(segments) == 1)
    code = code_of(link.elements, today)
    if isinstance(code, Refusal):
        return Unreadable(code.cause, code.words)
    key = next(ai for ai in QUALIFIERS if ai in link.elements)
    compressed = len(segments) % 2 == 1
    if not compressed and not _is_in_order(segments, key):
        order = ", ".join(QUALIFIERS[key])
        return Unreadable(
            "bad_value", f"the qualifiers of ({key}) are not in the order of the standard: {order}"
        )
    named = {ai: link.elements[ai] for ai in (key, *QUALIFIERS[key]) if ai in link.elements}
    return Asked(code=code, key=key, path=render_digital_link(named, ""), compressed=compressed)


def path_of(code: Code) -> str:
    """The path of a single item's address."""
    assert code.gtin is not None
    assert code.serial is not None
    return render_digital_link({"01": code.gtin, "21": code.serial}, "")


def product_path(code: Code) -> str:
    """The path of its product's."""
    assert code.gtin is not None
    return render_digital_link({"01": code.gtin}, "")


def passed_on(asked: Asked | AskedShort) -> list[tuple[str, str]]:
    """What of the query a redirection takes along: all but ``linkType``, which was for us, and what a label says for internal use
    (AI 90 to 99), the signed part among it: a product's page needs no proof of an item."""
    kept = list(asked.further)
    if isinstance(asked, Asked):
        kept += [
            (ai, value)
            for ai, value in asked.code.attributes.items()
            if exactly(ai) and ai not in _COMPANY_INTERNAL
        ]
    return kept


def _is_in_order(segments: list[str], key: str) -> bool:
    named = [identifier_named(segment) for segment in segments[2::2]]
    return [ai for ai in named if ai in QUALIFIERS[key]] == [ai for ai in QUALIFIERS[key] if ai in named]


def _refused(refusal: Refusal, *, alone: bool) -> Unreadable | Elsewhere:
    """A path of one segment that is no compressed link was never meant for us."""
    if alone and refusal.cause == "not_recognised":
        return Elsewhere()
    return Unreadable(refusal.cause, refusal.words)


def _divided(query: str) -> tuple[list[str], list[str], tuple[tuple[str, str], ...]]:
    """The query's pairs: GS1's own, as they are; the values of linkType; the rest, which is none of our business."""
    elements: list[str] = []
    link_types: list[str] = []
    further: list[tuple[str, str]] = []
    for pair in filter(None, re.split("[&;]", query)):
        name, _, value = pair.partition("=")
        plain = unquote_plus(name)
        if plain == LINK_TYPE:
            link_types.append(unquote_plus(value))
        elif plain.isdigit() or exactly(identifier_named(plain)):
            elements.append(pair)
        else:
            further.append((plain, unquote_plus(value)))
    return elements, link_types, tuple(further)


def _link_type(value: str) -> str:
    """A link type of the GS1 vocabulary as ``gs1:name``, whichever way it was written; another one as it is."""
    for name in _VOCABULARY_NAMES:
        if value.startswith(name):
            return f"gs1:{value.removeprefix(name)}"
    return value
