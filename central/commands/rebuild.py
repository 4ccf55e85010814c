"""``rebuild``: all movements replayed and held against every balance."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from central.commands.application import Config, Json, app, errors, fail, opened, say, say_json
from central.reconciliation.rebuild import Compared, compare_all


@app.command()
def rebuild(
    site: Annotated[str | None, typer.Option(help="One site only.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Replay all movements and compare: with every balance, in quantity and value, and with what the days and months say. Changes nothing and
    keeps nobody waiting; ends with exit code 1 where something does not agree."""
    with opened(config) as (_, database), _bar() as bar:
        task = bar.add_task("sites", total=None)
        found = compare_all(database, site, lambda done, total: bar.update(task, completed=done, total=total))
    if site is not None and found.sites == 0:
        fail(f"site {site!r}: there is none of this id")
    if as_json:
        say_json({"agrees": found.agrees, **msgspec.to_builtins(found, str_keys=True)})
    else:
        _say(found)
    if not found.agrees:
        raise typer.Exit(1)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)


def _say(found: Compared) -> None:
    for one in found.drifts:
        say(
            f"{one.site}, {one.gtin}, {one.location}: {one.kept} (value {one.kept_value_minor}) is kept, the movements give "
            f"{one.replayed} (value {one.replayed_value_minor})"
        )
    for flow in found.month_drifts:
        what = "on hand" if flow.month is None else f"{flow.what} in {flow.month:%Y-%m}"
        parts = "the months" if flow.month is None else "its days"
        say(
            f"{flow.site}, {flow.gtin}, {what}: {flow.kept} (value {flow.kept_value_minor}) is kept, {parts} give "
            f"{flow.summed} (value {flow.summed_value_minor})"
        )
    for gtin, rest in found.not_zero.items():
        say(f"{gtin}: all balances together come to {rest}, expected 0")
    verdict = "everything agrees" if found.agrees else "the balances are not what the movements say"
    say(f"{found.sites} sites: {verdict}")
