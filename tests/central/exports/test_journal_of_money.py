"""What the exported journal says of a day, and that it adds up."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from central.exports.beancount import account_names, beancount_lines, decimal_text
from central.exports.rules import (
    CashDifference,
    CashMoved,
    Entry,
    Paid,
    Sold,
    Sum,
    Transaction,
    ValueMoved,
    account_of,
    transactions,
)
from central.exports.tables import COLUMNS, csv_rows

DAY = date(2026, 3, 2)
AMOUNTS = st.integers(-10_000_000, 10_000_000)
SITES = st.sampled_from(["north", "south 1", "südlich:2", "-"])
DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 4))
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])
WHERE = {"site": SITES, "day": DAYS, "currency": CURRENCIES}
LOCATIONS = st.sampled_from(
    [
        "on_hand",
        "quarantine",
        "supplier",
        "customer",
        "in_transit:a>b",
        "adjustment:theft",
        "adjustment:valuation",
    ]
)
SUMS: st.SearchStrategy[Sum] = st.one_of(
    st.builds(ValueMoved, **WHERE, source=LOCATIONS, destination=LOCATIONS, value_minor=st.integers(0, 10**9)),
    st.builds(Sold, **WHERE, kind=st.sampled_from(["sale", "void", "return"]), amount_minor=AMOUNTS),
    st.builds(Paid, **WHERE, method=st.sampled_from(["cash", "card", "WeChat Pay"]), amount_minor=AMOUNTS),
    st.builds(CashDifference, **WHERE, method=st.just("cash"), amount_minor=AMOUNTS),
    st.builds(CashMoved, **WHERE, reason=st.sampled_from(["safe drop", "change"]), amount_minor=AMOUNTS),
)  # fmt: skip


def of(transaction: Transaction) -> dict[str, int]:
    return {":".join(entry.account): entry.amount_minor for entry in transaction.entries}


def test_a_sale_is_income_against_how_it_was_paid() -> None:
    (sales,) = transactions(
        [
            Sold(site="north", day=DAY, currency="EUR", kind="sale", amount_minor=1000),
            Sold(site="north", day=DAY, currency="EUR", kind="void", amount_minor=-200),
            Sold(site="north", day=DAY, currency="EUR", kind="return", amount_minor=-100),
            Paid(site="north", day=DAY, currency="EUR", method="cash", amount_minor=300),
            Paid(site="north", day=DAY, currency="EUR", method="card", amount_minor=400),
        ]
    )
    assert of(sales) == {
        "Income:Sales:north": -800,
        "Income:Returns:north": 100,
        "Assets:Till:north:cash": 300,
        "Assets:Till:north:card": 400,
    }


def test_what_no_payment_explains_stays_visible() -> None:
    (sales,) = transactions(
        [
            Sold(site="north", day=DAY, currency="EUR", kind="sale", amount_minor=1000),
            Paid(site="north", day=DAY, currency="EUR", method="cash", amount_minor=900),
        ]
    )
    assert of(sales)["Assets:Unsettled:north"] == 100


def test_goods_leave_the_stock_at_cost() -> None:
    (goods,) = transactions(
        [
            ValueMoved(site="north", day=DAY, currency="EUR", source="supplier", destination="on_hand", value_minor=900),
            ValueMoved(site="north", day=DAY, currency="EUR", source="on_hand", destination="customer", value_minor=500),
            ValueMoved(
                site="north", day=DAY, currency="EUR", source="on_hand", destination="adjustment:theft", value_minor=40
            ),
            ValueMoved(
                site="north", day=DAY, currency="EUR", source="on_hand", destination="in_transit:north>south",
                value_minor=60,
            ),
        ]
    )  # fmt: skip
    assert of(goods) == {
        "Assets:Stock:north": 300,
        "Assets:InTransit": 60,
        "Liabilities:GoodsReceived": -900,
        "Expenses:CostOfGoods:north": 500,
        "Expenses:StockDifferences:north:theft": 40,
    }


def test_missing_cash_is_an_expense() -> None:
    (differences,) = transactions(
        [CashDifference(site="north", day=DAY, currency="EUR", method="cash", amount_minor=-50)]
    )
    assert of(differences) == {"Assets:Till:north:cash": -50, "Expenses:CashDifferences:north": 50}


def test_cash_to_the_safe_leaves_the_till() -> None:
    (moves,) = transactions(
        [CashMoved(site="north", day=DAY, currency="EUR", reason="safe_drop", amount_minor=-5000)]
    )
    assert of(moves) == {"Assets:Till:north:cash": -5000, "Assets:CashMoves:north:safe_drop": 5000}


@given(st.lists(SUMS, max_size=30))
def test_every_transaction_adds_up_to_zero(sums: list[Sum]) -> None:
    assert [sum(entry.amount_minor for entry in one.entries) for one in transactions(sums)] == [0] * len(
        transactions(sums)
    )


@given(st.lists(SUMS, max_size=30))
def test_no_order_of_the_sums_changes_the_journal(sums: list[Sum]) -> None:
    assert transactions(sums) == transactions(reversed(sums))


def test_two_sites_whose_names_look_alike_keep_accounts_of_their_own() -> None:
    names = account_names([account_of("on_hand", "shop 1"), account_of("on_hand", "shop/1")])
    assert sorted(names.values()) == ["Assets:Stock:Shop-1", "Assets:Stock:Shop-1-2"]


def test_amounts_have_as_many_decimals_as_their_currency() -> None:
    assert [decimal_text(5, "EUR"), decimal_text(-1234, "KWD"), decimal_text(12, "JPY"), decimal_text(0, "EUR")] == [
        "0.05", "-1.234", "12", "0.00",
    ]  # fmt: skip


def test_csv_has_a_row_for_each_entry_and_its_columns_balance() -> None:
    journal = transactions([Sold(site="=1+1", day=DAY, currency="EUR", kind="sale", amount_minor=1000)])
    rows = list(csv.DictReader(io.StringIO("".join(csv_rows(journal)))))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["site"], row["account"], row["debit"], row["credit"]) for row in rows] == [
        ("'=1+1", "Assets:Unsettled:=1+1", "10.00", ""),
        ("'=1+1", "Income:Sales:=1+1", "", "10.00"),
    ]


@given(st.lists(SUMS, min_size=1, max_size=40))
def test_every_line_of_a_transaction_names_an_account_that_was_opened(sums: list[Sum]) -> None:
    lines = list(beancount_lines(transactions(sums)))
    opened = {line.split()[2] for line in lines if " open " in line}
    used = {
        line.split()[0] for line in lines if line.startswith(("  Assets", "  Income", "  Expenses", "  Liab"))
    }
    assert used == opened


def test_the_language_s_own_checker_accepts_the_file(tmp_path: Path) -> None:
    awkward = Transaction(
        site='the "old" shop\\', day=DAY, currency="EUR", narration='Sales of the "old" shop\\', reference="x/2026-03-02",
        entries=(Entry(("Assets", "Till", "总店", "WeChat Pay"), 100), Entry(("Income", "Sales", '"'), -100)),
    )  # fmt: skip
    file = tmp_path / "books.beancount"
    file.write_text("\n".join((*beancount_lines([awkward]), "")), encoding="utf-8")
    checked = subprocess.run(
        [sys.executable, "-m", "beancount.scripts.check", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
