"""How a machine joins and stays: a token that is good once, a certificate for seven days, renewed by the key it replaces.

An answer can be lost on its way. Therefore the machine that has used a token may show it again, with the same key, and gets
the same answer; and a renewal is also taken from the key before the present one.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec

from central.agents import storage
from central.agents.storage import Agent
from central.authority.certificates import Authority, sign_agent
from central.authority.names import is_central
from central.authority.proofs import has_signed, public_key_pem
from central.database import Connection
from central.sites import storage as sites
from central.tokens.bearer import new_token, token_hash


class Refusal(msgspec.Struct, frozen=True):
    """A machine that does not join, or is not renewed: the HTTP status that says so, and the reason."""

    status: int
    reason: str


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that has joined, with what it needs to know of its site."""

    agent: Agent
    currency: str
    time_zone: str
    certificate_pem: str


def issue_token(connection: Connection, site: str, lane: str | None, expires_at: datetime) -> str | Refusal:
    """A token for one machine at ``site``; on a lane of its own choosing where none is named."""
    if sites.find(connection, site) is None:
        return Refusal(404, f"site {site!r}: not known here")
    if lane is not None and (holder := storage.lane_holder(connection, site, lane)) is not None:
        return Refusal(409, _lane_is_taken(site, lane, holder))
    token = new_token()
    storage.put_token(connection, token_hash(token), site, lane, expires_at)
    return token


def enrol(
    connection: Connection, authority: Authority, token: str, csr_pem: str, software: str, now: datetime
) -> Joined | Refusal:
    """A machine joins with a token and a certificate request. Raises AuthorityError for a request that is none."""
    digest = token_hash(token)
    kept = storage.lock_token(connection, digest, now)
    if kept is None or kept.is_expired:
        return Refusal(403, "this enrolment token is not known or has expired; make a new one for this site")
    key = public_key_pem(csr_pem.encode())
    if kept.agent is not None:
        agent = storage.lock(connection, kept.agent)
        if agent is None or agent.public_key_pem != key or agent.state != "enrolled":
            return Refusal(403, "this enrolment token has been used; make a new one for this site")
        return _joined(connection, authority, agent, csr_pem, now)
    site = sites.find(connection, kept.site)
    if site is None or site["closed_at"] is not None:
        return Refusal(403, f"site {kept.site!r} is closed: no machine can join there")
    storage.lock_lanes(connection, kept.site)
    lane = kept.lane or storage.free_lane(connection, kept.site)
    holder = storage.lane_holder(connection, kept.site, lane)
    if holder is not None:
        return Refusal(409, _lane_is_taken(kept.site, lane, holder))
    agent = Agent(
        agent=_new_id(kept.site, lane),
        site=kept.site,
        lane=lane,
        state="enrolled",
        public_key_pem=key,
        previous_key_pem=None,
        epoch=str(uuid.uuid4()),
    )
    joined = _joined(connection, authority, agent, csr_pem, now)
    storage.add(connection, agent, software, now)
    storage.use_token(connection, digest, agent.agent, now)
    return joined


def renew(
    connection: Connection, authority: Authority, agent_id: str, csr_pem: str, signature: bytes, now: datetime
) -> str | Refusal:
    """A new certificate for the key in ``csr_pem``, which the agent's present key (or the one before it) has signed."""
    agent = storage.lock(connection, agent_id)
    unproven = Refusal(403, "this renewal is not signed by the agent's key; enrol the machine again")
    if agent is None:
        return unproven
    signed_by = next(
        (
            key
            for key in (agent.public_key_pem, agent.previous_key_pem)
            if key is not None and has_signed(key, signature, csr_pem.encode())
        ),
        None,
    )
    if signed_by is None:
        return unproven
    if agent.state != "enrolled":
        return Refusal(403, f"agent {agent_id!r} is revoked; enrol the machine again")
    certificate = sign_agent(authority, csr_pem.encode(), agent_id, now)
    storage.put_keys(connection, agent_id, public_key_pem(csr_pem.encode()), signed_by)
    return certificate.decode()


def _joined(
    connection: Connection, authority: Authority, agent: Agent, csr_pem: str, now: datetime
) -> Joined:
    site = sites.find(connection, agent.site)
    assert site is not None, "an agent's site is there"
    certificate = sign_agent(authority, csr_pem.encode(), agent.agent, now)
    return Joined(
        agent=agent,
        currency=site["currency"],
        time_zone=site["time_zone"],
        certificate_pem=certificate.decode(),
    )


def _new_id(site: str, lane: str) -> str:
    """A name that says where the machine stands, and is nobody else's: not central's own either, whatever the site is called."""
    name = f"{site}-{lane}-{uuid.uuid4().hex[:8]}"
    return f"at-{name}" if is_central(name) else name


def _lane_is_taken(site: str, lane: str, holder: str) -> str:
    return (
        f"lane {lane} of site {site} belongs to agent {holder}, and a lane is given once, so that no receipt number comes "
        f"twice; leave the lane out to get the next free one"
    )
