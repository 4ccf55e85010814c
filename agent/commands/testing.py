"""``devices test``: what a scanner sends, live."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from agent.commands.choosing import is_free, look, may_be_opened, profile_for
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, fail

if TYPE_CHECKING:
    from agent.commands.choosing import Known
    from agent.scanners.listing import Listed
    from agent.scanners.showing import Shown
    from devices.scan import DeviceStatus

_ROWS = 12
_QUIET_S = 0.1


def watch(
    device: Annotated[
        str | None, typer.Argument(help="As `devices` lists it; may be left out where one is adopted.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Read it with this profile.")] = None,
    show_codes: Annotated[
        bool, typer.Option("--show-codes", help="Show codes of items, members and payments whole.")
    ] = False,
    count: Annotated[int, typer.Option(min=0, help="End after so many scans; 0: at Ctrl-C.")] = 0,
    it_is_a_scanner: Annotated[
        bool, typer.Option("--it-is-a-scanner", help="Open what may be a person's keyboard.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show live what a scanner sends: raw bytes or keys, the ending, and the label it amounts to. Nothing is sold."""
    from agent.scanners.showing import shown  # noqa: PLC0415 - the drivers, only when asked
    from agent.scanners.tapping import Tapped  # noqa: PLC0415
    from devices.profile import load_profile  # noqa: PLC0415
    from protocol.codes import Rules  # noqa: PLC0415

    with clear_errors():
        known = look(config)
        found = _chosen(known, device)
        may_be_opened(found, it_is_a_scanner=it_is_a_scanner)
        is_free(known, found)
        used = load_profile(profile_for(found.device.kind, profile or _profile_of(known, found)))
        rules = Rules() if known.settings is None else known.settings.codes.rules()
        name = found.name or found.device.path
        patience_s = (used.framing.idle_timeout_ms + used.framing.stall_timeout_ms) / 1000
        left = count or None
        with (
            _ending_cleanly(),
            _view(name, as_json=as_json) as (show, tell),
            Tapped(found.device, used, name=name, on_status=tell) as tapped,
        ):
            while left is None or left > 0:
                trigger = tapped.next_trigger(quiet_s=_QUIET_S, patience_s=patience_s)
                today = datetime.now(tz=UTC).date()
                show(shown(trigger, name, rules, today, show_codes=show_codes))
                left = None if left is None else left - 1


@contextmanager
def _ending_cleanly() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("", err=True)  # the terminal shows ^C; what follows begins on a line of its own


def _chosen(known: Known, device: str | None) -> Listed:
    from agent.scanners.listing import Standing, chosen  # noqa: PLC0415 - as above

    if device is not None:
        return chosen(known.listed, device)
    own = [one for one in known.listed if one.standing in {Standing.ADOPTED, Standing.CONFIGURED}]
    if len(own) != 1:
        names = ", ".join(one.name or one.device.path for one in own) or "none"
        fail(f"which device? Adopted or configured: {names}; name one that `devices` lists")
    return own[0]


def _profile_of(known: Known, found: Listed) -> str | None:
    """The profile this device is used with, if it is."""
    adopted = next((one.profile for one in known.adopted if one.name == found.name), None)
    configured = known.settings.scanner if known.settings else ()
    return next((one.profile for one in configured if found.name and one.name == found.name), adopted)


_View = tuple[Callable[["Shown"], None], Callable[["DeviceStatus"], None]]


@contextmanager
def _view(name: str, *, as_json: bool) -> Iterator[_View]:
    """Where triggers and states are shown: JSON lines, a live table on a terminal, or lines."""
    if as_json:
        yield _write_json, lambda status: _say_state(name, status)
    elif not sys.stdout.isatty():
        yield _write_line, lambda status: _say_state(name, status)
    else:
        with _live_table(name) as view:
            yield view


def _write_json(one: Shown) -> None:
    sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
    sys.stdout.flush()


def _write_line(one: Shown) -> None:
    sys.stdout.write(" | ".join(_cells(one)) + "\n")
    sys.stdout.flush()


def _say_state(name: str, status: DeviceStatus) -> None:
    detail = f": {status.detail}" if status.detail else ""
    typer.echo(f"{name} is {status.state}{detail}", err=True)


def _cells(one: Shown) -> tuple[str, str, str, str]:
    raw = " ".join(one.keys) or one.raw
    lost = "  KEYS WERE LOST" if one.lost_keys else ""
    codes = "\n".join(f"{scan.symbology or ''} {scan.code}".strip() for scan in one.scans)
    labels = "\n".join(scan.summary for scan in one.scans) or "no code came of it"
    return raw + lost, one.ending, codes, labels


@contextmanager
def _live_table(name: str) -> Iterator[_View]:
    from rich.live import Live  # noqa: PLC0415 - only on a terminal
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    rows: deque[Shown] = deque(maxlen=_ROWS)
    state = "not open yet"

    def drawn() -> Table:
        table = Table(
            "bytes or keys", "ending", "code", "label",
            title=f"{name}: {state}", caption="Ctrl-C ends", title_justify="left", expand=True,
        )  # fmt: skip
        for one in rows:
            table.add_row(*(Text(cell) for cell in _cells(one)))
        return table

    with Live(drawn(), auto_refresh=False) as live:

        def show(one: Shown) -> None:
            rows.append(one)
            live.update(drawn(), refresh=True)

        def tell(status: DeviceStatus) -> None:
            nonlocal state
            state = f"{status.state}{': ' + status.detail if status.detail else ''}"
            live.update(drawn(), refresh=True)

        yield show, tell
