"""The command line of the demonstration; ``deploy/demo`` prepares its environment and calls it."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import itertools
import json
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.demonstration.central_api import Central, CentralError
from deploy.demonstration.closing import close_books, show
from deploy.demonstration.counter import TillError
from deploy.demonstration.day import DEALER_SITE, make_plan
from deploy.demonstration.installation import Installation, Ports, PortTaken
from deploy.demonstration.paper import Paper
from deploy.demonstration.processes import ChildError, Children, end_leftovers
from deploy.demonstration.sales_file import (
    BadLine,
    FileError,
    Product,
    SalesFile,
    busiest_day,
    read_products,
    read_sales,
)
from deploy.demonstration.story import CUT_FROM, CUT_UNTIL, Day, StoryError

DATA = Path(__file__).parents[1] / "data" / "retail"
"""A year of real sale lines of five shops; see the README beside them."""

NOT_BALANCED, CANNOT_RUN, LINES_LEFT_OUT, INTERRUPTED = 1, 2, 3, 130


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="deploy/demo",
        description="Countermark on one machine: a sale day through the scanners of several shops, with a dealer, a link that "
        "is cut, a code that is sold twice, and an order. Without --once everything stays up until Ctrl-C.",
        epilog="Exit codes: 0 the books balance; 1 they do not; 2 it could not be run; 3 they balance, but lines of the given "
        "files had to be left out (each is named).",
    )
    parser.add_argument("--once", action="store_true", help="end when the day is closed")
    parser.add_argument("--sales", type=Path, help="your own sales file (CSV); any number of shops")
    parser.add_argument("--products", type=Path, help="and its products")
    parser.add_argument(
        "--day",
        type=date.fromisoformat,
        help="one day of it, YYYY-MM-DD; default: all of your file, the busiest of ours",
    )
    parser.add_argument(
        "--speed", type=float, help="so many times faster than the clock; default: as fast as it goes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the closing table for a program")
    parser.add_argument("--currency", default="USD", help="of the amounts (ISO 4217; default USD)")
    parser.add_argument(
        "--time-zone", default="UTC", help="of the shops' local times (IANA name; default UTC)"
    )
    parser.add_argument("--http-port", type=int, default=0, help="of central; default: a free one")
    parser.add_argument("--broker-port", type=int, default=0, help="default: a free one")
    parser.add_argument(
        "--till-port", type=int, default=0, help="of the first counter, the others follow; default: free ones"
    )
    parser.add_argument(
        "--mosquitto", metavar="PROGRAM", help="use this Mosquitto instead of the embedded broker"
    )
    parser.add_argument("--home", type=Path, required=True, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if (given.sales is None) != (given.products is None):
        parser.error("--sales and --products go together")
    if given.speed is not None and given.speed <= 0:
        parser.error(f"--speed {given.speed}: expected a number above 0")
    try:
        given.time_zone = ZoneInfo(given.time_zone)
    except (KeyError, ValueError, OSError):
        parser.error(f"--time-zone {given.time_zone!r}: expected an IANA name such as Asia/Shanghai")
    return given


def main(arguments: list[str]) -> int:
    """Run the demonstration; its exit code."""
    given = parse(arguments)
    out = Console()
    try:
        with interrupted_by_signals():
            return run(given, out)
    except KeyboardInterrupt:
        out.print("\nInterrupted; everything has been ended.")
        return INTERRUPTED
    except (FileError, PortTaken, ChildError, CentralError, TillError, StoryError, OSError) as error:
        out.print(f"[bold red]deploy/demo:[/] {error}", highlight=False)
        return CANNOT_RUN


def run(given: argparse.Namespace, out: Console) -> int:
    """Set up, live through the day, close the books."""
    sales, products, bad_lines = read_input(given)
    for line in bad_lines:
        out.print(f"[yellow]left out:[/] {line}", highlight=False)
    with fresh_directory(given.home, out) as directory:
        children = Children(directory, lambda text: out.print(f"[yellow]{text}[/]"))
        ports = Ports(given.http_port, given.broker_port, given.till_port)
        installation = Installation(directory, children, ports, given.mosquitto)
        try:
            with watching(children):
                closing = live(given, out, installation, sales, products, bad_lines)
                show(closing, out)
                if given.json:
                    text = json.dumps(closing, indent=2, ensure_ascii=False)
                    given.json.write_text(f"{text}\n", encoding="utf-8")
                if not given.once:
                    stay_up(installation, out)
        finally:
            installation.close()
    if not closing["balanced"]:
        return NOT_BALANCED
    return LINES_LEFT_OUT if bad_lines else 0


def read_input(given: argparse.Namespace) -> tuple[SalesFile, list[Product], list[BadLine]]:
    """The sale lines to be replayed, their products, and the lines that cannot be used."""
    sales = read_sales(given.sales or DATA / "sales.csv", given.currency)
    products, bad_products = read_products(given.products or DATA / "products.csv")
    day = given.day or (None if given.sales else busiest_day(sales.receipts))
    chosen = sales if day is None else sales.of_day(day)
    if not chosen.receipts:
        what = "no sale line that can be used" if day is None else f"no sale on {day}"
        raise FileError(f"{given.sales or 'our sales'}: {what}")
    return chosen, products, [*bad_products, *sales.bad_lines]


@contextlib.contextmanager
def fresh_directory(home: Path, out: Console) -> Iterator[Path]:
    """A new directory for this run, held by a lock that ends with this process however it ends.

    What an earlier run that was killed has left in it is ended and taken away; a run that is still up keeps its own.
    """
    home.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        directory = home / f"run-{number}"
        with (home / f"run-{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            if directory.exists():
                for name in end_leftovers(directory):
                    out.print(f"[yellow]{name} of an earlier run was still there and has been ended[/]")
                shutil.rmtree(directory)
            directory.mkdir()
            yield directory
            return


def live(
    given: argparse.Namespace,
    out: Console,
    installation: Installation,
    sales: SalesFile,
    products: list[Product],
    bad_lines: list[BadLine],
) -> dict[str, object]:
    """Everything between opening and closing."""
    plan = make_plan(sales, products, given.time_zone)
    lines = sum(len(receipt.lines) for receipt in sales.receipts)
    with out.status("PostgreSQL") as status:
        installation.start_database()
        status.update("broker")
        installation.start_broker()
        status.update("central")
        installation.start_central()
        status.update("sites, products, opening stock")
        installation.import_books(plan, products, given.currency)
        status.update("agents")
        installation.open_counters([*plan.sites.values(), DEALER_SITE])
        central = Central(installation.url, installation.token)
        paper = Paper()
        for opening in plan.openings:
            paper.put(opening.site, opening.gtin, opening.quantity)
        day = Day(installation, plan, paper, central)
        status.update("catalogue, prices and items to the agents")
        day.wait_for_feeds()
        day.put_the_coded_item_on_its_shelf()
    out.print(
        f"Central {installation.url}/docs, {len(plan.sites)} shops and a dealer are up; {lines:,} lines to sell."
    )
    trade(given, out, day, sales, lines)
    return close_books(day, bad_lines, given.currency)


def trade(given: argparse.Namespace, out: Console, day: Day, sales: SalesFile, lines: int) -> None:
    """The day itself, with its troubles at their times."""
    columns = TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=out) as progress:
        clock = Clock(lines, progress)
        with ThreadPoolExecutor(1, "trouble") as side:
            trouble = side.submit(make_trouble, day, clock, progress)
            try:
                day.replay(sales.receipts, given.speed, clock.sold)
            finally:
                clock.end()
            trouble.result()
        waiting = progress.add_task("events still unsent", total=None)
        day.fill_the_order()
        day.wait_until_all_is_sent(
            lambda left: progress.update(waiting, description=f"{left} events still unsent")
        )
        progress.update(waiting, description="all events are at central", total=1, completed=1)


class Clock:
    """How far the day is, in lines sold."""

    def __init__(self, lines: int, progress: Progress) -> None:
        self._lines, self._sold = lines, 0
        self._progress, self._bar = progress, progress.add_task("lines sold", total=lines)
        self._lock = threading.Lock()
        self.time_to_cut, self.time_to_mend = threading.Event(), threading.Event()

    def sold(self, more: int) -> None:
        """So many more lines are sold."""
        with self._lock:
            self._sold += more
            self._progress.update(self._bar, completed=self._sold)
            if self._sold >= self._lines * CUT_FROM:
                self.time_to_cut.set()
            if self._sold >= self._lines * CUT_UNTIL:
                self.time_to_mend.set()

    def end(self) -> None:
        """The day is over, one way or the other."""
        self.time_to_cut.set()
        self.time_to_mend.set()


def make_trouble(day: Day, clock: Clock, progress: Progress) -> None:
    """Cut the link in the middle of the day, do what is done in the dark, mend it."""
    clock.time_to_cut.wait()
    day.cut_link()
    progress.console.print("[yellow]the link to central is cut; the shops go on selling[/]")
    try:
        day.in_the_dark()
        clock.time_to_mend.wait()
    finally:
        day.mend_link()
    progress.console.print("[green]the link is mended[/]")


@contextlib.contextmanager
def watching(children: Children) -> Iterator[None]:
    """Start again what dies, until the block ends."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.3):
            children.restart_the_dead()

    with ThreadPoolExecutor(1, "watch") as side:
        watching_over = side.submit(watch)
        try:
            yield
        finally:
            done.set()
        watching_over.result()


@contextlib.contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the demonstration as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    yield


def stay_up(installation: Installation, out: Console) -> None:
    """Show where everything is, and wait for Ctrl-C."""
    out.print(
        f"\nCentral’s API: {installation.url}/docs    token: {installation.token}",
        highlight=False,
        soft_wrap=True,
    )
    for site, counter in installation.counters.items():
        out.print(
            f"Till of {site}: {counter.url}/    scanner: {counter.scanner.path}",
            highlight=False,
            soft_wrap=True,
        )
    out.print("Everything stays up until Ctrl-C.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
