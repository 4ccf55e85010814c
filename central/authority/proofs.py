"""What a machine proves with its key: that a request is its own."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from central.authority.certificates import AuthorityError


def public_key_pem(request_pem: bytes) -> str:
    """The public key in a certificate request (PKCS 10), as PEM. Whether the request is sound, the authority says."""
    try:
        key = x509.load_pem_x509_csr(request_pem).public_key()
    except ValueError as error:
        raise AuthorityError(
            f"certificate request: cannot be read ({error}); expected PKCS 10 as PEM"
        ) from None
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def has_signed(key_pem: str, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` (ECDSA, SHA-256, DER) over ``data`` was made with the key of ``key_pem``."""
    key = serialization.load_pem_public_key(key_pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
