"""``codes``: the codes on single items, and the keys that sign them."""

from __future__ import annotations

import typer

from central.commands import code_keys

app = typer.Typer(help="Codes on single items, and the keys that sign them.", no_args_is_help=True)
app.add_typer(code_keys.app, name="keys")
