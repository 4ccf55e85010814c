"""From the configuration and the identity to what the link wants to know."""

from __future__ import annotations

from agent.identity.storage import Identity
from agent.settings import Settings, SettingsError
from agent.uplink.settings import LinkIdentity, LinkSettings


def link_settings(settings: Settings, identity: Identity, software: str) -> LinkSettings:
    """Where the broker is: as configured, else as central said at enrolment."""
    return LinkSettings(
        host=settings.broker.host or identity.broker.host,
        port=settings.broker.port or identity.broker.port,
        keepalive_s=settings.broker.keepalive_s,
        pull_interval_s=float(settings.broker.pull_interval_s),
        retention_days=settings.retention_days,
        software=software,
    )


def link_identity(settings: Settings, identity: Identity) -> LinkIdentity:
    """Who this agent is to the broker. Without TLS there are no certificates, so the broker must be on this machine."""
    if settings.broker.tls:
        return LinkIdentity(
            agent=identity.agent,
            ca_path=identity.ca_path,
            certificate_path=identity.certificate_path,
            key_path=identity.key_path,
        )
    host = settings.broker.host or identity.broker.host
    if host not in {"localhost", "127.0.0.1", "::1"}:
        raise SettingsError(
            f"configuration: broker.tls = false: expected true, because the broker {host!r} is not on this machine"
        )
    return LinkIdentity(agent=identity.agent)
