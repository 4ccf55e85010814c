"""Policy: what counters do on a verdict, set at central and read by every agent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from protocol.feeds import PolicyRow
from tests.integration.api.world import WATCH, World

SET: dict[str, Any] = {"action": "ask", "reason": "many are copied there"}


def feed(world: World) -> dict[str, str]:
    with world.database.transaction() as connection:
        rows = connection.execute(
            "SELECT key, body FROM feed_rows WHERE feed = 'policy' AND body IS NOT NULL"
        ).fetchall()
    return {key: msgspec.json.decode(body, type=PolicyRow).action for key, body in rows}


def put(world: World, path: str, expected: int = 200, /, **body: Any) -> dict[str, Any]:
    answer = world.call("PUT", f"/v1/policy/{path}", json=body)
    assert answer.status_code == expected, answer.text
    return dict(answer.json())


def test_a_policy_for_all_and_one_for_a_product_reach_the_agents(world: World) -> None:
    put(world, "unverified", **SET)
    put(world, f"unverified/{WATCH}", action="refuse", reason="worth a question")
    assert feed(world) == {"unverified": "ask", f"unverified/{WATCH}": "refuse"}
    listed = world.get("/v1/policy")
    assert [(one["verdict"], one["gtin"], one["action"], one["actor"]) for one in listed["items"]] == [
        ("unverified", None, "ask", "brand:boss"),
        ("unverified", WATCH, "refuse", "brand:boss"),
    ]
    assert listed["defaults"]["unverified"] == "accept"


def test_a_policy_taken_back_leaves_what_lies_behind_it(world: World) -> None:
    put(world, "wrong_site", action="refuse", reason="no diversions")
    put(world, f"wrong_site/{WATCH}", action="accept", reason="sold everywhere")
    first = world.call("DELETE", f"/v1/policy/wrong_site/{WATCH}").json()
    second = world.call("DELETE", "/v1/policy/wrong_site").json()
    assert (first["action"], second["action"], feed(world)) == ("refuse", "ask", {})
    assert world.call("DELETE", "/v1/policy/wrong_site").status_code == 404


@pytest.mark.parametrize("verdict", ["forged", "recalled", "stolen", "destroyed"])
def test_what_may_harm_a_person_is_accepted_only_by_force(world: World, verdict: str) -> None:
    refused = put(world, verdict, 422, action="accept", reason="because")
    assert "expected ask or refuse" in refused["detail"]
    assert feed(world) == {}
    assert put(world, verdict, action="accept", reason="a drill", force=True)["forced"] is True
    assert feed(world) == {verdict: "accept"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("no_such_verdict", SET),
        ("unverified", {"action": "ask"}),
        ("unverified", {"action": "shrug", "reason": "x"}),
        ("unverified/123", SET),
        ("unverified/04012345678901", SET),
    ],
)
def test_a_policy_that_means_nothing_is_refused(world: World, path: str, body: dict[str, str]) -> None:
    put(world, path, 422, **body)
