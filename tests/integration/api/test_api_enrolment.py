"""How a machine joins and stays, over the interface."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.identity.keys import common_name, fits, make_key, make_request
from central.authority.names import is_central
from protocol.chain import genesis
from tests.integration.api.world import Counter, World


def token_for(world: World, site: str = "S1", **more: Any) -> str:
    """An enrolment token."""
    return str(world.post("/v1/enrolment-tokens", {"site": site, **more})["token"])


def joining(token: str, key: bytes) -> dict[str, str]:
    """What a machine shows to join."""
    return {"token": token, "csr_pem": make_request(key, "me").decode(), "software": "countermark-agent 1"}


def renewal(counter: Counter, new_key: bytes, signed_with: bytes) -> dict[str, str]:
    """A request for the next certificate."""
    csr = make_request(new_key, counter.agent)
    key = serialization.load_pem_private_key(signed_with, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(csr, ec.ECDSA(hashes.SHA256()))
    return {
        "agent": counter.agent,
        "csr_pem": csr.decode(),
        "signature": base64.b64encode(signature).decode(),
    }


def test_a_machine_that_joins_gets_all_it_needs(world: World) -> None:
    key = make_key()
    joined = world.post("/v1/enrolments", joining(token_for(world), key))
    assert {name: joined[name] for name in ("site", "lane", "currency", "time_zone", "broker")} == {
        "site": "S1",
        "lane": "1",
        "currency": "CNY",
        "time_zone": "UTC",
        "broker": {"host": "broker.example", "port": 8883},
    }
    assert joined["ca_pem"].encode() == world.authority.certificate_pem
    assert fits(key, joined["certificate_pem"].encode())
    assert common_name(joined["certificate_pem"].encode()) == joined["agent"]


def test_central_stands_at_the_beginning_of_the_new_journal(world: World) -> None:
    joined = world.post("/v1/enrolments", joining(token_for(world), make_key()))
    with world.database.transaction() as connection:
        row = connection.execute(
            "SELECT epoch::text, next_seq, head_hash FROM epochs WHERE agent_id = %s", (joined["agent"],)
        ).fetchone()
    assert row == (joined["epoch"], 1, genesis(joined["agent"], joined["epoch"]))


@pytest.mark.parametrize("site", ["central", "central-2"])
def test_a_machine_of_a_site_called_central_gets_no_name_of_centrals(world: World, site: str) -> None:
    world.post("/v1/sites", {"site": site, "name": "The central store", "kind": "store"})
    joined = world.post("/v1/enrolments", joining(token_for(world, site), make_key()))
    assert (joined["agent"].startswith(f"at-{site}-1-"), is_central(joined["agent"])) == (True, False)


def test_a_token_lets_one_machine_join_and_no_other(world: World) -> None:
    token = token_for(world)
    world.post("/v1/enrolments", joining(token, make_key()))
    refused = world.post("/v1/enrolments", joining(token, make_key()), expected=403)
    assert refused["detail"] == "this enrolment token has been used; make a new one for this site"


def test_of_two_machines_that_show_one_token_at_once_one_joins(world: World) -> None:
    token = token_for(world)
    requests = [joining(token, make_key()) for _ in range(8)]
    together = threading.Barrier(8)

    def join(request: dict[str, str]) -> int:
        together.wait(30)
        return world.call("POST", "/v1/enrolments", None, json=request).status_code

    with ThreadPoolExecutor(8) as machines:
        answers = sorted(machines.map(join, requests))
    assert answers == [201] + [403] * 7
    assert len(world.get("/v1/agents")["items"]) == 1


def test_a_machine_whose_answer_was_lost_gets_it_again(world: World) -> None:
    request = joining(token_for(world), make_key())
    first, second = (world.post("/v1/enrolments", request) for _ in range(2))
    assert (first["agent"], first["epoch"]) == (second["agent"], second["epoch"])
    assert len(world.get("/v1/agents")["items"]) == 1


def test_a_token_expires(world: World) -> None:
    token = token_for(world, hours=2)
    world.now += timedelta(hours=2)
    refused = world.post("/v1/enrolments", joining(token, make_key()), expected=403)
    assert "has expired" in refused["detail"]


def test_a_request_that_is_none_leaves_the_token_good(world: World) -> None:
    token = token_for(world)
    refused = world.post("/v1/enrolments", {"token": token, "csr_pem": "garbage"}, expected=422)
    joined = world.post("/v1/enrolments", joining(token, make_key()))
    assert ("expected PKCS 10 as PEM" in refused["detail"], joined["site"]) == (True, "S1")


def test_machines_of_one_site_get_lanes_of_their_own_and_a_lane_is_given_once(world: World) -> None:
    first, second = world.counter("S1"), world.counter("S1")
    world.post(f"/v1/agents/{first.agent}/revoke")
    third = world.counter("S1")
    lanes = {one["agent"]: one["lane"] for one in world.get("/v1/agents")["items"]}
    taken = world.post("/v1/enrolment-tokens", {"site": "S1", "lane": "1"}, expected=409)
    assert [lanes[one.agent] for one in (first, second, third)] == ["1", "2", "3"]
    assert f"lane 1 of site S1 belongs to agent {first.agent}" in taken["detail"]


def test_two_tokens_for_one_lane_make_one_machine(world: World) -> None:
    tokens = [token_for(world, lane="A1") for _ in range(2)]
    world.post("/v1/enrolments", joining(tokens[0], make_key()))
    refused = world.post("/v1/enrolments", joining(tokens[1], make_key()), expected=409)
    assert "a lane is given once" in refused["detail"]


def test_a_certificate_is_renewed_by_the_key_it_replaces(world: World) -> None:
    counter, new_key = world.counter("S1"), make_key()
    renewed = world.post("/v1/agents/self/certificate", renewal(counter, new_key, counter.key_pem))
    again = world.post("/v1/agents/self/certificate", renewal(counter, make_key(), new_key))
    assert fits(new_key, renewed["certificate_pem"].encode())
    assert common_name(again["certificate_pem"].encode()) == counter.agent


def test_a_renewal_whose_answer_was_lost_may_be_asked_for_again_by_the_old_key(world: World) -> None:
    counter, kept = world.counter("S1"), make_key()
    world.post("/v1/agents/self/certificate", renewal(counter, make_key(), counter.key_pem))
    renewed = world.post("/v1/agents/self/certificate", renewal(counter, kept, counter.key_pem))
    assert fits(kept, renewed["certificate_pem"].encode())


def test_a_key_two_renewals_old_renews_nothing(world: World) -> None:
    counter, second, third = world.counter("S1"), make_key(), make_key()
    world.post("/v1/agents/self/certificate", renewal(counter, second, counter.key_pem))
    world.post("/v1/agents/self/certificate", renewal(counter, third, second))
    world.post("/v1/agents/self/certificate", renewal(counter, make_key(), counter.key_pem), expected=403)


def test_a_renewal_that_another_key_has_signed_is_refused_as_is_one_of_nobody(world: World) -> None:
    counter = world.counter("S1")
    forged = renewal(counter, make_key(), make_key())
    answers = [
        world.post("/v1/agents/self/certificate", request, expected=403)["detail"]
        for request in (forged, {**forged, "agent": "nobody"})
    ]
    assert answers[0] == answers[1]


def test_a_revoked_machine_is_not_renewed(world: World) -> None:
    counter = world.counter("S1")
    world.post(f"/v1/agents/{counter.agent}/revoke")
    request = renewal(counter, make_key(), counter.key_pem)
    refused = world.post("/v1/agents/self/certificate", request, expected=403)
    assert "is revoked" in refused["detail"]


@pytest.mark.parametrize("signature", ["", "====", "AAAA", "é"])
def test_a_signature_that_is_none_is_refused(world: World, signature: str) -> None:
    counter = world.counter("S1")
    request = renewal(counter, make_key(), counter.key_pem) | {"signature": signature}
    answer = world.call("POST", "/v1/agents/self/certificate", None, json=request)
    assert answer.status_code in (403, 422)


def test_a_token_is_kept_as_its_hash_alone(world: World) -> None:
    token = token_for(world)
    with world.database.transaction() as connection:
        rows = connection.execute("SELECT enrolment_tokens::text FROM enrolment_tokens").fetchall()
    assert len(rows) == 1
    assert token not in rows[0][0]
