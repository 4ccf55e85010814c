"""``policy``: what counters do on a verdict."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer

from central.actors import By
from central.commands.application import Config, Json, fail, opened, say, say_json, say_table
from central.imports.rules import Wrong
from central.policy import rules, storage
from central.policy.rules import Policy
from central.products.rules import gtin_14
from protocol.verdicts import SAFE_DEFAULTS, Act, Verdict

app = typer.Typer(help="What counters do on a verdict.", no_args_is_help=True)
ACTOR = "command line"
Of = Annotated[Verdict, typer.Argument(help="The verdict.")]
Product = Annotated[
    str | None, typer.Option("--gtin", help="For this product alone; for every product where not given.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with it.")]


@app.command("list")
def list_policies(config: Config = None, as_json: Json = False) -> None:
    """What counters do on every verdict, and where somebody has said so."""
    with opened(config) as (_, database), database.transaction() as connection:
        found = storage.every(connection)
    if as_json:
        defaults = {verdict.value: act.value for verdict, act in SAFE_DEFAULTS.items()}
        say_json({"items": msgspec.to_builtins(found), "defaults": defaults})
        return
    set_for_all = {one.verdict for one in found if one.gtin is None}
    rows = [[one.verdict.value, one.gtin or "", one.action.value, one.actor, one.reason] for one in found]
    rows += [
        [verdict.value, "", act.value, "", "safe default"]
        for verdict, act in SAFE_DEFAULTS.items()
        if verdict not in set_for_all
    ]
    say_table(["verdict", "gtin", "action", "set by", "reason"], sorted(rows))


@app.command("set")
def set_policy(
    verdict: Of,
    action: Annotated[Act, typer.Argument(help="What counters are to do.")],
    reason: Reason,
    gtin: Product = None,
    force: Annotated[
        bool, typer.Option(help="To accept forged, recalled, stolen or destroyed goods.")
    ] = False,
    config: Config = None,
) -> None:
    """Set what counters do on a verdict. All agents hear of it at once."""
    policy = Policy(
        verdict=verdict,
        gtin=_product(gtin),
        action=action,
        reason=reason,
        actor=ACTOR,
        forced=force,
        updated_at=datetime.now(UTC),
    )
    refused = rules.why_not(policy)
    if refused is not None:
        fail(f"policy set: {refused.replace('or force', 'or --force')}", 2)
    with opened(config) as (_, database):
        database.run(lambda connection: storage.put(connection, policy))
    say(f"{rules.key_of(verdict, policy.gtin)}: {action}")


@app.command()
def unset(verdict: Of, reason: Reason, gtin: Product = None, config: Config = None) -> None:
    """Take a policy back: the one of the verdict, or the safe default, holds again."""
    product = _product(gtin)
    by = By(actor=ACTOR, at=datetime.now(UTC), reason=reason)
    with opened(config) as (_, database):
        found = database.run(lambda connection: storage.remove(connection, verdict, product, by))
    if not found:
        fail(f"policy unset: {rules.key_of(verdict, product)}: not set; see: countermark-central policy list")
    say(f"{rules.key_of(verdict, product)}: unset")


def _product(gtin: str | None) -> str | None:
    if gtin is None:
        return None
    found = gtin_14(gtin)
    if isinstance(found, Wrong):
        fail(f"--gtin {found.value!r}: expected {found.expected}", 2)
    return found
