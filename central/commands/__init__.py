"""``countermark-central``: the commands of central. ``--help`` on each says what it takes."""

from __future__ import annotations

from central.commands import (
    agents,
    authority,
    codes,
    database,
    discrepancies,
    exports,
    filters,
    imports,
    items,
    packing,
    partitions,
    policy,
    rebuild,
    rehearse,
    serve,
    statement,
    stocktakes,
    tokens,
)
from central.commands.application import app

app.add_typer(imports.app, name="import")
app.add_typer(tokens.app, name="tokens")
app.add_typer(agents.app, name="agents")
app.add_typer(authority.app, name="authority")
app.add_typer(codes.app, name="codes")
app.add_typer(items.app, name="items")
app.add_typer(exports.app, name="export")
app.add_typer(filters.app, name="filters")
app.add_typer(policy.app, name="policy")
app.add_typer(discrepancies.app, name="discrepancies")
app.add_typer(stocktakes.app, name="stocktake")
app.add_typer(serve.config_app, name="config")

codes.app.command()(packing.pack)

__all__ = ["app", "database", "partitions", "rebuild", "rehearse", "serve", "statement"]
