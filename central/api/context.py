"""What the routes need of the process they run in. Made once, by :mod:`central.main`, or by a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi import Request
from prometheus_client import CollectorRegistry

from central.authority.certificates import Authority
from central.database import Database
from central.discrepancies.limits import DEFAULTS
from central.discrepancies.limits import Limits as CaseLimits
from central.resolver.service import Resolver
from central.settings import CodesSettings


@dataclass(frozen=True)
class BrokerAddress:
    """Where agents find the broker."""

    host: str
    port: int


@dataclass(frozen=True)
class LinkState:
    """Whether this process hears its agents; the cause where it does not."""

    online: bool
    cause: str = ""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _no_link() -> LinkState:
    return LinkState(online=False, cause="this process has no link to a broker")


def _no_tallies() -> tuple[Mapping[str, int], Mapping[str, float]]:
    return {}, {}


@dataclass(frozen=True)
class Central:
    """The database, the authority with the directory of its keys, and what the process knows of itself."""

    database: Database
    authority: Callable[[], Authority]
    broker: BrokerAddress
    authority_directory: Path
    token_life: timedelta = timedelta(hours=24)
    public_url: str | None = None
    body_limit_bytes: int = 8 * 1024 * 1024
    now: Callable[[], datetime] = _utc_now
    link: Callable[[], LinkState] = _no_link
    tallies: Callable[[], tuple[Mapping[str, int], Mapping[str, float]]] = _no_tallies
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    resolver: Resolver = field(default_factory=Resolver)
    codes: CodesSettings = field(default_factory=CodesSettings)
    case_limits: CaseLimits = DEFAULTS


def central_of(request: Request) -> Central:
    """The dependency: what the application was made with."""
    central = request.app.state.central
    assert isinstance(central, Central)
    return central
