"""The soak: a thousand kills of real processes, by one command, with its result as one line of JSON.

    python -m tests.faults.soak --kills 1000 --seed 1

The kills come in stages. Each ends with a power cut for everything, after which the books are compared in full.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.faults.comparison import NOTHING, compare
from tests.faults.killing import Killer, plan
from tests.faults.shops import Counter as Shop
from tests.faults.shops import Shops, shops
from tests.faults.till import Till

AGREED, DISAGREED = 0, 1
Pairs = list[tuple[Shop, Till]]


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="kill -9 in all; default 1000")
    parser.add_argument("--seed", type=int, default=1, help="of the order of kills; default 1")
    parser.add_argument("--agents", type=int, default=3, help="counters; default 3")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between kills on average; default 1")
    parser.add_argument("--stage", type=int, default=200, help="kills between comparisons; default 200")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Kill, compare, and print the result; 0 if the books agree every time."""
    given = parse(arguments)
    out = Console(stderr=True)
    out.print(f"seed {given.seed}, {given.kills} kills, {given.agents} agents, {os.cpu_count()} processors")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    struck: Counter[str] = Counter()
    found: list[str] = []
    books = NOTHING
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with shops("soak") as system, Progress(*columns, console=out) as progress:
        task = progress.add_task("kills", total=given.kills)
        pairs = [system.open_counter() for _ in range(given.agents)]
        stage = 0
        while struck.total() < given.kills and not found:
            left = min(given.stage, given.kills - struck.total())
            struck += live_through(system, pairs, given, stage, left, lambda: progress.advance(task))
            progress.update(task, completed=struck.total(), description="comparing the books")
            system.wait_sent(*(shop for shop, _ in pairs))
            books, found = compare(system, pairs)
            progress.update(task, description=f"kills ({books.accepted} sales)")
            stage += 1
    for line in found:
        out.print(f"[bold red]{line}[/]", highlight=False)
    result = {
        "seed": given.seed,
        "kills": struck.total(),
        **{f"kills_{kind}": count for kind, count in sorted(struck.items())},
        "agents": given.agents,
        "comparisons": stage,
        **books._asdict(),
        "asked_again": sum(till.asked_again for _, till in pairs),
        "refused": sum(len(till.refusals) for _, till in pairs),
        "differences": found,
        "seconds": round(time.monotonic() - started),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
    }
    sys.stdout.write(json.dumps(result) + "\n")
    return DISAGREED if found else AGREED


def live_through(
    system: Shops, pairs: Pairs, given: argparse.Namespace, stage: int, kills: int, told: Callable[[], object]
) -> Counter[str]:
    """One stage: sell and kill, then everything dies at once, comes back, and the tills get their last answers."""
    names = [shop.name for shop, _ in pairs]
    in_power_cut = len(names) + 3
    seed = given.seed * 10_000 + stage
    killer = Killer(system, seed)
    for _, till in pairs:
        till.start(pause_s=0.05)
    try:
        planned = plan(seed, max(0, kills - in_power_cut), given.pace, names)
        killer.carry_out(planned, lambda _: told())
        killer.power_cut(names)
    finally:
        killer.close()
        for _, till in pairs:
            till.stop()
    return killer.struck


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
