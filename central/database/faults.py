"""What can go wrong between central and PostgreSQL, in words for an operator. No text here ever shows a password."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from central.errors import CentralError

EXPECTED_URL = "postgresql://user:password@host:5432/database"


class DatabaseFault(CentralError):
    """Central cannot use its database as it is."""


class DatabaseUrlError(DatabaseFault):
    """The connection URL cannot be read."""


class DatabaseUnavailable(DatabaseFault):
    """The server cannot be reached, or does not let central in."""


class DatabaseBusy(DatabaseFault):
    """Other transactions were in the way too often. Nothing has been changed; the same request may be made again."""


class NotMigrated(DatabaseFault):
    """The database has no schema of central yet, or an older one."""


class SchemaTooNew(DatabaseFault):
    """The database was migrated by a newer version of this software."""


def check_url(url: str) -> dict[str, str]:
    """The parts of a connection URL (libpq, "Connection URIs"), or :class:`DatabaseUrlError`."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise DatabaseUrlError(f"database url {redacted(url)!r}: expected {EXPECTED_URL}")
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        cause = redacted(str(error).strip())
        raise DatabaseUrlError(f"database url {redacted(url)!r}: {cause}; expected {EXPECTED_URL}") from None
    return {name: str(value) for name, value in parts.items() if value is not None}


def redacted(text: str) -> str:
    """``text`` with whatever stands where a URL carries a password taken out."""
    return re.sub(r"(//[^/:@\s]*):[^@\s]*@", r"\1:***@", text)


def why_unavailable(url: str, error: psycopg.Error) -> DatabaseUnavailable:
    """The reason for which no connection could be made, with what to do about it."""
    parts = check_url(url)
    name, user = parts.get("dbname", ""), parts.get("user", "")
    place = f"{parts.get('host', 'the local socket')}:{parts.get('port', '5432')}"
    said = " ".join(str(error).split())
    for sign, cause in (
        (
            "authentication failed",
            f"user {user!r} was refused; check the user and the password in database.url",
        ),
        (
            "no pg_hba.conf entry",
            f"user {user!r} may not connect from here; allow it in the server's pg_hba.conf",
        ),
        (
            f'database "{name}" does not exist',
            "there is no such database; create it, or correct database.url",
        ),
        (f'role "{user}" does not exist', f"there is no user {user!r}; create it, or correct database.url"),
        ("refused", "nothing listens there; start PostgreSQL, or correct host and port in database.url"),
        ("No such file", "no server has its socket there; start PostgreSQL, or correct database.url"),
        ("resolve host", "the host name is not known; correct it in database.url"),
        ("translate host", "the host name is not known; correct it in database.url"),
        ("timeout", "no answer in time; check the network and the server"),
        ("starting up", "the server is starting; it will be tried again"),
        ("shutting down", "the server is stopping; start it again"),
    ):
        if sign in said:
            return DatabaseUnavailable(f"database {name!r} at {place}: {cause}")
    return DatabaseUnavailable(f"database {name!r} at {place}: {redacted(said)}")
