"""The long run: many episodes, with progress, on all cores. Prints the seeds, and for a failure its shortest trace."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tests.simulation.episode import Lived, failure_of, live, plan_of, shrink

STEPS = 1_500


def attempt(seed: int) -> tuple[int, Lived | None]:
    """One episode; None if it failed."""
    try:
        return seed, live(plan_of(seed, STEPS))
    except AssertionError:
        return seed, None


def explain(seed: int, out: Console) -> None:
    """Shrink a failing episode and print it in a form that can be pasted into a test."""
    out.print(f"[bold red]episode {seed} failed[/]; shrinking …")
    plan = shrink(plan_of(seed, STEPS))
    out.print(f"{plan.agents} agents, knows_facts={plan.knows_facts}, {len(plan.ops)} ops:")
    for op in plan.ops:
        out.print(f"    {op!r},")
    out.print(f"[bold red]{failure_of(plan)}[/]")
    out.print(f"again: python -m tests.simulation --seed {seed} --episodes 1")


def lived_through(seeds: Iterator[int], processes: int) -> Iterator[tuple[int, Lived | None]]:
    """Episodes in the order of their seeds, on several processes."""
    if processes == 1:
        yield from map(attempt, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(attempt, seeds, chunksize=4)


def main() -> int:
    """Run until enough sales have been made; 0 if no episode failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--sales", type=int, default=100_000, help="stop after this many accepted sales")
    parser.add_argument("--episodes", type=int, default=None, help="stop after this many episodes")
    parser.add_argument("--seed", type=int, default=1, help="the first episode's seed; the others follow it")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    out = Console()
    out.print(
        f"first seed {given.seed}, {STEPS} steps an episode, {platform.machine()}, Python {platform.python_version()}"
    )
    totals = dict.fromkeys(Lived._fields, 0)
    started = time.monotonic()
    seeds = iter(range(given.seed, given.seed + (given.episodes or sys.maxsize - given.seed)))
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    seed = given.seed
    with Progress(*columns, console=out) as progress:
        task = progress.add_task("sales", total=given.sales if given.episodes is None else None)
        for seed, lived in lived_through(seeds, given.processes):
            if lived is None:
                progress.stop()
                explain(seed, out)
                return 1
            for name, amount in lived._asdict().items():
                totals[name] += amount
            progress.update(task, completed=totals["sales"])
            if given.episodes is None and totals["sales"] >= given.sales:
                break
    took_s = time.monotonic() - started
    out.print(
        f"seeds {given.seed} to {seed}: {totals['sales']:,} sales and {totals['faults']:,} faults in {took_s:.0f} s; "
        f"0 lost, 0 doubled. {totals['epochs']:,} epochs granted, {totals['repeated']:,} facts recognised in a second "
        f"epoch, {totals['refused']:,} sales refused at the counter (disk full), {totals['destroyed']:,} gone with every "
        "copy of them (disk or backup replaced by an older one)."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
