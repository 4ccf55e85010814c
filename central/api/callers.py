"""Who asks, and what they may see.

A role says what may be done, the scope where: every site for ``brand`` and ``auditor``, the sites of a dealer and of all dealers
below it for ``dealer``, one site for ``store``. A route that names no roles cannot be reached: see :mod:`central.api.app`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from central.api.context import Central, central_of
from central.api.problems import Problem
from central.database import EVERY_SITE, Connection, Sites
from central.tokens.bearer import Role, token_hash

API_ROLE = "countermark_api"
_bearer = HTTPBearer(auto_error=False, description="A token made with `countermark-central tokens create`.")


@dataclass(frozen=True)
class Caller:
    """Who asks: the token's name, its role, and the sites it may see."""

    name: str
    role: Role
    sites: Sites
    token_hash: bytes
    dealer: str | None = None  # at the root of its subtree

    @property
    def actor(self) -> str:
        """The caller as it stands in audit trails."""
        return f"{self.role}:{self.name}"

    @property
    def sees_every_site(self) -> bool:
        """Whether nothing is hidden from this caller."""
        return self.sites == EVERY_SITE


@dataclass(frozen=True)
class Allow:
    """A dependency: the caller, if its role is one of ``roles``."""

    roles: frozenset[Role]

    def __call__(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        """The caller, or 401 without a good token, or 403 for a role that may not."""
        if credentials is None:
            raise Problem(
                401, "a token is needed: Authorization: Bearer …", headers={"WWW-Authenticate": "Bearer"}
            )
        caller = _identify(central_of(request), credentials.credentials)
        if caller is None:
            raise Problem(
                401, "this token is not known, expired or revoked", headers={"WWW-Authenticate": "Bearer"}
            )
        if caller.role not in self.roles:
            may = ", ".join(sorted(self.roles))
            raise Problem(403, f"a token of role {caller.role} may not do this; it takes one of: {may}")
        return caller


def allow(*roles: Role) -> Allow:
    """The dependency that lets these roles through."""
    return Allow(frozenset(roles))


Reader = Annotated[Caller, Depends(allow(Role.BRAND, Role.AUDITOR, Role.DEALER, Role.STORE))]
"""Whoever has a token, within its scope."""
Overseer = Annotated[Caller, Depends(allow(Role.BRAND, Role.AUDITOR))]
"""Who reads everything."""
Brand = Annotated[Caller, Depends(allow(Role.BRAND))]
"""Who decides."""
Trader = Annotated[Caller, Depends(allow(Role.BRAND, Role.DEALER, Role.STORE))]
"""Who acts for a site: its own people, or the brand."""


@contextmanager
def reading(central: Central, caller: Caller, *, snapshot: bool = False) -> Iterator[Connection]:
    """A transaction that sees what the caller may see, under the role that row-level security binds; with ``snapshot`` as it was at one
    moment, for what must add up."""
    with central.database.transaction(sites=caller.sites, role=API_ROLE, snapshot=snapshot) as connection:
        yield connection


def _identify(central: Central, token: str) -> Caller | None:
    digest = token_hash(token)
    with central.database.transaction() as connection:
        row = connection.execute(
            """
            SELECT t.name, t.role, t.dealer_id,
                   CASE t.role
                       WHEN 'store' THEN ARRAY[t.site_id]
                       WHEN 'dealer' THEN ARRAY(
                           SELECT s.site_id FROM sites s JOIN dealers d USING (dealer_id)
                            WHERE starts_with(d.path, (SELECT path FROM dealers WHERE dealer_id = t.dealer_id)))
                   END
              FROM api_tokens t
             WHERE t.token_hash = %s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
            """,
            (digest,),
        ).fetchone()
    if row is None:
        return None
    name, role, dealer, sites = row
    return Caller(name, Role(role), EVERY_SITE if sites is None else tuple(sites), digest, dealer)
