"""``enrol``: a machine joins with a token that is good once."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, say_json, say_pairs


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(enrol)


def enrol(
    central: Annotated[str, typer.Option(help="Central's address, such as https://central.example.")],
    token: Annotated[
        str, typer.Option(help="The single-use token that central gave.", envvar="COUNTERMARK_ENROL_TOKEN")
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Join: make this machine's key, get its certificate, and open its journal."""
    from agent.enrolment import enrol_here  # noqa: PLC0415 - brings cryptography and HTTP with it
    from agent.settings import load  # noqa: PLC0415

    with clear_errors():
        identity = enrol_here(load(config), central=central, token=token)
    told = {
        "agent": identity.agent,
        "site": identity.site,
        "lane": identity.lane,
        "epoch": identity.epoch,
        "broker": f"{identity.broker.host}:{identity.broker.port}",
    }
    if as_json:
        say_json(told)
    else:
        say_pairs(list(told.items()))
