"""The books for others, through the interface, from real sales."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import parquet

from protocol.events import GoodsLine, GoodsReceived, Payment, Sale, SaleLine
from tests.integration.api.world import FOREIGN, TEA, WATER, World

DAYS = "from=2026-03-01&to=2026-03-03"


def trade(world: World) -> None:
    world.counter("S1").report(
        GoodsReceived(receipt_advice_id="in-1", lines=(GoodsLine(gtin=WATER, quantity=Decimal(10)),)),
        Sale(
            sale_id="sale-1", receipt="1", currency="CNY",
            lines=(SaleLine(gtin=WATER, quantity=Decimal("2.5"), amount_minor=500),
                   SaleLine(gtin=TEA, quantity=Decimal(1), amount_minor=1800)),
            payments=(Payment(method="cash", amount_minor=2000), Payment(method="card", amount_minor=300)),
        ),
    )  # fmt: skip


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_journal_of_a_day_balances_and_says_how_it_was_paid(world: World) -> None:
    trade(world)
    answer = world.call("GET", f"/v1/exports/accounting?{DAYS}&site=S1")
    sides = {row["account"]: (row["debit"], row["credit"]) for row in rows_of(answer.text)}
    assert {name: sides[name] for name in sides if "Stock" not in name and "Goods" not in name} == {
        "Assets:Till:S1:cash": ("20.00", ""),
        "Assets:Till:S1:card": ("3.00", ""),
        "Income:Sales:S1": ("", "23.00"),
    }


def test_beancount_accepts_what_it_is_given(world: World, tmp_path: Path) -> None:
    trade(world)
    file = tmp_path / "books.beancount"
    file.write_text(
        world.call("GET", f"/v1/exports/accounting?{DAYS}&format=beancount").text, encoding="utf-8"
    )
    checked = subprocess.run(
        [sys.executable, "-m", "beancount.scripts.check", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, "Income:Sales:S1" in file.read_text(encoding="utf-8")) == (0, True)


def test_a_parquet_file_holds_the_movements_as_the_ledger_has_them(world: World) -> None:
    trade(world)
    answer = world.call("GET", f"/v1/exports/movements?{DAYS}&site=S1")
    table = parquet.read_table(io.BytesIO(answer.content))
    listed = world.get("/v1/movements?site=S1")["items"]
    assert [
        (row["gtin"], row["quantity"], row["source"], row["destination"]) for row in table.to_pylist()
    ] == [(row["gtin"], Decimal(row["quantity"]), row["source"], row["destination"]) for row in listed]


def test_a_dealer_exports_its_own_sites_alone(world: World) -> None:
    trade(world)
    mine = world.call("GET", f"/v1/exports/accounting?{DAYS}", "acme")
    assert (rows_of(mine.text), FOREIGN in mine.text) == ([], False)


@pytest.mark.parametrize("what", [f"site={FOREIGN}", "site=nowhere", "dealer=zetadealer", "dealer=nobody"])
@pytest.mark.parametrize("export", ["accounting", "movements"])
def test_what_is_not_there_and_what_is_not_yours_look_alike(world: World, export: str, what: str) -> None:
    answer = world.call("GET", f"/v1/exports/{export}?{DAYS}&{what}", "acme")
    assert answer.status_code == 404


def test_days_in_the_wrong_order_are_refused(world: World) -> None:
    answer = world.call("GET", "/v1/exports/accounting?from=2026-03-03&to=2026-03-01")
    assert (answer.status_code, "the first one not after the last" in answer.json()["detail"]) == (422, True)
