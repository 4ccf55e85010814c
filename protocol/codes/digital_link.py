"""GS1 Digital Link: element strings as a web address (GS1 Digital Link Standard: URI Syntax, sections 4 and 5).

Any domain and any path before the key; scheme and host in any case; values percent-escaped; key qualifiers in
the path, attributes in the query; the short names of version 1.0 and 1.1 (`gtin`, `ser`, `lot` …); and the
compressed forms of version 1.1 and 1.2.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

import msgspec

from protocol.codes.application_identifiers import exactly
from protocol.codes.code import Refusal
from protocol.codes.compressed_link import decompress
from protocol.codes.elements import Elements, add, fault_of, kind_of

QUALIFIERS: dict[str, tuple[str, ...]] = {
    "01": ("22", "10", "21", "235"),
    "8006": ("22", "10", "21"),
    "414": ("254", "7040"),
    "415": ("8020",),
    "417": ("7040",),
    "8004": ("7040",),
    "8010": ("8011",),
    "8017": ("8019",),
    "8018": ("8019",),
    **dict.fromkeys(("00", "253", "255", "401", "402", "8003", "8013"), ()),
}
"""Primary identification key -> its qualifiers, in the order of the path (4.9, 4.10)."""

_SHORT_NAMES = {
    "gtin": "01", "itip": "8006", "gmn": "8013", "cpid": "8010", "gln": "414", "payTo": "415", "partyGln": "417",
    "gsrnp": "8017", "gsrn": "8018", "gcn": "255", "sscc": "00", "gdti": "253", "ginc": "401", "gsin": "402",
    "grai": "8003", "giai": "8004", "cpv": "22", "lot": "10", "ser": "21", "cpsn": "8011", "glnx": "254",
    "refNo": "8020", "srin": "8019", "exp": "17", "expdt": "7003",
}  # fmt: skip
_SHORT_NAMES |= {name.lower(): ai for name, ai in _SHORT_NAMES.items()}

_WEB_ADDRESS = re.compile(r"https?://[^/?#]+(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPES = re.compile(rb"%([0-9A-Fa-f]{2})")
_COMPRESSED = re.compile(r"[A-Za-z0-9_-]+")


class Link(msgspec.Struct, frozen=True):
    """The elements of a Digital Link, and what was odd about it."""

    elements: Elements
    warnings: tuple[str, ...] = ()


def is_web_address(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def read_digital_link(text: str, today: dt.date | None = None) -> Link | Refusal:
    """The elements of a web address, or why it may not be believed; `not_recognised` where it is no Digital Link."""
    match = _WEB_ADDRESS.fullmatch(text)
    if not match:
        return Refusal("not_recognised", "a web address without a host")
    link = _read_path((match["path"] or "").rstrip("/").split("/"), today)
    if isinstance(link, Refusal) or not match["query"]:
        return link
    return _with_query(link, match["query"], today)


def _read_path(segments: list[str], today: dt.date | None) -> Link | Refusal:
    """The first key in the path with a value of its form, and what follows; else the last segment decompressed.

    A shop's own path may hold `00` or `01` before the key, so a key alone does not settle it.
    """
    places = [at for at, segment in enumerate(segments[:-1]) if identifier_named(segment) in QUALIFIERS]
    for at in places:
        if _has_form(segments[at], segments[at + 1]):
            return _read_keys(segments[at:], today)
    link = _decompressed(segments[-1], {}, today)
    return _read_keys(segments[places[0] :], today) if places and isinstance(link, Refusal) else link


def _has_form(name: str, escaped: str) -> bool:
    identifier, value = exactly(identifier_named(name)), _unescaped(escaped)
    return (
        identifier is not None and value is not None and identifier.matches(_filled_up(identifier.ai, value))
    )


def _filled_up(ai: str, value: str) -> str:
    """A GTIN of 8, 12 or 13 digits, which earlier versions allow, in its 14."""
    return value.zfill(14) if ai == "01" and len(value) in (8, 12, 13) else value


def _read_keys(segments: list[str], today: dt.date | None) -> Link | Refusal:
    """`01`, a GTIN, then qualifiers in pairs; or one segment that holds all the rest compressed."""
    key = identifier_named(segments[0])
    value = _filled_up(key, segments[1])
    elements: Elements = {}
    if refusal := _put(elements, key, value, today):
        return refusal
    rest = segments[2:]
    if len(rest) == 1 and not exactly(identifier_named(rest[0])):
        return _decompressed(rest[0], elements, today)
    if len(rest) % 2:
        return Refusal("bad_value", "a key without a value in the path", kind_of(elements))
    order = [identifier_named(segment) for segment in rest[::2]]
    for ai, value in zip(order, rest[1::2], strict=True):
        if ai not in QUALIFIERS[key]:
            return Refusal("unknown_ai", f"({ai}) does not qualify ({key})", kind_of(elements))
        if refusal := _put(elements, ai, value, today):
            return refusal
    in_order = order == [ai for ai in QUALIFIERS[key] if ai in order]
    return Link(
        elements, () if in_order else ("the qualifiers in the path are not in the order of the standard",)
    )


def _with_query(link: Link, query: str, today: dt.date | None) -> Link | Refusal:
    elements, warnings = dict(link.elements), link.warnings
    for pair in filter(None, re.split("[&;]", query)):
        name, _, escaped = pair.partition("=")
        key, value = _unescaped(name), _unescaped(escaped)
        if not key or value is None:
            return Refusal(
                "bad_value", "a broken percent-escape or an empty key in the query", kind_of(elements)
            )
        ai = identifier_named(key)
        refusal = None
        if exactly(ai):
            refusal = _put(elements, ai, escaped, today)
        elif ai.isdigit():
            warnings = (*warnings, f"{ai} in the query is no Application Identifier: left out")
        else:
            refusal = add(elements, ai, value)
        if refusal:
            return refusal
    return Link(elements, warnings)


def _put(elements: Elements, ai: str, escaped: str, today: dt.date | None) -> Refusal | None:
    identifier = exactly(ai)
    assert identifier is not None
    value = _unescaped(escaped)
    if value is None:
        return Refusal("bad_value", f"a broken percent-escape in ({ai})", kind_of({**elements, ai: ""}))
    refusal = fault_of(identifier, value, today) or add(elements, ai, value)
    return refusal and Refusal(refusal.cause, refusal.words, kind_of({**elements, ai: value}))


def _decompressed(segment: str, uncompressed: Elements, today: dt.date | None) -> Link | Refusal:
    """What a compressed segment says. Two readings of it are possible where encoders differ: only one may be sound."""
    kind = kind_of(uncompressed) if uncompressed else "unknown"
    nothing = Refusal("not_recognised", "a web address, but no GS1 Digital Link", kind)
    if not _COMPRESSED.fullmatch(segment):
        return nothing
    sound: list[Elements] = []
    for reading in decompress(segment):
        elements = dict(uncompressed)
        if _all_sound(elements, reading.items(), today) and not QUALIFIERS.keys().isdisjoint(elements):
            sound.append(elements)
    if len(sound) > 1 and sound[0] != sound[1]:
        return Refusal("conflict", "a compressed Digital Link that reads in two ways")
    return Link(sound[0]) if sound else nothing


def _all_sound(elements: Elements, pairs: Iterable[tuple[str, str]], today: dt.date | None) -> bool:
    for ai, value in pairs:
        identifier = exactly(ai)
        if identifier is not None and fault_of(identifier, value, today) is not None:
            return False
        if add(elements, ai, value) is not None:
            return False
    return True


def identifier_named(name: str) -> str:
    """The Application Identifier that a part of an address names: by its number, or by the short name of versions 1.0 and 1.1."""
    return _SHORT_NAMES.get(name, name)


def _unescaped(text: str) -> str | None:
    """Percent-escapes undone, or None where one is broken. `+` is itself: GS1 values hold no blank."""
    if "%" not in text:
        return text
    if _BAD_ESCAPE.search(text):
        return None
    raw = _ESCAPES.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode())
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
