"""Nobody reads or writes as another: every route, every role, aimed at a dealer who must not be seen."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from fastapi.routing import APIRoute

from central.api.app import OPEN_TO_ALL, ROUTERS, roles_of
from central.api.callers import API_ROLE
from central.tokens.bearer import Role
from protocol.events import CountedLine, ShiftOpened, StockCounted
from tests.integration.api.world import FOREIGN, WATCH, WATER, World

CASE = "040123450000000016"
WRITES = {"POST", "PUT", "DELETE"}
STRANGERS = {"acme": Role.DEALER, "own store": Role.STORE}
"""Callers to whom the foreign dealer must not exist."""
OPEN_PATHS = {
    "/healthz", "/readyz", "/metrics", "/docs", "/v1/enrolments", "/v1/agents/self/certificate",
    "/.well-known/gs1resolver", "/01/{gtin}/21/{serial}", "/{digital_link:path}",
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """The foreign dealer's things, by the names that the routes use for them."""

    values: dict[str, str]
    secrets: tuple[str, ...]

    def path(self, route: APIRoute) -> str:
        """The route's path aimed at them."""
        return route.path.replace("{item:path}", "{item}").format(**self.values)


def bodies(target: Target) -> dict[str, Any]:
    """A sound body for every write, aimed at the foreign dealer."""
    site = target.values["site"]
    decision = {"reason": "because"}
    return {
        "/v1/sites": {"site": site, "name": "mine now", "kind": "dealer", "dealer": "acme"},
        "/v1/dealers": {"dealer": "zetadealer", "name": "mine now"},
        "/v1/products": {"gtin": WATER, "name": "renamed"},
        "/v1/prices": {"gtin": WATER, "price_minor": 1, "currency": "CNY"},
        "/v1/stock-levels": {"site": site, "gtin": WATER, "reorder_point": 1, "order_up_to": 2},
        "/v1/movements": {
            "document": "x", "kind": "opening", "site": site, "lines": [{"gtin": WATER, "quantity": 1}]
        },
        "/v1/items": {"gtin": WATCH, "serials": ["STOLEN"], "site": site},
        "/v1/enrolment-tokens": {"site": site},
        "/v1/agents/{agent}/revoke": {},
        "/v1/code-keys": {},
        "/v1/code-keys/rotate": {},
        "/v1/code-keys/{key_id}/retire": {},
        "/v1/code-keys/{key_id}/revoke": decision,
        "/v1/code-orders": {"gtin": WATCH, "count": 1, "format": "short"},
        "/v1/code-orders/{order}/cancel": decision,
        "/v1/code-orders/{order}/commission": {"site": site, "first": 1, "last": 1},
        **{
            f"/v1/orders/{{site}}/{{order_id}}/{action}": decision
            for action in ("accept", "hold", "refuse", "allocate", "despatch", "cancel", "close")
        },
        **{
            f"/v1/discrepancies/{{site}}/{{discrepancy_id}}/{action}": decision
            for action in ("settle", "dismiss", "reopen", "comment")
        },
        "/v1/discrepancies/{decision}": {
            "reason": "because", "assignee": "me",
            "cases": [{"site": site, "discrepancy_id": target.values["discrepancy_id"]}],
        },
        "/v1/costs": {"gtin": WATER, "currency": "CNY", "cost_minor": "100"},
        "/v1/invoices": invoice(site, "MINE"),
        **{f"/v1/invoices/{{site}}/{{invoice_id}}/{action}": decision for action in ("pay", "cancel")},
        "/v1/discrepancies/{site}/{discrepancy_id}/assign": {"reason": "because", "assignee": "me"},
        "/v1/items/{deed}": {"reason": "because", "items": [target.values["item"]]},
        "/v1/containers/{sscc}/pack": {"items": [target.values["item"]]},
        "/v1/containers/{sscc}/unpack": {},
        "/v1/despatches": {"from_site": site, "to_site": "D1", "lines": [{"gtin": WATER, "quantity": 1}]},
        "/v1/stocktakes": {"site": site, "name": "mine now"},
        **{
            f"/v1/stocktakes/{{site}}/{{stocktake_id}}/{action}": decision
            for action in ("close-counting", "recount", "approve", "refuse", "book", "cancel")
        },
        "/v1/reconciliation/{site}/{day}/close": {},
        "/v1/till-limits": {"cash_tolerance_minor": 1},
        "/v1/till-limits/{site}": {"cash_tolerance_minor": 1},
        "/v1/policy/{verdict}": {"action": "ask", "reason": "because"},
        "/v1/policy/{verdict}/{gtin}": {"action": "ask", "reason": "because"},
    }  # fmt: skip


def invoice(site: str, name: str) -> dict[str, Any]:
    """An invoice to a site."""
    line = {"id": 1, "standard_item_identification": WATER, "invoiced_quantity": 1, "price_amount_minor": 250}
    return {
        "id": name,
        "accounting_customer_party": site,
        "issue_date": "2026-03-01T00:00:00Z",
        "document_currency_code": "CNY",
        "invoice_line": [line],
    }


@pytest.fixture
def target(world: World) -> Target:
    """The foreign dealer with something of everything."""
    counter = world.counter(FOREIGN)
    world.opening("WH", water=10)
    world.opening(FOREIGN, water=3)
    (item,) = world.sold_items("ZSECRET1", site=FOREIGN)
    (other_item,) = world.sold_items("ZSECRET2", site="D1")
    sale = counter.sell(WATCH, 1, 199900, item)
    counter.sell(WATCH, 1, 199900, item)  # twice: a discrepancy
    counter.sell(WATCH, 1, 199900, other_item)  # one that was sent to the caller's own site
    path = world.allocated_order(counter, 2)
    sent = world.post(f"{path}/despatch")
    order = counter.order(1)
    counter.report(
        ShiftOpened(shift_id="zetashift", number="zeta-7", currency="CNY", float_minor=100, clerk="Zetaclerk")
    )
    world.post("/v1/stocktakes", {"site": FOREIGN, "name": "Zetacount", "stocktake_id": "zetacount"})
    counted = CountedLine(gtin=WATER, quantity=Decimal(2), counted_at_us=0)
    counter.report(
        StockCounted(
            count_id="zetarea",
            stocktake_id="zetacount",
            area="Zetashelf",
            lines=(counted,),
            clerk="Zetaclerk",
        )
    )
    world.call("PUT", f"/v1/till-limits/{FOREIGN}", json={"cash_tolerance_minor": 424242})
    world.post("/v1/stock-levels", {"site": FOREIGN, "gtin": WATER, "reorder_point": 9, "order_up_to": 10})
    packed = world.sold_items("ZSECRET3", site=FOREIGN)
    world.post(f"/v1/containers/{CASE}/pack", {"items": packed})
    world.post("/v1/invoices", invoice(FOREIGN, "ZINVOICE"))
    cases = world.get("/v1/discrepancies", params={"site": FOREIGN})["items"]
    assert {case["class"] for case in cases} >= {"item_sold_twice"}
    values = {
        "site": FOREIGN,
        "order_id": order,
        "despatch_id": sent["despatch_id"],
        "discrepancy_id": cases[0]["discrepancy_id"],
        "decision": "assign",
        "invoice_id": "ZINVOICE",
        "journal": str(
            next(fact["journal"] for case in cases for fact in case["evidence"] if "journal" in fact)
        ),
        "seq": "1",
        "agent": counter.agent,
        "item": item,
        "key_id": "K7Q3",
        "order": "A7K2",
        "sscc": CASE,
        "deed": "hold",
        "verdict": "unknown",
        "day": "2026-03-02",
        "shift": "zetashift",
        "stocktake_id": "zetacount",
        "gtin": WATER,
    }
    secrets = (
        FOREIGN,
        "zetadealer",
        "Zeta",
        sale,
        order,
        sent["despatch_id"],
        counter.agent,
        "ZSECRET1",
        "ZSECRET3",
        "ZINVOICE",
        counter.epoch,
        "zetashift",
        "zeta-7",
        "Zetaclerk",
        "zetacount",
        "Zetashelf",
        "424242",
    )
    return Target(values, secrets)


def routes() -> list[APIRoute]:
    """Every route of the application."""
    return [
        route for router in (*ROUTERS, *OPEN_TO_ALL) for route in router.routes if isinstance(route, APIRoute)
    ]


def methods(route: APIRoute) -> set[str]:
    """The methods that a route answers to."""
    return route.methods or set()


def foreign_rows(world: World) -> dict[str, str]:
    """A fingerprint of everything that belongs to the foreign dealer."""
    tables = {
        "sites": "site_id", "stock_levels": "site_id", "agents": "site_id", "enrolment_tokens": "site_id",
        "movements": "site_id", "stock": "site_id", "items": "site_id", "orders": "site_id", "order_lines": "site_id",
        "containers": "site_id", "container_trace": "site_id", "order_audit": "site_id", "despatches": "to_site_id", "despatch_lines": "to_site_id", "discrepancies": "site_id",
        "discrepancy_audit": "site_id",
        "day_closings": "site_id", "shifts": "site_id", "payments": "site_id", "till_limits": "site_id", "stock_days": "site_id",
        "stocktakes": "site_id", "stocktake_counts": "site_id", "stocktake_lines": "site_id", "stocktake_audit": "site_id",
        "invoices": "site_id", "invoice_lines": "site_id", "stock_suspects": "site_id",
    }  # fmt: skip
    found = {}
    with world.database.transaction() as connection:
        for table, column in tables.items():
            row = connection.execute(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t WHERE {column} = %s",
                (FOREIGN,),
            ).fetchone()
            assert row is not None
            found[table] = row[0]
    return found


def test_every_route_asks_for_a_role_except_those_that_prove_themselves_otherwise(world: World) -> None:
    without = {route.path for route in routes() if roles_of(route) is None}
    named = {route.path for router in OPEN_TO_ALL for route in router.routes if isinstance(route, APIRoute)}
    assert without == OPEN_PATHS == named


def test_these_tests_know_every_route_that_the_application_serves(world: World) -> None:
    served = {
        (method.upper(), path) for path, methods in world.app.openapi()["paths"].items() for method in methods
    }
    known = {
        (method, route.path.replace(":path}", "}"))
        for route in routes()
        for method in methods(route)
        if route.include_in_schema
    }
    assert len(served) > 30
    assert served == known


def test_without_a_token_every_other_route_answers_401(world: World, target: Target) -> None:
    answers = {
        (method, route.path): world.call(
            method, target.path(route), None, json=bodies(target).get(route.path, {})
        )
        for route in routes()
        for method in methods(route)
        if route.path not in OPEN_PATHS
    }
    assert {key: answer.status_code for key, answer in answers.items()} == dict.fromkeys(answers, 401)


def test_every_write_has_a_body_in_this_test(world: World, target: Target) -> None:
    writes = {route.path for route in routes() if {"POST", "PUT"} & methods(route)} - OPEN_PATHS
    assert writes == set(bodies(target))


def test_no_answer_to_a_stranger_tells_anything_of_the_foreign_dealer(world: World, target: Target) -> None:
    leaks, calls = [], 0
    for caller in STRANGERS:
        for route in routes():
            if route.path in OPEN_PATHS or "GET" not in methods(route):
                continue
            for query in ({}, {"site": FOREIGN}, {"limit": "1000"}):
                known = {field.alias for field in route.dependant.query_params}
                if not set(query) <= known:
                    continue
                answer = world.call("GET", target.path(route), caller, params=query)
                calls += 1
                asked = " ".join(target.values.values())
                told = [
                    secret
                    for secret in target.secrets
                    # a refusal may repeat what the caller itself has asked for
                    if secret in answer.text and not (answer.status_code == 404 and secret in asked)
                ]
                aimed = "{site}" in route.path or "{agent}" in route.path or "{item" in route.path
                aimed = aimed or "{sscc}" in route.path or "{journal}" in route.path
                if told or (aimed and answer.status_code not in (403, 404)) or answer.status_code >= 500:
                    leaks.append((caller, route.path, query, answer.status_code, told))
    assert calls > 60
    assert leaks == []


def test_a_foreign_id_and_one_that_does_not_exist_get_the_same_answer(world: World, target: Target) -> None:
    foreign = world.call("GET", f"/v1/orders/{FOREIGN}/{target.values['order_id']}", "acme")
    nowhere = world.call("GET", "/v1/orders/NOSUCH/nothing", "acme")
    shapes = [(one.status_code, sorted(one.json()), one.json()["title"]) for one in (foreign, nowhere)]
    assert shapes[0] == shapes[1]


def test_no_write_of_a_stranger_changes_anything_of_the_foreign_dealer(world: World, target: Target) -> None:
    before = foreign_rows(world)
    answers = {
        (caller, method, route.path): world.call(
            method, target.path(route), caller, json=bodies(target).get(route.path)
        ).status_code
        for caller in (*STRANGERS, "checker")
        for route in routes()
        for method in methods(route) & WRITES
        if route.path not in OPEN_PATHS
    }
    assert {key: status for key, status in answers.items() if status not in (403, 404)} == {}
    assert foreign_rows(world) == before


def test_every_role_may_do_what_its_route_says_and_nothing_else(world: World, target: Target) -> None:
    callers = {"boss": Role.BRAND, "checker": Role.AUDITOR, **STRANGERS}
    wrong = []
    for caller, role in callers.items():
        for route in routes():
            roles = roles_of(route)
            if roles is None or role in roles:
                continue
            method = next(iter(methods(route)))
            status = world.call(
                method, target.path(route), caller, json=bodies(target).get(route.path, {})
            ).status_code
            if status != 403:
                wrong.append((caller, route.path, status))
    assert wrong == []


def test_the_foreign_dealer_itself_sees_its_things(world: World, target: Target) -> None:
    order = world.get(f"/v1/orders/{FOREIGN}/{target.values['order_id']}", "zeta")
    assert (order["site"], [one["site"] for one in world.get("/v1/sites", "zeta")["items"]]) == (
        FOREIGN,
        [FOREIGN],
    )


def test_a_dealer_sees_the_sites_of_the_dealers_below_it(world: World) -> None:
    assert [one["site"] for one in world.get("/v1/sites", "acme")["items"]] == ["D1", "D1B"]


def test_evidence_elsewhere_is_named_to_the_brand_alone(world: World) -> None:
    mine, other = world.counter("D1"), world.counter(FOREIGN)
    (item,) = world.sold_items("TWICE", site="D1")
    mine.sell(WATCH, 1, 199900, item)
    other.sell(WATCH, 1, 199900, item)
    (seen,) = world.get("/v1/discrepancies", params={"class": "item_sold_twice"})["items"]
    own = world.call("GET", "/v1/discrepancies", "acme", params={"class": "item_sold_twice"})
    assert {fact["site"] for fact in seen["evidence"]} == {"D1", FOREIGN}
    assert FOREIGN not in own.text


def test_the_role_of_the_interface_sees_nothing_until_it_is_told_what(world: World, target: Target) -> None:
    with world.database.transaction(sites=(), role=API_ROLE) as connection:
        counts = [
            connection.execute("SELECT count(*) FROM sites").fetchone(),
            connection.execute("SELECT count(*) FROM orders").fetchone(),
            connection.execute("SELECT count(*) FROM movements").fetchone(),
        ]
    assert counts == [(0,), (0,), (0,)]


@pytest.mark.parametrize("token", ["", "x", "cmk_" + "A" * 43, "é" * 30, "cmk_' OR 1=1 --"])
def test_a_token_that_is_none_opens_nothing(shared_world: World, token: str) -> None:
    headers = {b"Authorization": f"Bearer {token}".encode()}
    answer = shared_world.client.get("/v1/sites", headers=headers if token else {})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_a_revoked_and_an_expired_token_open_nothing(world: World) -> None:
    world.database.run(
        lambda connection: (
            connection.execute("UPDATE api_tokens SET revoked_at = now() WHERE name = 'acme'").rowcount
        )
    )
    world.database.run(
        lambda connection: (
            connection.execute("UPDATE api_tokens SET expires_at = now() WHERE name = 'checker'").rowcount
        )
    )
    answers = [world.call("GET", "/v1/sites", caller).status_code for caller in ("acme", "checker", "boss")]
    assert answers == [401, 401, 200]
