"""Enrolment with a single-use token, and the renewal of the certificate at half of its life.

The machine makes its own key. It keeps that key before it asks, so that an answer lost on the way can be asked for
again with the same key.
"""

from __future__ import annotations

import base64
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec

from agent.errors import AgentError
from agent.identity import keys, storage
from agent.identity.storage import BrokerAddress, Identity

_TIMEOUT_S = 20.0
_PENDING_KEY = "key.pending.pem"


class EnrolmentError(AgentError):
    """Central could not be asked, or said no."""


class _Enrolled(msgspec.Struct, frozen=True):
    """Central's answer to an enrolment (201)."""

    agent: str
    site: str
    lane: str
    epoch: str
    currency: str
    time_zone: str
    broker: BrokerAddress
    ca_pem: str
    certificate_pem: str


class _Renewed(msgspec.Struct, frozen=True):
    """Central's answer to a renewal."""

    certificate_pem: str


class _Problem(msgspec.Struct, frozen=True):
    """RFC 9457, what is shown of it."""

    title: str = ""
    detail: str = ""


def enrol(
    data_dir: Path, *, central: str, token: str, software: str, client: httpx.Client | None = None
) -> Identity:
    """Ask central for an identity and store it. Raises :class:`EnrolmentError`; then nothing has changed here.

    A machine that is enrolled already may enrol again as the same agent (its certificate was lost or revoked); its journal
    goes on. As another agent it may not: a journal belongs to one agent.
    """
    central = checked_url(central)
    before = storage.load(data_dir) if storage.is_enrolled(data_dir) else None
    folder = storage.folder_of(data_dir)
    key_pem = _pending_key(folder)
    request = {
        "token": token.strip(),
        "csr_pem": keys.make_request(key_pem, "new").decode(),
        "software": software,
    }
    body = _post(client, f"{central}/v1/enrolments", request, "enrolment")
    try:
        answer = msgspec.json.decode(body, type=_Enrolled)
    except msgspec.DecodeError as error:
        raise EnrolmentError(
            f"enrolment at {central}: the answer cannot be read ({error}); is this central's address?"
        ) from None
    if before is not None and before.agent != answer.agent:
        raise EnrolmentError(
            f"enrolment at {central}: central calls this machine {answer.agent!r}, but its journal in {data_dir} belongs "
            f"to {before.agent!r}; use another data_dir for another agent"
        )
    certificate = answer.certificate_pem.encode()
    if not keys.fits(key_pem, certificate):
        raise EnrolmentError(
            f"enrolment at {central}: the certificate is for another key; ask for a new token"
        )
    not_before, not_after = keys.validity(certificate)
    identity = Identity(
        agent=answer.agent,
        site=answer.site,
        lane=answer.lane,
        # A journal that exists goes on in its own epoch: hello settles what central thinks of it.
        epoch=answer.epoch if before is None else before.epoch,
        currency=answer.currency,
        time_zone=answer.time_zone,
        broker=answer.broker,
        central=central,
        folder=str(folder),
        certificate_not_before_s=int(not_before.timestamp()),
        certificate_not_after_s=int(not_after.timestamp()),
        generation=1 if before is None else before.generation + 1,
    )
    storage.save(identity, key_pem=key_pem, certificate_pem=certificate, ca_pem=answer.ca_pem.encode())
    (folder / _PENDING_KEY).unlink(missing_ok=True)
    return identity


def renew(identity: Identity, *, client: httpx.Client | None = None) -> Identity:
    """A new key and its certificate, asked for with a proof of the old key. Raises :class:`EnrolmentError`.

    The proof (ECDSA with SHA-256 over the request) holds although the old certificate may have run out: a shop that was dark
    for months comes back by itself.
    """
    folder = Path(identity.folder)
    key_pem = _pending_key(folder)
    request_pem = keys.make_request(key_pem, identity.agent)
    proof = keys.sign(identity.key_path.read_bytes(), request_pem)
    request = {
        "agent": identity.agent,
        "csr_pem": request_pem.decode(),
        "signature": base64.b64encode(proof).decode(),
    }
    body = _post(client, f"{identity.central}/v1/agents/self/certificate", request, "certificate renewal")
    try:
        certificate = msgspec.json.decode(body, type=_Renewed).certificate_pem.encode()
    except msgspec.DecodeError as error:
        raise EnrolmentError(f"certificate renewal: the answer cannot be read ({error})") from None
    if not keys.fits(key_pem, certificate):
        raise EnrolmentError(
            "certificate renewal: the certificate is for another key; it is asked for again later"
        )
    not_before, not_after = keys.validity(certificate)
    renewed = msgspec.structs.replace(
        identity,
        certificate_not_before_s=int(not_before.timestamp()),
        certificate_not_after_s=int(not_after.timestamp()),
        generation=identity.generation + 1,
    )
    ca_pem = identity.ca_path.read_bytes()
    storage.save(renewed, key_pem=key_pem, certificate_pem=certificate, ca_pem=ca_pem)
    (folder / _PENDING_KEY).unlink(missing_ok=True)
    return renewed


def checked_url(central: str) -> str:
    """Central's address without a slash at its end; plain ``http`` is for this machine itself alone."""
    parts = urlsplit(central)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise EnrolmentError(
            f"central address {central!r}: expected https://host, such as https://central.example"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise EnrolmentError(
            f"central address {central!r}: expected https, because a token must not cross a network in the clear"
        )
    return central.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _pending_key(folder: Path) -> bytes:
    storage.make_folder(folder)
    path = folder / _PENDING_KEY
    if not path.exists():
        storage.write_whole(path, keys.make_key())
    return path.read_bytes()


def _post(client: httpx.Client | None, url: str, body: dict[str, str], what: str) -> bytes:
    try:
        if client is not None:
            answer = client.post(url, json=body)
        else:
            with httpx.Client(timeout=_TIMEOUT_S) as own:
                answer = own.post(url, json=body)
    except httpx.HTTPError as error:
        raise EnrolmentError(
            f"{what} at {url}: no answer ({error}); is central running, and is this its address?"
        ) from None
    if answer.is_success:
        return answer.content
    raise EnrolmentError(f"{what} at {url}: refused with {answer.status_code}: {_told(answer)}")


def _told(answer: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        return "no reason given; is this central's address?"
    return problem.detail or problem.title or "no reason given"
