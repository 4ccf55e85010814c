"""The shape of the agent's database and its version.

A database of a newer version is refused: older software would append rows that the newer one cannot trust.
"""

from __future__ import annotations

from importlib import resources

VERSION = 1
APPLICATION_ID = 0x434D4B31
"""``CMK1``: tells `file(1)` and a support person whose database this is (sqlite.org/fileformat.html, offset 68)."""

_FILES = ("schema.sql", "schema_shop.sql")


def script() -> str:
    """The statements that make an empty database one of this version, as one transaction."""
    here = resources.files("agent.store")
    parts = [
        here.joinpath(name).read_text(encoding="utf-8") for name in _FILES if here.joinpath(name).is_file()
    ]
    return "\n".join(
        (
            "BEGIN IMMEDIATE;",
            *parts,
            f"PRAGMA application_id = {APPLICATION_ID};",
            f"PRAGMA user_version = {VERSION};",
            "COMMIT;",
        )
    )
