"""What the link has to be told."""

from __future__ import annotations

from pathlib import Path

import msgspec

from protocol.codec import Signer
from protocol.delivery.vocabulary import Pace


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is, and how patient to be.

    A half-open connection is noticed within two times ``keepalive_s``. ``retention_days`` counts days of contact with central.
    """

    host: str
    port: int
    keepalive_s: int = 10
    connect_timeout_s: float = 5.0
    reconnect_limit_s: float = 30.0
    pull_interval_s: float = 300.0
    retention_days: int = 90
    software: str = ""
    pace: Pace = Pace()


class LinkIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Who this agent is to the broker: certificate and key as PEM files, and the authority that vouches for the broker.

    The client id is the agent's id. Without certificates the connection is plain TCP: for a broker on this machine alone.
    ``sign`` signs what is sent, where central wants that.
    """

    agent: str
    ca_path: Path | None = None
    certificate_path: Path | None = None
    key_path: Path | None = None
    sign: Signer | None = None
