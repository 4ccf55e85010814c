"""Invoices: entered once, matched with what was ordered and received, settled by credit notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from central.actors import By
from central.discrepancies.watching.rounds import CaseRounds
from central.invoices.files import import_invoices
from tests.integration.api.cases import case, settle
from tests.integration.api.world import FOREIGN, TEA, WATER, Counter, World

INVOICES = "/v1/invoices"


def body(name: str = "R-1", quantity: str = "10", price: str = "250", **more: Any) -> dict[str, Any]:
    """An invoice over water to the dealer's shop."""
    line = {
        "id": 1, "standard_item_identification": WATER, "invoiced_quantity": quantity, "price_amount_minor": price,
    }  # fmt: skip
    return {
        "id": name,
        "accounting_customer_party": "D1",
        "accounting_supplier_party": "WH",
        "issue_date": "2026-03-01T00:00:00Z",
        "document_currency_code": "CNY",
        "invoice_line": [line],
        **more,
    }


@pytest.fixture
def ordered(world: World) -> tuple[World, Counter, str]:
    """Ten of water were ordered, sent, and are on their way."""
    world.opening("WH", water=100)
    counter = world.counter("D1")
    order = world.allocated_order(counter, 10)
    world.post(f"{order}/despatch", {"despatch_id": "D-1"})
    return world, counter, order.rpartition("/")[2]


def test_an_invoice_over_what_came_matches(ordered: tuple[World, Counter, str]) -> None:
    world, counter, order = ordered
    counter.receive("D-1", 10)
    told = world.post(INVOICES, body(order_reference=order))
    assert (told["state"], told["recorded"], told["payable_amount_minor"]) == ("matched", True, "2500")


def test_an_invoice_waits_for_goods_on_their_way_and_matches_when_they_come(
    ordered: tuple[World, Counter, str],
) -> None:
    world, counter, order = ordered
    waiting = world.post(INVOICES, body(order_reference=order))
    counter.receive("D-1", 10)
    CaseRounds(world.database).slow(world.now)
    assert (waiting["state"], world.get(f"{INVOICES}/D1/R-1")["state"]) == ("open", "matched")
    assert world.get("/v1/discrepancies", params={"class": "three_way_match"})["items"] == []


def test_what_was_charged_and_never_came_is_a_case_that_a_credit_note_settles(
    ordered: tuple[World, Counter, str],
) -> None:
    world, counter, order = ordered
    counter.receive("D-1", 7)
    told = world.post(INVOICES, body(order_reference=order))
    mismatch = case(world, "three_way_match")
    settle(world, mismatch)
    notes = [one for one in world.get(INVOICES)["items"] if one["invoice_type_code"] == "381"]
    assert (told["state"], mismatch["cause"], mismatch["value_minor"]) == (
        "disputed",
        "invoiced_beyond_received",
        750,
    )
    assert [(one["billing_reference"], one["payable_amount_minor"]) for one in notes] == [("R-1", "750")]
    assert world.get(f"{INVOICES}/D1/R-1")["state"] == "matched"


def test_the_rest_that_arrives_later_closes_the_case(ordered: tuple[World, Counter, str]) -> None:
    world, counter, order = ordered
    counter.receive("D-1", 7)
    world.post(INVOICES, body(order_reference=order))
    counter.receive("D-1", 3)
    CaseRounds(world.database).slow(world.now)
    assert (case(world, "three_way_match")["state"], world.get(f"{INVOICES}/D1/R-1")["state"]) == (
        "settled",
        "matched",
    )


def test_another_price_than_agreed_is_settled_by_a_credit_note_over_the_difference(world: World) -> None:
    from decimal import Decimal

    from protocol.events import OrderLine, OrderSubmitted

    world.opening("WH", water=100)
    counter = world.counter("D1")
    line = OrderLine(line=1, gtin=WATER, quantity=Decimal(10), price_minor=200)
    counter.report(OrderSubmitted(order_id="o-1", number="PO-1", lines=(line,), currency="CNY"))
    for step in ("accept", "allocate", "despatch"):
        world.post(f"/v1/orders/D1/o-1/{step}", {"despatch_id": "D-1"} if step == "despatch" else None)
    counter.receive("D-1", 10)
    world.post(INVOICES, body(price="210", order_reference="o-1"))
    wrong = case(world, "three_way_match")
    settle(world, wrong)
    assert (wrong["cause"], wrong["value_minor"]) == ("price_differs", 100)
    assert world.get(f"{INVOICES}/D1/R-1")["state"] == "matched"


def test_goods_that_nobody_ordered_and_a_second_invoice_are_told_apart(
    ordered: tuple[World, Counter, str],
) -> None:
    world, counter, order = ordered
    counter.receive("D-1", 10)
    world.post(INVOICES, body(order_reference=order))
    world.post(INVOICES, body("R-2", order_reference=order, issue_date="2026-03-02T00:00:00Z"))
    strange = body("R-3", order_reference=order)
    strange["invoice_line"][0]["standard_item_identification"] = TEA
    world.post(INVOICES, strange)
    found = world.get("/v1/discrepancies", params={"class": "three_way_match"})["items"]
    assert sorted((one["evidence"][0]["document"], one["cause"]) for one in found) == [
        ("R-2", "invoiced_twice"),
        ("R-3", "never_ordered"),
    ]


def test_the_same_invoice_again_changes_nothing_and_another_under_its_number_is_refused(world: World) -> None:
    first = world.post(INVOICES, body())
    again = world.post(INVOICES, body(quantity="10.0"))
    other = world.post(INVOICES, body(quantity="11"), expected=409)
    assert (first["recorded"], again["recorded"]) == (True, False)
    assert "was entered at" in other["detail"]


def test_a_cancelled_invoice_contradicts_nothing(ordered: tuple[World, Counter, str]) -> None:
    world, counter, order = ordered
    counter.receive("D-1", 7)
    world.post(INVOICES, body(order_reference=order))
    told = world.post(f"{INVOICES}/D1/R-1/cancel", {"reason": "sent by mistake"})
    again = world.post(f"{INVOICES}/D1/R-1/pay", {"reason": "paid"}, expected=409)
    assert (told["state"], again["state"], case(world, "three_way_match")["state"]) == (
        "cancelled",
        "cancelled",
        "settled",
    )


def test_a_paid_invoice_stays_paid_while_its_case_is_open(ordered: tuple[World, Counter, str]) -> None:
    world, counter, order = ordered
    counter.receive("D-1", 7)
    world.post(INVOICES, body(order_reference=order))
    world.post(f"{INVOICES}/D1/R-1/pay", {"reason": "paid"})
    mismatch = case(world, "three_way_match")
    settle(world, mismatch)
    assert (mismatch["state"], world.get(f"{INVOICES}/D1/R-1")["state"]) == ("open", "paid")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"billing_reference": "R-0"}, "billing_reference: expected for a credit note"),
        ({"invoice_type_code": "381"}, "billing_reference: expected for a credit note"),
        ({"id": "2026/7"}, "body.id"),
        ({"invoice_line": []}, "body.invoice_line"),
        ({"issue_date": "2026-03-01"}, "body.issue_date"),
    ],
)
def test_what_is_no_invoice_is_refused(shared_world: World, change: dict[str, Any], words: str) -> None:
    told = shared_world.post(INVOICES, {**body(), **change}, expected=422)
    assert words in told["detail"]


def test_an_invoice_to_a_site_that_is_not_there_is_refused(shared_world: World) -> None:
    told = shared_world.post(INVOICES, body(accounting_customer_party="nowhere"), expected=404)
    assert told["detail"] == "site 'nowhere': not known here"


def test_a_dealer_reads_its_own_invoices_and_enters_none(world: World) -> None:
    world.post(INVOICES, body())
    world.post(INVOICES, body("Z-1", accounting_customer_party=FOREIGN))
    seen = [one["id"] for one in world.get(INVOICES, "acme")["items"]]
    foreign = world.call("GET", f"{INVOICES}/{FOREIGN}/Z-1", "acme")
    entered = world.call("POST", INVOICES, "acme", json=body("R-2"))
    assert (seen, foreign.status_code, entered.status_code) == (["R-1"], 404, 403)


def test_invoices_out_of_a_file_go_in_whole_or_not_at_all(world: World, tmp_path: Path) -> None:
    file = tmp_path / "invoices.csv"
    file.write_text(
        "site,invoice,issued,currency,line,gtin,quantity,price,despatch\n"
        f"D1,A-1,2026-03-01,CNY,1,{WATER},10,2.505,D-9\n"
        f"D1,A-1,2026-03-01,CNY,2,{TEA},1,18.00,D-9\n"
        f"D1,A-2,2026-03-01,CNY,1,{WATER},1,2.50,\n"
        f"D1,A-2,2026-03-01,CNY,2,4012345678901,1,2.50,\n"
        f"S9,A-3,2026-03-01,CNY,1,{WATER},1,2.50,\n"
        f"D1,A-4,2026-03-01,CNY,1,{WATER},0,2.50,\n"
    )
    by = By(actor="test", at=world.now)
    done, again = (import_invoices(world.database, file, by, lambda _: None) for _ in range(2))
    assert (done.imported, done.changed, again.changed) == (2, 2, 0)
    assert [str(fault) for fault in done.faults] == [
        "line 5: gtin '04012345678901': expected a product that is in the catalogue; import the products first",
        "line 6: site 'S9': expected a site that exists; import the sites first",
        "line 7: quantity '0': expected a quantity above 0",
    ]
    assert world.get(f"{INVOICES}/D1/A-1")["payable_amount_minor"] == "4305.0"
    assert world.call("GET", f"{INVOICES}/D1/A-2").status_code == 404
