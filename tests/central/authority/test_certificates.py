"""What the authority signs, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.identity.keys import common_name, fits, make_key, make_request
from central.authority.certificates import (
    Authority,
    AuthorityError,
    Credentials,
    create_authority,
    issue_central,
    issue_server,
    load_authority,
    sign_agent,
    validity,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return create_authority("Example brand", NOW)


def _request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str = "shop-1") -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def test_an_authority_lives_ten_years(authority: Authority) -> None:
    assert validity(authority.certificate_pem)[1] == NOW + timedelta(days=3650)


def test_an_authority_is_the_same_after_keeping(authority: Authority) -> None:
    assert load_authority(authority.credentials).certificate == authority.certificate


def test_a_key_of_another_authority_is_refused(authority: Authority) -> None:
    other = create_authority("Example brand", NOW)
    with pytest.raises(AuthorityError, match="the key does not belong to the certificate"):
        load_authority(Credentials(other.credentials.key_pem, authority.certificate_pem))


def test_an_agents_certificate_fits_its_key_and_lives_seven_days(authority: Authority) -> None:
    key = make_key()
    certificate = sign_agent(authority, make_request(key, "shop-1"), "shop-1", NOW)
    assert (fits(key, certificate), validity(certificate)[1]) == (True, NOW + timedelta(days=7))


def test_an_agent_is_called_what_central_calls_it_not_what_it_asks_for(authority: Authority) -> None:
    certificate = sign_agent(authority, make_request(make_key(), "central"), "shop-1", NOW)
    assert common_name(certificate) == "shop-1"


def test_an_agents_certificate_is_signed_by_the_authority_and_signs_nothing_itself(
    authority: Authority,
) -> None:
    certificate = x509.load_pem_x509_certificate(
        sign_agent(authority, make_request(make_key(), "shop-1"), "shop-1", NOW)
    )
    certificate.verify_directly_issued_by(authority.certificate)
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    both = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    assert (list(usages), constraints.ca) == (both, False)


def test_an_agent_named_like_a_host_is_no_server_of_that_name(authority: Authority) -> None:
    certificate = x509.load_pem_x509_certificate(
        sign_agent(authority, make_request(make_key(), "localhost"), "localhost", NOW)
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost.agents.countermark.invalid"]


@pytest.mark.parametrize(
    "agent", ["central", "central-", "central-2", "central-9f3", "", "+", "#", "a/b", "-x", "x" * 64, "käse"]
)
def test_a_name_that_would_open_other_topics_is_not_signed(authority: Authority, agent: str) -> None:
    with pytest.raises(AuthorityError, match=r"agent id .*(expected|choose another)"):
        sign_agent(authority, make_request(make_key(), "shop-1"), agent, NOW)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP256K1()])
def test_a_key_on_another_curve_is_refused(authority: Authority, curve: ec.EllipticCurve) -> None:
    with pytest.raises(AuthorityError, match="not elliptic curve P-256"):
        sign_agent(authority, _request(ec.generate_private_key(curve)), "shop-1", NOW)


def test_an_rsa_key_is_refused(authority: Authority) -> None:
    with pytest.raises(AuthorityError, match="not elliptic curve P-256"):
        sign_agent(authority, _request(rsa.generate_private_key(65537, 2048)), "shop-1", NOW)


def test_a_request_that_was_tampered_with_is_refused(authority: Authority) -> None:
    request = x509.load_pem_x509_csr(make_request(make_key(), "shop-1")).public_bytes(
        serialization.Encoding.DER
    )
    forged = x509.load_der_x509_csr(request.replace(b"shop-1", b"shop-2")).public_bytes(
        serialization.Encoding.PEM
    )
    with pytest.raises(AuthorityError, match="its signature does not fit its key"):
        sign_agent(authority, forged, "shop-1", NOW)


def test_garbage_is_no_request(authority: Authority) -> None:
    with pytest.raises(AuthorityError, match=r"cannot be read .* expected PKCS 10 as PEM"):
        sign_agent(authority, b"garbage", "shop-1", NOW)


def test_a_server_is_known_by_every_name_and_address_given(authority: Authority) -> None:
    server = issue_server(authority, ["broker.example", "192.0.2.7"], NOW)
    certificate = x509.load_pem_x509_certificate(server.certificate_pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert (
        names.get_values_for_type(x509.DNSName),
        [str(a) for a in names.get_values_for_type(x509.IPAddress)],
    ) == (
        ["broker.example"],
        ["192.0.2.7"],
    )


def test_a_server_without_a_name_is_refused(authority: Authority) -> None:
    with pytest.raises(AuthorityError, match="no name given"):
        issue_server(authority, [], NOW)


@pytest.mark.parametrize(("worker", "name"), [("1", "central"), ("2", "central-2"), ("b", "central-b")])
def test_each_central_process_has_a_name_of_its_own(authority: Authority, worker: str, name: str) -> None:
    assert common_name(issue_central(authority, NOW, worker).certificate_pem) == name


def test_a_certificate_is_valid_an_hour_back_for_clocks_that_are_slow(authority: Authority) -> None:
    assert validity(issue_central(authority, NOW).certificate_pem)[0] == NOW - timedelta(hours=1)
