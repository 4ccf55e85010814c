"""The certificates that an installation needs beside its agents': the authority's own, the broker's, central's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from central.authority.certificates import Authority, issue_central, issue_server
from central.authority.files import is_due, load, open_or_create_authority, save
from central.authority.names import FIRST_WORKER, central_name

BROKER_NAME = "broker"


def ensure(directory: Path, name: str, broker_hosts: Sequence[str], now: datetime) -> Authority:
    """The authority in ``directory``, with the broker's and central's credentials beside it.

    What is missing is made, what is past half of its life is renewed, the rest stays as it is.
    """
    authority = ensure_central(directory, name, now)
    if is_due(load(directory, BROKER_NAME), now):
        save(directory, BROKER_NAME, issue_server(authority, broker_hosts, now))
    return authority


def ensure_central(directory: Path, name: str, now: datetime, worker: str = FIRST_WORKER) -> Authority:
    """The authority in ``directory``, with the credentials of one central process good for at least half of their life."""
    authority = open_or_create_authority(directory, name, now)
    own_name = central_name(worker)
    if is_due(load(directory, own_name), now):
        save(directory, own_name, issue_central(authority, now, worker))
    return authority
