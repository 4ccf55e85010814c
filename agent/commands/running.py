"""``run``, ``status`` and ``scan``."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from agent.commands.calling import Running, call, run_file
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, say_json, say_pairs
from agent.settings import load

_log = logging.getLogger("countermark.agent")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(run)
    app.command()(status)
    app.command()(scan)


def run(
    config: ConfigOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more, on standard error.")] = False,
    record: Annotated[
        Path | None, typer.Option(help="A new file for every byte and key of the scanners; see: replay.")
    ] = None,
) -> None:
    """Run the agent until SIGTERM or Ctrl-C. Prints one line with its local address once it is ready."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # uvicorn.error tells every WebSocket's address, and with it a token that stands there.
    for chatty in ("asyncio", "httpx", "httpcore", "websockets", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with clear_errors():
        settings = load(config)
        from agent.main import start  # noqa: PLC0415 - the whole agent; a wrong configuration is told without it

        agent = start(settings, record)
        path = run_file(settings.data_dir)

        def tell(local_url: str) -> None:
            try:
                write_run_file(path, local_url)
            except (
                OSError
            ) as error:  # a full disk: sales may be refused, but what is there must still be sent
                _log.warning(
                    "%s: cannot be written (%s); commands such as status do not find this agent, until it is started again",
                    path,
                    error.strerror,
                )
            typer.echo(
                f"countermark-agent {agent.identity.agent} of site {agent.identity.site} is ready at {local_url}"
            )

        try:
            agent.run(tell)
        finally:
            path.unlink(missing_ok=True)


def write_run_file(path: Path, local_url: str) -> None:
    """Say which process runs and where; whole, or not at all."""
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(Running(pid=os.getpid(), local_url=local_url)))
    draft.chmod(0o600)
    draft.replace(path)


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Tell how the running agent is: its link, what is unsent, its feeds and scanners."""
    with clear_errors():
        told: dict[str, Any] = call(load(config), "GET", "/v1/status")
    if as_json:
        say_json(told)
        return
    oldest_s = told["oldest_unsent_s"]
    say_pairs(
        [
            ("agent", f"{told['agent']} (site {told['site']}, lane {told['lane']})"),
            ("link", _link(told)),
            (
                "unsent",
                f"{told['unsent']}" + (f", the oldest {_age(oldest_s)} old" if oldest_s is not None else ""),
            ),
            ("accepted", told["accepted"]),
            ("mode", told["mode"]),
            ("disk", told["disk_trouble"] or f"{told['free_bytes'] // 1_000_000} MB free"),
            ("clock", "synchronised" if told["clock_synced"] else "not synchronised"),
        ]
    )
    for name, feed in told["feeds"].items():
        age = "never complete" if feed["age_s"] is None else f"{_age(feed['age_s'])} old"
        typer.echo(f"feed {name}: version {feed['version']} of {max(feed['head'], feed['version'])}, {age}")
    for scanner in told["scanners"]:
        detail = f": {scanner['detail']}" if scanner["detail"] else ""
        typer.echo(f"scanner {scanner['device']}: {scanner['state']}, {scanner['scans']} scans{detail}")
    if not told["scanners"]:
        typer.echo("scanner: none is configured")
    if (printer := told["printer"]) is not None:
        trouble = f": {printer['trouble']}" if printer["trouble"] else ""
        typer.echo(
            f"printer {printer['where']}: {printer['waiting']} waiting, {printer['printed']} printed{trouble}"
        )
    for notice in told["notices"]:
        typer.echo(f"notice {notice['kind']}: {notice['text']}")


def scan(
    code: Annotated[
        str, typer.Argument(help="What the scanner would send; <GS> or \\x1d is the group separator.")
    ],
    config: ConfigOption = None,
    symbology: Annotated[str | None, typer.Option(help="AIM symbology identifier, such as ]d2.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Give the running agent a scan, as a scanner would, and tell its verdict."""
    asked = {"code": code, "symbology": symbology, "device": "command"}
    with clear_errors():
        frame: dict[str, Any] = call(load(config), "POST", "/v1/scans", asked)
    if as_json:
        say_json(frame)
    else:
        finding = frame["finding"]
        verdict = f" [{finding['verdict']}]" if finding else ""
        typer.echo(f"{frame['outcome']}{verdict}: {frame['message']}")
    if frame["outcome"] in {"refused", "unreadable"}:
        raise typer.Exit(2)


def _link(told: dict[str, Any]) -> str:
    if told["online"]:
        return f"online, {told['phase']}, {told['broker']} (MQTT {told['mqtt_version']})"
    cause = f": {told['last_error']}" if told["last_error"] else ""
    return f"offline, {told['broker']}{cause}"


def _age(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
