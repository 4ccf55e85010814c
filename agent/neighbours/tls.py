"""Who is at the other end: TLS 1.3 with the agents' own certificates, both ways, under the brand's authority.

The name in a certificate is the agent's id, as central wrote it; who is not in this machine's list gets no answer and is not
asked. There is no secret to share, and none to leak.

A certificate that has run out counts between neighbours for a while longer: the network over which it would be renewed
is the one whose absence makes neighbours worth asking. What an impostor with a stolen, expired key could learn or do here is what
one journal did to one item whose code he holds.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from agent.errors import AgentError

GRACE_S = 30 * 86_400
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME (OpenSSL): the dates are checked below


class NeighbourError(AgentError):
    """A neighbour that cannot be reached, or is not who it should be."""


def server_context() -> ssl.SSLContext:
    """For answering. Nobody gets further than the handshake without a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    return _strict(context)


def client_context() -> ssl.SSLContext:
    """For asking. A neighbour is known by its agent's id and not by an address, so :func:`check_name` takes the place of a host name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    return _strict(context)


def _strict(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= _NO_CHECK_TIME
    return context


def use_certificates(context: ssl.SSLContext, *, ca: Path, certificate: Path, key: Path) -> None:
    """Take these files for connections from now on; a renewed certificate the same way. :class:`NeighbourError` if they cannot be read."""
    try:
        context.load_verify_locations(ca)
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise NeighbourError(
            f"neighbours: the certificate of this machine cannot be used ({error}); enrol it again"
        ) from error


def check_name(certificate: dict[str, Any] | None, now_s: float) -> str:
    """The agent's id in a certificate that the handshake has proven; :class:`NeighbourError` without one, or long after its time."""
    names = [
        value
        for entry in (certificate or {}).get("subject", ())
        for field, value in entry
        if field == "commonName"
    ]
    if certificate is None or len(names) != 1:
        raise NeighbourError("a neighbour showed a certificate without a name; enrol that machine again")
    ended_s = ssl.cert_time_to_seconds(certificate["notAfter"])
    if now_s > ended_s + GRACE_S:
        days = int((now_s - ended_s) // 86_400)
        raise NeighbourError(
            f"the certificate of {names[0]!r} ran out {days} days ago; connect that machine to central, which renews it"
        )
    return str(names[0])
