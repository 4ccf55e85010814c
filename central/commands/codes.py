"""``codes``: the codes on single items, the orders that issue them, and the keys that sign them."""

from __future__ import annotations

import typer

from central.commands import code_issue, code_keys, code_orders

app = typer.Typer(help="Codes on single items, and the keys that sign them.", no_args_is_help=True)
app.command()(code_issue.issue)
app.command()(code_issue.export)
app.command()(code_orders.commission)
app.add_typer(code_orders.orders_app, name="orders")
app.add_typer(code_keys.app, name="keys")
