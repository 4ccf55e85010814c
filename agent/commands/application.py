"""The command line as one application."""

from __future__ import annotations

import typer

from agent.commands import (
    adjusting,
    codes,
    devices,
    identity,
    journal,
    orders,
    packing,
    printing,
    replaying,
    running,
    setup,
    shifts,
    shipping,
    stocktake,
)

app = typer.Typer(
    name="countermark-agent",
    help="The agent at a counter: scans, verdicts, sales and orders, online or not.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
running.add_to(app)
codes.add_to(app)
identity.add_to(app)
packing.add_to(app)
printing.add_to(app)
replaying.add_to(app)
adjusting.add_to(app)
shifts.add_to(app)
app.add_typer(devices.app, name="devices")
app.add_typer(journal.app, name="journal")
app.add_typer(setup.app, name="config")
app.add_typer(orders.app, name="orders")
app.add_typer(stocktake.app, name="stocktake")
app.add_typer(shipping.app, name="ship")
