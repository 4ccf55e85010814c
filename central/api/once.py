"""Writing once: ``Idempotency-Key``.

A write that is sent again with the same key and the same body gets the stored answer; with another body it is refused, and
the refusal names both. The key, the work and its answer are one transaction: a request that failed has left no trace and
may be sent again under its key. Every write is noted in the audit log in that same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Header, Request
from fastapi.responses import Response
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from central.api.callers import API_ROLE, Caller
from central.api.context import Central, central_of
from central.api.problems import Problem
from central.database import Connection, Sites

KEPT_DAYS = 7
"""How long an answer is kept. A client that repeats a request after a week has other problems."""


@dataclass(frozen=True)
class Once:
    """One write: what was asked, and by which key."""

    request: Request
    key: str | None
    fingerprint: bytes

    @property
    def central(self) -> Central:
        """What the application was made with."""
        return central_of(self.request)

    def run(
        self,
        caller: Caller,
        work: Callable[[Connection], BaseModel],
        *,
        status: int = 200,
        sites: Sites | None = None,
    ) -> Response:
        """The answer of ``work``, done now or before. ``sites`` widens the scope where a decision touches another site's books."""

        def transact(connection: Connection) -> Response:
            known = self._known(connection, caller)
            if known is not None:
                return known
            body = work(connection).model_dump_json(by_alias=True).encode()
            self._keep(connection, caller, status, body)
            return _json(body, status)

        scope = caller.sites if sites is None else sites
        return self.central.database.run(transact, sites=scope, role=API_ROLE)

    def _known(self, connection: Connection, caller: Caller) -> Response | None:
        if self.key is None:
            return None
        actor = caller.token_hash.hex()  # two tokens of one name are two callers
        # The same key twice at once: the second waits for the first, and then finds its answer.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{actor}\n{self.key}",))
        row = connection.execute(
            "SELECT request_hash, status, response, created_at FROM idempotency_keys WHERE actor = %s AND key = %s",
            (actor, self.key),
        ).fetchone()
        if row is None:
            return None
        kept_hash, status, response, created_at = row
        if kept_hash != self.fingerprint:
            raise _conflict(self.key, created_at, kept_hash, self.fingerprint)
        return _json(response, status, {"Idempotent-Replay": "true"})

    def _keep(self, connection: Connection, caller: Caller, status: int, body: bytes) -> None:
        if self.key is not None:
            connection.execute(
                "INSERT INTO idempotency_keys (actor, key, request_hash, status, response) VALUES (%s, %s, %s, %s, %s)",
                (caller.token_hash.hex(), self.key, self.fingerprint, status, body),
            )
        connection.execute(
            "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
            (caller.actor, self.request.method, self.request.url.path, Jsonb({"idempotency_key": self.key})),
        )


async def once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Names this write: sent again with the same body, it is not made again.",
        ),
    ] = None,
) -> Once:
    """The dependency of every write."""
    digest = hashlib.sha256()
    for part in (request.method.encode(), request.url.path.encode(), await request.body()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return Once(request, idempotency_key, digest.digest())


def forget_old_answers(connection: Connection) -> int:
    """Drop the answers that have been kept long enough; how many."""
    return connection.execute(
        "DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(days => %s)", (KEPT_DAYS,)
    ).rowcount


def _json(body: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


def _conflict(key: str, created_at: datetime, kept: bytes, asked: bytes) -> Problem:
    return Problem(
        409,
        f"Idempotency-Key {key!r} was used at {created_at.isoformat()} for another request "
        f"(SHA-256 {kept.hex()[:16]}…, this one {asked.hex()[:16]}…); use a new key for a new request",
        kept_request=kept.hex(),
        this_request=asked.hex(),
    )
