"""What a machine proves with its key."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from agent.identity.keys import make_key, make_request
from central.authority.certificates import AuthorityError
from central.authority.proofs import has_signed, public_key_pem

KEY = make_key()


def signed(key_pem: bytes, data: bytes) -> bytes:
    """A signature by a private key."""
    key = serialization.load_pem_private_key(key_pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def test_a_signature_holds_for_its_key_and_its_bytes_alone() -> None:
    own, other = (public_key_pem(make_request(key, "a")) for key in (KEY, make_key()))
    signature = signed(KEY, b"request")
    answers = [
        has_signed(own, signature, b"request"),
        has_signed(own, signature, b"Request"),
        has_signed(other, signature, b"request"),
    ]
    assert answers == [True, False, False]


@given(st.binary(max_size=80))
def test_bytes_that_are_no_signature_prove_nothing(signature: bytes) -> None:
    assert not has_signed(public_key_pem(make_request(KEY, "a")), signature, b"request")


def test_a_key_of_another_kind_proves_nothing() -> None:
    key = rsa.generate_private_key(65537, 2048).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert not has_signed(pem.decode(), b"", b"request")


def test_a_request_that_is_none_says_what_was_expected() -> None:
    with pytest.raises(AuthorityError, match="expected PKCS 10 as PEM"):
        public_key_pem(b"garbage")
