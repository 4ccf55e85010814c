"""Making keys and certificates (X.509 version 3, RFC 5280): elliptic curve P-256, signed with SHA-256.

Every function takes the moment as an argument and gives PEM bytes; nothing here touches a file.

>>> from datetime import UTC, datetime
>>> now = datetime(2026, 1, 1, tzinfo=UTC)
>>> authority = create_authority("Example brand", now)
>>> broker = issue_server(authority, ["broker.example", "127.0.0.1"], now)
>>> broker.certificate_pem.startswith(b"-----BEGIN CERTIFICATE-----")
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.authority.names import FIRST_WORKER, central_name, is_central
from central.errors import CentralError
from protocol.errors import Malformed
from protocol.topics import check_agent_id

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397  # the longest that common TLS software accepts for a server
CENTRAL_DAYS = 90
AGENT_DAYS = 7
AGENTS_DOMAIN = ".agents.countermark.invalid"  # RFC 2606, section 2: never a host of any network
# Machines at the edge have poor clocks: a certificate that begins "now" is not yet valid on a clock that is slow.
BACKDATE = timedelta(hours=1)


class AuthorityError(CentralError):
    """A certificate that cannot be made, read or signed."""


@dataclass(frozen=True)
class Credentials:
    """A private key (PKCS 8, not encrypted) and its certificate, both PEM."""

    key_pem: bytes
    certificate_pem: bytes


@dataclass(frozen=True)
class Authority:
    """A certificate authority in hand: its certificate and the key it signs with."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """What every client and the broker trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def credentials(self) -> Credentials:
        """Key and certificate, to be kept."""
        return Credentials(_key_pem(self.key), self.certificate_pem)


def create_authority(name: str, now: datetime, days: int = AUTHORITY_DAYS) -> Authority:
    """A new self-signed authority called ``name``, which may sign end certificates only (path length 0)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    builder = (
        _builder(subject, subject, key.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


def load_authority(credentials: Credentials) -> Authority:
    """The authority that was kept as ``credentials``, or :class:`AuthorityError` when the two do not belong together."""
    try:
        certificate = x509.load_pem_x509_certificate(credentials.certificate_pem)
        key = serialization.load_pem_private_key(credentials.key_pem, password=None)
    except ValueError as error:
        raise AuthorityError(
            f"certificate authority: cannot be read ({error}); restore both files from the backup"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise AuthorityError(
            "certificate authority: the key does not belong to the certificate; restore both from one backup"
        )
    return Authority(certificate, key)


def issue_server(
    authority: Authority, names: Sequence[str], now: datetime, days: int = SERVER_DAYS
) -> Credentials:
    """A server's key and certificate for ``names``: host names or IP addresses, the first one also as common name."""
    if not names:
        raise AuthorityError(
            "server certificate: no name given; expected at least one host name or IP address"
        )
    alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
    return _issue(authority, names[0], (ExtendedKeyUsageOID.SERVER_AUTH,), now, days, alternatives)


def issue_central(
    authority: Authority, now: datetime, worker: str = FIRST_WORKER, days: int = CENTRAL_DAYS
) -> Credentials:
    """The client certificate of a central process's connection to the broker; ``worker`` is its ``broker.worker``."""
    return _issue(authority, central_name(worker), (ExtendedKeyUsageOID.CLIENT_AUTH,), now, days)


def sign_agent(
    authority: Authority, request_pem: bytes, agent: str, now: datetime, days: int = AGENT_DAYS
) -> bytes:
    """The certificate (PEM) for the key in an agent's certificate request (PKCS 10, RFC 2986).

    Only the key is taken from the request. The name is ``agent``, which central knows from the enrolment: what a machine
    says of itself gives it nothing. The certificate is good for the broker's client and for answering neighbouring agents, which know
    each other by the agent's id; its only host name is one that no network has.
    """
    try:
        check_agent_id(agent)
    except Malformed as error:
        raise AuthorityError(str(error)) from error
    if is_central(agent):
        raise AuthorityError(f"agent id {agent!r}: that name is central's own; choose another")
    key = _requested_key(request_pem, agent)
    usages = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)
    # With a name of this form in it, no software falls back to the common name: an agent called `localhost` is no server of
    # that name to anybody.
    fence = x509.SubjectAlternativeName([x509.DNSName(f"{agent}{AGENTS_DOMAIN}")])
    return _end_certificate(authority, agent, key, usages, now, days, fence).public_bytes(
        serialization.Encoding.PEM
    )


def validity(certificate_pem: bytes) -> tuple[datetime, datetime]:
    """From when until when a certificate is valid (UTC)."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
    except ValueError as error:
        raise AuthorityError(
            f"certificate: cannot be read ({error}); expected one certificate as PEM"
        ) from error
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _requested_key(request_pem: bytes, agent: str) -> ec.EllipticCurvePublicKey:
    """The public key of a request, once the request proves that its maker holds the private one."""
    try:
        request = x509.load_pem_x509_csr(request_pem)
        key = request.public_key()
        proven = request.is_signature_valid
    except (ValueError, InvalidSignature) as error:
        raise AuthorityError(
            f"certificate request of {agent!r}: cannot be read ({error}); expected PKCS 10 as PEM"
        ) from error
    if not proven:
        raise AuthorityError(
            f"certificate request of {agent!r}: its signature does not fit its key; make a new request"
        )
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise AuthorityError(
            f"certificate request of {agent!r}: key is not elliptic curve P-256; make a new key"
        )
    return key


def _issue(
    authority: Authority,
    name: str,
    usages: Sequence[x509.ObjectIdentifier],
    now: datetime,
    days: int,
    alternatives: x509.SubjectAlternativeName | None = None,
) -> Credentials:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _end_certificate(authority, name, key.public_key(), usages, now, days, alternatives)
    return Credentials(_key_pem(key), certificate.public_bytes(serialization.Encoding.PEM))


def _end_certificate(
    authority: Authority,
    name: str,
    key: ec.EllipticCurvePublicKey,
    usages: Sequence[x509.ObjectIdentifier],
    now: datetime,
    days: int,
    alternatives: x509.SubjectAlternativeName | None = None,
) -> x509.Certificate:
    builder = (
        _builder(_subject(name), authority.certificate.subject, key, now, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
    )
    if alternatives is not None:
        builder = builder.add_extension(alternatives, critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + timedelta(days=days))
    )


def _subject(name: str) -> x509.Name:
    # RFC 5280, appendix A: a common name holds 64 characters at most.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
