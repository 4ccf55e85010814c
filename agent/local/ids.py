"""Ids and names that a caller gives, held against what they may be."""

from __future__ import annotations

from agent.local.problems import Problem

ID_LIMIT = 64


def check_id(field: str, value: str | None, *, ascii_only: bool = True) -> None:
    """Raise for an id that cannot stand in the journal; None is none. A person's name may have any letters (``ascii_only`` False)."""
    if value is None:
        return
    if 1 <= len(value) <= ID_LIMIT and value.isprintable() and (value.isascii() or not ascii_only):
        return
    kind = "printable ASCII characters" if ascii_only else "characters that can be printed"
    raise Problem(422, f"{field} {value[:80]!r}: expected 1 to {ID_LIMIT} {kind}", key="invalid")
