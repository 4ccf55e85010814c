"""Enrolment and renewal against a server that signs with a real authority."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from agent.clock import Clock, ManualClock
from agent.enrolment import enrol_here
from agent.identity import storage
from agent.identity.enrol import EnrolmentError, checked_url, enrol, renew
from agent.identity.keys import common_name, fits
from agent.identity.renewing import keep_renewed
from agent.journal.journal import Journal
from agent.settings import Settings
from agent.store import Store
from central.authority.certificates import create_authority, sign_agent
from tests.agent.shop_kit import EPOCH

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Central:
    """Signs what it is asked to, once for each token; keeps what it was sent."""

    def __init__(self) -> None:
        self.authority = create_authority("test", NOW)
        self.agent = "agent-1"
        self.requests: list[dict[str, Any]] = []
        self.refusal: tuple[int, bytes] | None = None
        self.tokens = {"good", "second"}

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        self.requests.append(body)
        if self.refusal is not None:
            return self.refusal
        certificate = sign_agent(self.authority, body["csr_pem"].encode(), self.agent, NOW).decode()
        if path.endswith("/self/certificate"):
            return 200, json.dumps({"certificate_pem": certificate}).encode()
        if body["token"] not in self.tokens:
            problem = {"title": "Forbidden", "detail": "this token has been used", "status": 403}
            return 403, json.dumps(problem).encode()
        self.tokens.remove(body["token"])
        told = {
            "agent": self.agent, "site": "site-1", "lane": "3", "epoch": EPOCH, "currency": "EUR", "time_zone": "Europe/Berlin",
            "broker": {"host": "broker.example", "port": 8883}, "ca_pem": self.authority.certificate_pem.decode(),
            "certificate_pem": certificate,
        }  # fmt: skip
        return 201, json.dumps(told).encode()


@pytest.fixture
def central() -> Iterator[tuple[Central, str]]:
    answering = Central()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, content = answering.answer(self.path, body)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield answering, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def join(folder: Path, url: str, token: str = "good") -> storage.Identity:
    return enrol(folder, central=url, token=token, software="test")


def test_an_enrolled_machine_has_its_certificate_and_central_never_saw_its_key(
    central: tuple[Central, str], tmp_path: Path
) -> None:
    identity = join(tmp_path, central[1])
    assert storage.load(tmp_path) == identity
    assert common_name(identity.certificate_path.read_bytes()) == "agent-1"
    assert fits(identity.key_path.read_bytes(), identity.certificate_path.read_bytes())
    assert "PRIVATE KEY" not in json.dumps(central[0].requests)


def test_the_identity_is_readable_by_its_owner_alone(central: tuple[Central, str], tmp_path: Path) -> None:
    join(tmp_path, central[1])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "identity").iterdir()}
    assert (modes, stat.S_IMODE((tmp_path / "identity").stat().st_mode)) == ({0o600}, 0o700)


def test_a_refused_token_is_told_and_changes_nothing(central: tuple[Central, str], tmp_path: Path) -> None:
    with pytest.raises(EnrolmentError, match="refused with 403: this token has been used"):
        join(tmp_path, central[1], "bad")
    assert not storage.is_enrolled(tmp_path)


def test_an_answer_lost_on_the_way_is_asked_for_again_with_the_same_key(
    central: tuple[Central, str], tmp_path: Path
) -> None:
    central[0].refusal = (500, b"lost")
    with pytest.raises(EnrolmentError):
        join(tmp_path, central[1])
    central[0].refusal = None
    join(tmp_path, central[1])
    first, second = (
        x509.load_pem_x509_csr(request["csr_pem"].encode()).public_key() for request in central[0].requests
    )
    assert first == second


def test_a_server_that_is_not_central_is_told(central: tuple[Central, str], tmp_path: Path) -> None:
    central[0].refusal = (200, b"<html>")
    with pytest.raises(EnrolmentError, match="is this central's address"):
        join(tmp_path, central[1])


def test_a_server_that_is_away_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnrolmentError, match="is central running"):
        join(tmp_path, "http://127.0.0.1:1")


def test_a_token_crosses_no_network_in_the_clear() -> None:
    with pytest.raises(EnrolmentError, match="expected https"):
        checked_url("http://central.example")
    assert checked_url("http://127.0.0.1:8000/") == "http://127.0.0.1:8000"


def test_another_agent_cannot_take_over_a_journal(central: tuple[Central, str], tmp_path: Path) -> None:
    join(tmp_path, central[1])
    central[0].agent = "agent-2"
    with pytest.raises(EnrolmentError, match="belongs to 'agent-1'"):
        join(tmp_path, central[1], "second")
    assert storage.load(tmp_path).agent == "agent-1"


def test_enrolling_again_keeps_the_journals_epoch_and_takes_a_new_key(
    central: tuple[Central, str], tmp_path: Path
) -> None:
    first = join(tmp_path, central[1])
    key = first.key_path.read_bytes()
    again = join(tmp_path, central[1], "second")
    assert (again.epoch, again.generation, again.key_path.read_bytes() == key) == (first.epoch, 2, False)


def test_enrolment_opens_the_journal(central: tuple[Central, str], tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    identity = enrol_here(settings, central=central[1], token="good")
    store = Store.open(tmp_path / "journal.db", reserve_bytes=0)
    assert [line.epoch for line in Journal(store, identity.agent, Clock()).lineage()] == [EPOCH]
    store.close()


def test_a_renewal_proves_the_old_key_and_replaces_it(central: tuple[Central, str], tmp_path: Path) -> None:
    before = join(tmp_path, central[1])
    old_key = x509.load_pem_x509_certificate(before.certificate_path.read_bytes()).public_key()
    renewed = renew(before)
    request = central[0].requests[-1]
    assert isinstance(old_key, ec.EllipticCurvePublicKey)
    old_key.verify(
        base64.b64decode(request["signature"]), request["csr_pem"].encode(), ec.ECDSA(hashes.SHA256())
    )
    assert fits(renewed.key_path.read_bytes(), renewed.certificate_path.read_bytes())
    assert (storage.load(tmp_path), before.key_path.exists()) == (renewed, False)


def test_a_renewal_that_fails_leaves_the_old_identity(central: tuple[Central, str], tmp_path: Path) -> None:
    before = join(tmp_path, central[1])
    central[0].refusal = (403, b'{"detail": "revoked"}')
    with pytest.raises(EnrolmentError, match="revoked"):
        renew(before)
    assert storage.load(tmp_path) == before


def test_a_power_cut_before_the_record_is_replaced_leaves_the_old_identity_whole(
    central: tuple[Central, str], tmp_path: Path
) -> None:
    before = join(tmp_path, central[1])
    following = msgspec.structs.replace(before, generation=2)
    storage.write_whole(following.key_path, b"new key")
    storage.write_whole(following.certificate_path, b"new certificate")
    loaded = storage.load(tmp_path)
    assert fits(loaded.key_path.read_bytes(), loaded.certificate_path.read_bytes())


def test_renewal_is_due_at_half_of_the_certificates_life(
    central: tuple[Central, str], tmp_path: Path
) -> None:
    identity = join(tmp_path, central[1])
    middle = (identity.certificate_not_before_s + identity.certificate_not_after_s) / 2
    assert [storage.is_renewal_due_now(identity, middle + after) for after in (-1, 1)] == [False, True]


def test_a_running_agent_renews_by_itself_once_it_is_due(
    central: tuple[Central, str], tmp_path: Path
) -> None:
    identity = join(tmp_path, central[1])
    clock = ManualClock(identity.certificate_not_after_s * 1_000_000)
    renewed: list[storage.Identity] = []

    async def until_renewed() -> None:
        done = asyncio.Event()

        def take(fresh: storage.Identity) -> None:
            renewed.append(fresh)
            done.set()

        keeping = asyncio.create_task(keep_renewed(identity, clock, take))
        await asyncio.wait_for(done.wait(), 20)
        keeping.cancel()

    asyncio.run(until_renewed())
    assert [fresh.generation for fresh in renewed] == [2]


def test_a_machine_that_is_not_enrolled_is_told_how(tmp_path: Path) -> None:
    with pytest.raises(storage.NotEnrolled, match="countermark-agent enrol --central URL --token TOKEN"):
        storage.load(tmp_path)
