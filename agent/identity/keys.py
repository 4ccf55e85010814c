"""The agent's own key and its certificate request (PKCS 10, RFC 2986), and the brand's public keys (Ed25519, RFC 8032).

The private key is made on the machine and never leaves it: central sees the request and gives back a certificate.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import NameOID

from agent.errors import AgentError


class IdentityError(AgentError):
    """A key or certificate that cannot be read or does not fit."""


def make_key() -> bytes:
    """A new private key: elliptic curve P-256, PKCS 8, PEM, not encrypted. Keep it readable by its owner alone."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_request(key_pem: bytes, agent: str) -> bytes:
    """A certificate request (PEM) for this key. The name in it is for people: central decides what the machine is called."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, agent)])
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .sign(_load_key(key_pem), hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM)


def fits(key_pem: bytes, certificate_pem: bytes) -> bool:
    """Whether the certificate was issued for this key."""
    return _load_certificate(certificate_pem).public_key() == _load_key(key_pem).public_key()


def common_name(certificate_pem: bytes) -> str:
    """The agent's id as central wrote it into the certificate."""
    names = _load_certificate(certificate_pem).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(names) != 1:
        raise IdentityError(
            f"certificate: {len(names)} common names; expected one, the agent's id; enrol this machine again"
        )
    return str(names[0].value)


def validity(certificate_pem: bytes) -> tuple[datetime, datetime]:
    """From when until when a certificate is valid (UTC). See :func:`protocol.renewal.renew_at` for when to renew."""
    certificate = _load_certificate(certificate_pem)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def sign(key_pem: bytes, data: bytes) -> bytes:
    """A signature by this key (ECDSA with SHA-256, DER): the proof that whoever asks holds it."""
    return _load_key(key_pem).sign(data, ec.ECDSA(hashes.SHA256()))


def brand_key(public_key: bytes) -> Callable[[bytes, bytes], bool] | None:
    """What tells whether a signature over some data (in this order) was made with the private half of ``public_key`` (32 bytes).

    None for bytes that are no such key.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        return None

    def is_signed(signature: bytes, data: bytes) -> bool:
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return is_signed


def _load_key(key_pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError) as error:
        raise IdentityError(
            f"private key: cannot be read ({error}); expected PKCS 8 as PEM; enrol this machine again"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityError(
            "private key: not an elliptic curve key; expected P-256; enrol this machine again"
        )
    return key


def _load_certificate(certificate_pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate_pem)
    except ValueError as error:
        raise IdentityError(
            f"certificate: cannot be read ({error}); expected PEM; enrol this machine again"
        ) from error
