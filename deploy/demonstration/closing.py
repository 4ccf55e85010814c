"""The closing of the day: the product's books beside the paper, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from central.prices.rules import decimals_of
from deploy.demonstration.central_api import Central
from deploy.demonstration.day import DEALER_SITE, WAREHOUSE
from deploy.demonstration.paper import Totals
from deploy.demonstration.sales_file import BadLine
from deploy.demonstration.story import Day

Closing = dict[str, Any]


def close_books(day: Day, bad_lines: list[BadLine], currency: str) -> Closing:
    """Everything that the closing table shows. ``balanced`` is true if and only if all of it adds up."""
    installation, central, plan, paper = day.installation, day.central, day.plan, day.paper
    accepted = {
        site: int(counter.get("/v1/status")["accepted"]) for site, counter in installation.counters.items()
    }
    journals = {"applied": 0, "quarantined": 0}
    for agent in central.pages("/v1/agents"):
        journals["applied"] += agent["applied"] or 0
        journals["quarantined"] += agent["quarantined"] or 0
    derived = [(row["site"], row["gtin"], Decimal(row["on_hand"])) for row in central.pages("/v1/stock")]
    differences = paper.differences(derived)
    sold = {row["site"]: row for row in central.get("/v1/sales/totals")["items"]}
    sites = {
        store: _site(site, sold.get(site), paper.sold[site], currency) for store, site in plan.sites.items()
    }
    dealer = _site(DEALER_SITE, sold.get(DEALER_SITE), paper.sold[DEALER_SITE], currency)
    today = datetime.now(UTC).date()  # on which the dealer's order was filled
    wanted = [(site, date) for site in plan.sites.values() for date in plan.days]
    wanted += [
        (site, date) for site in (DEALER_SITE, WAREHOUSE) for date in sorted({*day.dealer_days, today})
    ]
    with ThreadPoolExecutor(4) as side_by_side:
        statements = list(side_by_side.map(lambda one: _statement(central, *one), wanted))
    discrepancies = list(central.pages("/v1/discrepancies"))
    events_balance = sum(accepted.values()) == journals["applied"] + journals["quarantined"]
    return {
        "accepted": sum(accepted.values()),
        **journals,
        "balanced": bool(
            events_balance
            and not differences
            and all(site["as_on_paper"] for site in (*sites.values(), dealer))
            and all(statement["balanced"] for statement in statements)
        ),
        "currency": currency,
        "days": [business_day.isoformat() for business_day in plan.days],
        "sites": sites,
        "dealer": dealer,
        "stock": {
            "products_and_sites": len(derived),
            "on_paper": str(sum((q for q in paper.stock.values()), Decimal(0))),
            "derived": str(sum((q for _, _, q in derived), Decimal(0))),
            "differences": [
                {"site": site, "gtin": gtin, "on_paper": str(p), "derived": str(d)}
                for site, gtin, p, d in differences
            ],
        },
        "statements": statements,
        "discrepancies": [
            {
                key: found[key]
                for key in ("class", "site", "gtin", "item", "likely_cause", "state")
                if key in found
            }
            for found in discrepancies
        ],
        "story": day.told,
        "rejected_lines": [str(line) for line in bad_lines],
        "restarts": installation.children.restarts,
    }


def _site(site: str, row: Any, on_paper: Totals, currency: str) -> Closing:
    found = (
        Totals()
        if row is None
        else Totals(row["lines"], row["receipts"], Decimal(row["quantity"]), row["amount_minor"])
    )
    return {
        "site": site,
        "lines": found.lines,
        "receipts": found.receipts,
        "quantity": _plain(found.quantity),
        "amount": _money(found.amount_minor, currency),
        "as_on_paper": found == on_paper,
    }


COLUMNS = (
    "opening",
    "received",
    "returned",
    "transferred_in",
    "sold",
    "transferred_out",
    "adjusted",
    "closing",
)


ALWAYS_SHOWN = frozenset({"opening", "sold", "closing"})
SHOWN_STATEMENTS = 30


def _statement(central: Central, site: str, business_day: date) -> Closing:
    statement = central.get(f"/v1/reconciliation/{site}/{business_day.isoformat()}")
    products = statement["products"]
    sums = {
        name: _plain(sum((Decimal(product[name]) for product in products), Decimal(0))) for name in COLUMNS
    }
    return {
        "site": site,
        "day": business_day.isoformat(),
        "balanced": statement["balanced"],
        "unbalanced": statement["unbalanced"],
        **sums,
    }


def _money(amount_minor: int, currency: str) -> str:
    digits = decimals_of(currency)
    return f"{Decimal(amount_minor).scaleb(-digits):.{digits}f}"


def _plain(quantity: Decimal) -> str:
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show(closing: Closing, out: Console) -> None:
    """The closing table."""
    books = Table(title="Events", title_justify="left")
    for name in ("accepted at counters", "applied at central", "quarantined"):
        books.add_column(name, justify="right")
    books.add_row(*(f"{closing[key]:,}" for key in ("accepted", "applied", "quarantined")))
    out.print(books)
    sales = Table(title=f"Sales, by site ({closing['currency']})", title_justify="left")
    for name, side in (
        ("site", "left"),
        ("receipts", "right"),
        ("lines", "right"),
        ("quantity", "right"),
        ("amount", "right"),
    ):
        sales.add_column(name, justify=side)  # type: ignore[arg-type]
    sales.add_column("as on paper")
    for name, site in (*closing["sites"].items(), (DEALER_SITE, closing["dealer"])):
        tick = _yes_no(site["as_on_paper"])
        sales.add_row(name, *(str(site[key]) for key in ("receipts", "lines", "quantity", "amount")), tick)
    out.print(sales)
    stock = closing["stock"]
    table = Table(title="Stock, all sites and products", title_justify="left")
    for name in ("rows", "on paper", "derived from movements", "differences"):
        table.add_column(name, justify="right")
    table.add_row(
        str(stock["products_and_sites"]), stock["on_paper"], stock["derived"], str(len(stock["differences"]))
    )
    out.print(table)
    for difference in stock["differences"][:10]:
        out.print(
            f"  [red]{difference['site']} {difference['gtin']}: {difference['on_paper']} on paper, {difference['derived']} derived"
        )
    _show_statements(closing["statements"], out)
    _show_story(closing, out)
    verdict = (
        "[bold green]The books balance.[/]"
        if closing["balanced"]
        else "[bold red]The books do not balance.[/]"
    )
    out.print(verdict)


def _show_statements(statements: Sequence[Closing], out: Console) -> None:
    table = Table(title="Day statements", title_justify="left")
    table.add_column("site and day")
    told = [name for name in COLUMNS if name in ALWAYS_SHOWN or any(s[name] != "0" for s in statements)]
    for name in told:
        table.add_column(name.replace("transferred", "moved").replace("_", " "), justify="right")
    table.add_column("balanced")
    for statement in statements[:SHOWN_STATEMENTS]:
        cells = (statement[name] for name in told)
        table.add_row(f"{statement['site']} {statement['day']}", *cells, _yes_no(statement["balanced"]))
    out.print(table)
    if len(statements) > SHOWN_STATEMENTS:
        balanced = sum(statement["balanced"] for statement in statements)
        out.print(f"  … {len(statements)} statements in all, {balanced} of them balanced")


def _show_story(closing: Closing, out: Console) -> None:
    told = closing["story"]
    table = Table(title="What went wrong, and what became of it", title_justify="left", show_header=False)
    if again := told.get("again at the shop"):
        table.add_row(
            "the coded item, scanned again where it was sold",
            f"{again['outcome']}: {again.get('reason', '')}",
        )
    if dark := told.get("at the dealer, cut off"):
        certainty = "" if dark.get("certain", True) else ", provisional"
        table.add_row(
            "the same code at the dealer's, cut off from central",
            f"{dark['verdict']}{certainty}: {dark['reason']}",
        )
    for found in closing["discrepancies"][:12]:
        what = found.get("item") or found.get("gtin") or ""
        table.add_row(
            f"discrepancy: {found['class']} at {found['site']} {what}",
            f"{found['likely_cause']} ({found['state']})",
        )
    if order := told.get("order"):
        table.add_row("the dealer's order", " → ".join(order["states"]))
    if closing["restarts"]:
        table.add_row("processes that died and were started again", str(closing["restarts"]))
    for line in closing["rejected_lines"][:20]:
        table.add_row("line left out", line)
    out.print(table)


def _yes_no(good: object) -> str:
    return "[green]✓[/]" if good else "[bold red]✗[/]"
