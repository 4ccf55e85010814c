"""``rehearse``: a generated trade with known faults in it, through the real intake; what was found of them."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from central.commands.application import app, errors, failing_clearly, say, say_table
from central.database import Database
from central.embedded.database import start_database
from central.rehearsal import retail
from central.rehearsal.running import Asked, Outcome, Rehearsal
from central.rehearsal.scoring import Miss, Raised, Row
from central.settings import load

RETAIL = Path(__file__).resolve().parents[2] / "deploy" / "data" / "retail"
SHOWN = 40
_PASSING = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "512MB"}
"""The database of a rehearsal goes with it: it need not outlive a power cut."""


@app.command()
def rehearse(
    *,
    seed: Annotated[int, typer.Option(help="From which everything follows.")] = 1,
    sites: Annotated[int, typer.Option(min=4, max=2000, help="Warehouses among them.")] = 200,
    days: Annotated[int, typer.Option(min=30, max=366)] = 365,
    faults: Annotated[int, typer.Option(min=0, max=20_000)] = 1000,
    lines_a_day: Annotated[float, typer.Option(min=1, max=1000, help="Receipt lines of a site.")] = 20.0,
    retail_folder: Annotated[
        Path, typer.Option("--retail", help="Folder with sales.csv and products.csv.")
    ] = RETAIL,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Whose database is used; it must be empty. Else one of its own."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Where the figures are written to.")
    ] = None,
) -> None:
    """Rehearse a year of a brand: plant faults of every kind, take everything in, and count which are found, which causes are named rightly,
    and which cases have no fault behind them. Ends with exit code 0 only if the promises are kept and the books balance."""
    asked = Asked(seed=seed, sites=sites, days=days, faults=faults, lines_a_day=lines_a_day)
    with failing_clearly(), _database(config) as database, _bar() as bar:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                if not errors.is_terminal:
                    errors.print(f"{what}: {total}")
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        outcome = Rehearsal(database, asked, retail.read(retail_folder), progress).run()
    _show(outcome)
    if json_file is not None:
        json_file.write_text(json.dumps(document(outcome), indent=1, default=str) + "\n", encoding="utf-8")
    if not outcome.passes:
        raise typer.Exit(1)


@contextmanager
def _database(config: Path | None) -> Iterator[Database]:
    if config is not None:
        with Database(load(config).database_url) as database:
            yield database
        return
    folder = Path(tempfile.mkdtemp(prefix="countermark-rehearsal-"))
    folder.chmod(0o755)  # a server that root starts runs as another account, which must be able to pass
    try:
        with start_database(folder / "postgresql", settings=_PASSING) as server, Database(server.ensure_database("rehearsal")) as database:  # fmt: skip
            yield database
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)


def _show(outcome: Outcome) -> None:
    found = outcome.score
    rows = [*found.rows.items(), ("all", found.overall)]
    say_table(
        ["class", "planted", "found", "recall", "raised", "follow", "false", "precision", "cause right"],
        [_cells(name, row) for name, row in rows],
    )
    for title, misses in (("not found", found.missed), ("cause named wrongly", found.misnamed)):
        for one in misses[:SHOWN]:
            say(f"{title}: {_missed(one)}")
    for case in found.false[:SHOWN]:
        say(f"without a fault: {_case(case)}")
    for day in outcome.unbalanced[:SHOWN]:
        say(f"not balanced: {day}")
    say(
        f"{outcome.planted} faults planted, {outcome.waiting} had no occasion; {outcome.events} events, {outcome.sale_lines} receipt lines, "
        f"{outcome.movements} movements; {outcome.statements} day statements, {len(outcome.unbalanced)} not balanced; rebuild "
        f"{'agrees' if outcome.rebuild_agrees else 'does not agree'}; seconds {outcome.seconds}"
    )
    say("the promises are kept" if outcome.passes else "the promises are not kept")


def _cells(name: str, row: Row) -> list[str]:
    return [
        name, str(row.planted), str(row.found), f"{row.recall:.1%}", str(row.raised), str(row.consequences), str(row.false),
        f"{row.precision:.1%}", f"{row.cause_share:.1%}" if row.judged else "-",
    ]  # fmt: skip


def _missed(one: Miss) -> str:
    wanted = one.expected
    causes = " or ".join(wanted.causes) or "any"
    return (
        f"fault {one.number} ({one.kind}, day {one.day}): {wanted.discrepancy_class} at {wanted.site or 'any site'}, "
        f"{wanted.about}, cause {causes}" + (f", said {one.said}" if one.said else "")
    )


def _case(one: Raised) -> str:
    return f"{one.discrepancy_class} at {one.site}, {one.cause_key}, day {one.day}, cause {one.cause}, {one.state}"


def document(outcome: Outcome) -> dict[str, Any]:
    """The figures with the seed and the machine."""
    found = outcome.score
    return {
        "asked": msgspec.to_builtins(outcome.asked),
        "passes": outcome.passes,
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "classes": {
            name: msgspec.to_builtins(row)
            | {
                "recall": row.recall,
                "precision": row.precision,
                "cause_share": row.cause_share if row.judged else None,
            }
            for name, row in [*found.rows.items(), ("all", found.overall)]
        },
        "planted": outcome.planted,
        "waiting": outcome.waiting,
        "events": outcome.events,
        "sale_lines": outcome.sale_lines,
        "movements": outcome.movements,
        "statements": outcome.statements,
        "unbalanced": list(outcome.unbalanced),
        "rebuild_agrees": outcome.rebuild_agrees,
        "seconds": outcome.seconds,
        "not_found": [_missed(one) for one in found.missed],
        "misnamed": [_missed(one) for one in found.misnamed],
        "false": [_case(one) for one in found.false],
    }
