"""Keys that sign codes: made at their first use, rotated, retired, revoked, and told to every agent."""

from __future__ import annotations

import stat
from base64 import b64decode
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from central.authority.signing import is_signed
from central.codes import keys
from central.codes.key_files import CodeKeyError, path_of
from central.codes.key_rules import Refused
from central.codes.keys import Signer
from central.feeds import pull
from protocol.feeds import CodeKey, Feed
from tests.integration.api.world import NOW, World

TODAY = NOW.date()


def signer(world: World, day: date = TODAY, purpose: str = "codes") -> Signer:
    directory = world.directory / "authority"
    return world.database.run(lambda connection: keys.signer(connection, directory, purpose, day))


def signer_of(world: World, key_id: str) -> Signer | Refused:
    directory = world.directory / "authority"
    return world.database.run(lambda connection: keys.signer_of(connection, directory, key_id))


def told(world: World) -> dict[str, CodeKey]:
    """What agents hear of the keys."""
    with world.database.transaction() as connection:
        chunk = pull(connection, Feed.KEYS, "", 0, 1000)
    return {row.key: msgspec.json.decode(row.body or b"", type=CodeKey) for row in chunk.rows}


def listed(world: World) -> dict[str, str]:
    return {one["key_id"]: one["state"] for one in world.get("/v1/code-keys")["items"]}


def test_the_first_use_makes_the_first_key_and_the_second_finds_it(world: World) -> None:
    first, again, filters = signer(world), signer(world), signer(world, purpose="filters")
    assert (again.key_id, listed(world)) == (
        first.key_id,
        {first.key_id: "active", filters.key_id: "active"},
    )
    assert first.key_id != filters.key_id


def test_what_a_signer_signs_is_proven_by_the_public_key_that_agents_hear_of(world: World) -> None:
    made = signer(world)
    row = told(world)[made.key_id]
    assert is_signed(b64decode(row.public_key), b"data", made.sign(b"data"))
    assert (row.purpose, row.valid_from, row.retired_on, row.revoked) == (
        "codes",
        TODAY.isoformat(),
        None,
        False,
    )


def test_a_private_key_is_a_file_of_its_owner_and_stands_nowhere_in_the_database(world: World) -> None:
    made = signer(world)
    path = path_of(world.directory / "authority", made.key_id)
    secret = b64decode("".join(path.read_text().splitlines()[1:-1]))[-32:]
    with world.database.transaction() as connection:
        rows = connection.execute("SELECT t::text FROM code_keys t").fetchall()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any(secret.hex() in text for (text,) in rows)
    assert "secret" not in repr(made).lower()
    assert "sign=" not in repr(made)


def test_a_new_key_takes_over_at_once_and_the_old_one_retires_with_this_day(world: World) -> None:
    old = signer(world)
    done = world.post("/v1/code-keys/rotate", {})
    new = done["key"]["key_id"]
    assert [one["key_id"] for one in done["retired"]] == [old.key_id]
    assert (signer(world).key_id, told(world)[old.key_id].retired_on) == (new, TODAY.isoformat())


def test_a_new_key_takes_over_on_its_day_and_the_old_one_signs_until_the_day_before(world: World) -> None:
    old, begins = signer(world), TODAY + timedelta(days=10)
    new = world.post("/v1/code-keys/rotate", {"valid_from": begins.isoformat()})["key"]
    assert (new["state"], told(world)[new["key_id"]].valid_from) == ("waiting", begins.isoformat())
    assert [signer(world, begins - timedelta(days=days)).key_id for days in (10, 1, 0)] == [
        old.key_id,
        old.key_id,
        new["key_id"],
    ]


def test_rotating_the_codes_leaves_the_filters_alone(world: World) -> None:
    filters = signer(world, purpose="filters")
    world.post("/v1/code-keys/rotate", {})
    assert signer(world, purpose="filters").key_id == filters.key_id


def test_a_retired_key_may_finish_what_was_begun_with_it_and_a_revoked_one_may_not(world: World) -> None:
    old = signer(world)
    world.post("/v1/code-keys/rotate", {})
    finishing = signer_of(world, old.key_id)
    world.post(f"/v1/code-keys/{old.key_id}/revoke", {"reason": "a disk was stolen"})
    assert isinstance(finishing, Signer)
    assert finishing.sign(b"data") == old.sign(b"data")
    assert signer_of(world, old.key_id) == Refused(
        f"key {old.key_id} was revoked on {TODAY}: it signs nothing any more"
    )
    assert signer_of(world, "NONE") == Refused("key 'NONE': not known here")


def test_a_revoked_key_is_told_to_the_agents_and_the_next_use_makes_another(world: World) -> None:
    lost = signer(world)
    shown = world.post(f"/v1/code-keys/{lost.key_id}/revoke", {"reason": "a disk was stolen"})
    assert (shown["state"], shown["reason"]) == ("revoked", "a disk was stolen")
    assert told(world)[lost.key_id].revoked
    assert signer(world).key_id != lost.key_id


def test_a_key_retires_on_the_day_that_is_said(world: World) -> None:
    old, last_day = signer(world), TODAY + timedelta(days=3)
    world.post(f"/v1/code-keys/{old.key_id}/retire", {"last_day": last_day.isoformat()})
    world.now = NOW + timedelta(days=4)
    assert (listed(world), told(world)[old.key_id].retired_on) == (
        {old.key_id: "retired"},
        last_day.isoformat(),
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/v1/code-keys/NONE/retire", {}, 404, "key 'NONE': not known here"),
        ("/v1/code-keys/NONE/revoke", {"reason": "x"}, 404, "key 'NONE': not known here"),
        ("/v1/code-keys/{key}/revoke", {}, 422, "body.reason: Field required"),
        ("/v1/code-keys/{key}/revoke", {"reason": " "}, 422, "body.reason"),
        ("/v1/code-keys/{key}/retire", {"last_day": "2026-03-01"}, 409, "expected 2026-03-02 or later"),
        ("/v1/code-keys", {"valid_from": "2026-03-01"}, 409, "expected 2026-03-02 or later"),
        ("/v1/code-keys/rotate", {"valid_from": "2026-03-01"}, 409, "expected 2026-03-02 or later"),
        ("/v1/code-keys", {"purpose": "love"}, 422, "body.purpose"),
        ("/v1/code-keys", {"valid_from": "soon"}, 422, "body.valid_from"),
    ],
)
def test_what_cannot_be_done_with_a_key_is_said_clearly(
    world: World, path: str, body: dict[str, Any], status: int, said: str
) -> None:
    key_id = signer(world).key_id
    refused = world.call("POST", path.replace("{key}", key_id), json=body)
    assert (refused.status_code, said in refused.json()["detail"]) == (status, True), refused.text
    assert listed(world) == {key_id: "active"}


def test_a_key_is_made_once_however_often_it_is_asked_for(world: World) -> None:
    asked = [
        world.post("/v1/code-keys", {"purpose": "filters"}, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert (asked[0], len(listed(world))) == (asked[1], 1)


def test_an_auditor_reads_the_keys_and_makes_none(world: World) -> None:
    signer(world)
    assert len(world.get("/v1/code-keys", "checker")["items"]) == 1
    assert world.call("POST", "/v1/code-keys", "checker", json={}).status_code == 403


def test_every_decision_about_a_key_is_noted_with_who_made_it(world: World) -> None:
    key_id = signer(world).key_id
    world.post(f"/v1/code-keys/{key_id}/revoke", {"reason": "a disk was stolen"})
    with world.database.transaction() as connection:
        noted = connection.execute(
            "SELECT actor, action, detail ->> 'reason' FROM audit_log WHERE subject = %s ORDER BY audit_id",
            (f"code key {key_id}",),
        ).fetchall()
    assert noted == [("central", "create", None), ("brand:boss", "revoke", "a disk was stolen")]


def test_a_private_key_of_another_installation_is_refused(world: World) -> None:
    one, other = signer(world), signer(world, purpose="filters")
    directory: Path = world.directory / "authority"
    path_of(directory, one.key_id).write_bytes(path_of(directory, other.key_id).read_bytes())
    with pytest.raises(CodeKeyError, match="belongs to another key of the same id"):
        signer(world)
