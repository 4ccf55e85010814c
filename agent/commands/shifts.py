"""``shift open``, ``close`` and ``show``, ``cash in`` and ``out``, ``pin-hash``: the money of the running agent."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from agent.commands.calling import call
from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, fail, say_json, say_table
from agent.printing.rules import amount as amount_of
from agent.settings import Settings, load
from agent.till.money import decimals, minor

app = typer.Typer(help="Shifts of this till.", no_args_is_help=True, rich_markup_mode=None)
cash_app = typer.Typer(help="Cash put in and taken out.", no_args_is_help=True, rich_markup_mode=None)

_AMOUNT = re.compile(r"\d{1,10}(\.\d{1,3})?")
Clerk = Annotated[str | None, typer.Option(help="Who does it.")]
Amount = Annotated[str, typer.Argument(help="In the site's currency, such as 200 or 12.50.")]
Authorisation = Annotated[
    bool, typer.Option("--authorise", help="Ask for a supervisor's PIN, and tell the sums of an open shift.")
]


def add_to(root: typer.Typer) -> None:
    """Register the commands."""
    root.add_typer(app, name="shift")
    root.add_typer(cash_app, name="cash")
    root.command("pin-hash")(pin_hash)


@app.command("open")
def open_shift(
    amount: Annotated[str, typer.Argument(metavar="FLOAT", help="The cash in the drawer, such as 200.")],
    clerk: Clerk = None,
    shift_id: Annotated[str | None, typer.Option("--id", help="The same again changes nothing.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a shift with the cash that is in the drawer."""
    with clear_errors():
        settings = load(config)
        asked = {
            "float_minor": _minor(amount, _currency(settings), "FLOAT"),
            "clerk": clerk,
            "shift_id": shift_id,
        }
        told: dict[str, Any] = call(settings, "POST", "/v1/shifts/open", asked)
    if as_json:
        say_json(told)
    else:
        typer.echo(
            f"shift {told['number']} is open with {amount_of(told['float_minor'], told['currency'])} {told['currency']}"
        )


@app.command("close")
def close_shift(
    *,
    cash: Annotated[str | None, typer.Option(help="What was counted in the drawer.")] = None,
    card: Annotated[str | None, typer.Option(help="What the card terminal tells.")] = None,
    wallet: Annotated[str | None, typer.Option(help="What the wallets tell.")] = None,
    pieces: Annotated[
        list[str] | None,
        typer.Option(
            "--pieces", help="VALUE=COUNT of coins or notes, instead of --cash; give it once for each value."
        ),
    ] = None,
    clerk: Clerk = None,
    shift_id: Annotated[
        str | None, typer.Option("--id", help="Of the shift; the same again changes nothing.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close the shift with what was counted; then it is told what should have been there."""
    with clear_errors():
        settings = load(config)
        currency = _currency(settings)
        counted = [
            {"method": method, "amount_minor": _minor(found, currency, f"--{method}")}
            for method, found in (("cash", cash), ("card", card), ("wallet", wallet))
            if found is not None
        ]
        denominations = dict(_denomination(text, currency) for text in pieces or ())
        asked = {"counted": counted, "denominations": denominations, "shift_id": shift_id, "clerk": clerk}
        told: dict[str, Any] = call(settings, "POST", "/v1/shifts/close", asked)
    if as_json:
        say_json(told)
    else:
        typer.echo(f"shift {told['number']} is closed")
        _say_report(told["report"])


@app.command("show")
def show_shift(
    authorise: Authorisation = False, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """Tell how the open shift stands; where none is open, how the last one ended."""
    with clear_errors():
        settings = load(config)
        is_open = call(settings, "GET", "/v1/shifts/current")["shift_id"] is not None
        if not is_open:
            report: dict[str, Any] = call(settings, "GET", "/v1/shifts/latest/report")
        elif authorise:
            pin = typer.prompt("PIN", hide_input=True)
            report = call(settings, "POST", "/v1/shifts/current/report", {"authorisation": pin})
        else:
            report = call(settings, "GET", "/v1/shifts/current/report")
    if as_json:
        say_json(report)
        return
    state = "open" if is_open else "closed"
    clerk = f" ({report['clerk']})" if report["clerk"] else ""
    typer.echo(f"shift {report['number']} is {state}{clerk}")
    _say_report(report)


@cash_app.command("in")
def cash_in(
    amount: Amount,
    reason: Annotated[str, typer.Argument(help="Why, such as change.")],
    clerk: Clerk = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put cash into the drawer."""
    _move(amount, 1, reason, clerk, config, as_json)


@cash_app.command("out")
def cash_out(
    amount: Amount,
    reason: Annotated[str, typer.Argument(help="Why, such as safe drop or petty cash.")],
    clerk: Clerk = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take cash out of the drawer."""
    _move(amount, -1, reason, clerk, config, as_json)


def pin_hash() -> None:
    """Make the hash of a supervisor's PIN for the configuration; the PIN is asked for and kept nowhere."""
    from agent.till.pins import hash_pin  # noqa: PLC0415 - not wanted by the other commands

    with clear_errors():
        pin = typer.prompt("PIN", hide_input=True, confirmation_prompt=True, err=True)
        typer.echo(f'pin_hash = "{hash_pin(pin)}"')


def _move(
    amount: str, sign: int, reason: str, clerk: str | None, config: ConfigOption, as_json: bool
) -> None:
    with clear_errors():
        settings = load(config)
        asked = {
            "amount_minor": sign * _minor(amount, _currency(settings), "AMOUNT"),
            "reason": reason,
            "clerk": clerk,
        }
        told: dict[str, Any] = call(settings, "POST", "/v1/cash-moves", asked)
    if as_json:
        say_json(told)
        return
    moved = f"{amount_of(abs(told['amount_minor']), told['currency'])} {told['currency']}"
    where = "put into the drawer" if sign > 0 else "taken out of the drawer"
    outside = "" if told["shift_id"] else "; no shift is open"
    typer.echo(f"{moved} {where} ({told['number']}){outside}")


def _currency(settings: Settings) -> str:
    return str(call(settings, "GET", "/v1/status")["currency"])


def _minor(text: str, currency: str, what: str) -> int:
    if not _AMOUNT.fullmatch(text) or len(text.partition(".")[2]) > decimals(currency):
        fail(f"{what} {text!r}: expected an amount of {currency}, with up to {decimals(currency)} decimals")
    return minor(text, currency)


def _denomination(text: str, currency: str) -> tuple[str, int]:
    value, sign, count = text.partition("=")
    if not sign or not count.strip().isdigit():
        fail(f"--pieces {text!r}: expected VALUE=COUNT, such as 0.50=12")
    return str(_minor(value.strip(), currency, "--pieces")), int(count)


def _say_report(report: dict[str, Any]) -> None:
    currency = report["currency"]
    typer.echo(f"{report['sales']} sales, {report['voids']} voids, {report['returns']} returns")
    for move in report["moves"]:
        typer.echo(f"{move['reason']}: {amount_of(move['amount_minor'], currency)} {currency}")
    if report["sold_minor"] is None:
        typer.echo("the sums are told after the count, or with --authorise")
        return
    rows = []
    for line in report["methods"]:
        found = line["counted_minor"]
        rows.append(
            (
                line["method"],
                amount_of(line["taken_minor"], currency),
                amount_of(line["expected_minor"], currency),
                None if found is None else amount_of(found, currency),
                None if found is None else amount_of(found - line["expected_minor"], currency),
            )
        )
    say_table(("", "taken", "should be", "counted", "difference"), rows)
