"""The shape of the agent's database and its version.

A database of a newer version is refused: older software would append rows that the newer one cannot trust. One of an
older version is brought up, step by step, in one transaction: a power cut leaves it as it was.
"""

from __future__ import annotations

from importlib import resources

VERSION = 3
APPLICATION_ID = 0x434D4B31
"""``CMK1``: tells `file(1)` and a support person whose database this is (sqlite.org/fileformat.html, offset 68)."""

_FILES = ("schema.sql", "schema_shop.sql")
_STEPS = {2: ("schema_2.sql",), 3: ("schema_3_stocktakes.sql", "schema_3_shifts.sql")}
"""What each version added to the one before."""


def script(version: int = 0) -> str:
    """The statements that bring a database of ``version`` to this one's, as one transaction; 0: an empty one."""
    here = resources.files("agent.store")
    names = (
        *(() if version else _FILES),
        *(name for step, files in _STEPS.items() for name in files if step > version),
    )
    return "\n".join(
        (
            "BEGIN IMMEDIATE;",
            *(here.joinpath(name).read_text(encoding="utf-8") for name in names),
            f"PRAGMA application_id = {APPLICATION_ID};",
            f"PRAGMA user_version = {VERSION};",
            "COMMIT;",
        )
    )
