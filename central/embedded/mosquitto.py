"""The configuration of a Mosquitto 2 for an installation: TLS with client certificates, and nothing kept.

Pure text: :func:`configuration` and :func:`access_list` render the two files, with the same rules as
:mod:`central.embedded.access`. Option names are those of ``mosquitto.conf(5)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from central.authority.names import central_name
from central.embedded.access import AGENT_PUBLISHES, AGENT_SUBSCRIBES
from central.errors import CentralError
from protocol.topics import CHANNELS, ROOT

PAYLOAD_LIMIT_BYTES = 128 * 1024
PACKET_LIMIT_BYTES = PAYLOAD_LIMIT_BYTES + 1024
WORKERS = 8
"""Central processes that the access list knows: Mosquitto has no wildcard for the names of users."""
CENTRAL_IDENTITIES = tuple(central_name(str(number)) for number in range(1, WORKERS + 1))


class ConfigurationError(CentralError):
    """A value that cannot stand in a Mosquitto configuration."""


@dataclass(frozen=True)
class MosquittoPaths:
    """The files that the configuration names."""

    access_list: PurePath
    ca_file: PurePath
    certificate_file: PurePath
    key_file: PurePath


def configuration(
    paths: MosquittoPaths, *, port: int = 8883, bind_address: str = "", max_connections: int = 10_000
) -> str:
    """The text of ``mosquitto.conf``. An empty ``bind_address`` listens on every address."""
    for path in (paths.access_list, paths.ca_file, paths.certificate_file, paths.key_file):
        if not path.is_absolute() or "\n" in str(path):
            raise ConfigurationError(
                f"Mosquitto configuration: path {str(path)!r}: expected an absolute path"
            )
    return _CONFIGURATION.format(
        access_list=paths.access_list,
        ca_file=paths.ca_file,
        certificate_file=paths.certificate_file,
        key_file=paths.key_file,
        listener=f"listener {port} {bind_address}".rstrip(),
        max_connections=max_connections,
        payload_limit_bytes=PAYLOAD_LIMIT_BYTES,
        packet_limit_bytes=PACKET_LIMIT_BYTES,
    )


def access_list(central_identities: Sequence[str] = CENTRAL_IDENTITIES) -> str:
    """The text of the ACL file: one rule per channel for every agent, and everything of the project for central."""
    lines = ["# An agent writes its own topics and reads its own; %u is the common name of its certificate."]
    for channel in CHANNELS:
        if channel in AGENT_PUBLISHES:
            lines.append(f"pattern write {ROOT}/{channel}/%u")
        if channel in AGENT_SUBSCRIBES:
            lines.append(f"pattern read {ROOT}/{channel}/%u")
    lines += [
        "",
        "# Central's processes, by broker.worker: 1 comes as central, 2 as central-2, and so on. For more of them, or other names,",
        "# add two lines each.",
    ]
    for identity in central_identities:
        lines += ["", f"user {identity}", f"topic readwrite {ROOT}/#"]
    return "\n".join(lines) + "\n"


_CONFIGURATION = """\
# Mosquitto 2 for Countermark. Written by central; changes belong in the program that writes it, or in a file of your own.

per_listener_settings false
allow_anonymous false
acl_file {access_list}

{listener}
cafile {ca_file}
certfile {certificate_file}
keyfile {key_file}
tls_version tlsv1.2

# Who a client is, its certificate says; a name or client id of its own choosing is set aside.
require_certificate true
use_identity_as_username true
use_username_as_clientid true

# The broker holds nothing that matters: agents keep what central has not acknowledged, central keeps the rest.
persistence false
persistent_client_expiration 1h
# An agent has one message under way at a time: this queue in front of central is room for every agent at once.
max_queued_messages 20000
max_queued_bytes 268435456
max_inflight_messages 20
# Batch, ack, batch: whoever holds a small packet back for a larger one makes each turn cost some 40 ms.
set_tcp_nodelay true

# Bounds: the largest message of the protocol is {payload_limit_bytes} bytes.
message_size_limit {payload_limit_bytes}
max_packet_size {packet_limit_bytes}
max_connections {max_connections}
max_keepalive 600

log_dest stderr
log_type error
log_type warning
connection_messages false
"""
