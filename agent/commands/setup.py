"""``config check``."""

from __future__ import annotations

import typer

from agent.commands.speaking import ConfigOption, JsonOption, clear_errors, say_json

app = typer.Typer(help="The configuration.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The configuration."""


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read the configuration as `run` would, and tell what it comes to. Secrets are not shown."""
    from agent.scanners.sources import make_sources  # noqa: PLC0415 - loads the drivers that are configured
    from agent.settings import load  # noqa: PLC0415

    with clear_errors():
        settings = load(config)
        sources = make_sources(settings.scanner)
    if as_json:
        say_json(settings.model_dump(mode="json"))
        return
    typer.echo(f"configuration is sound: data_dir {settings.data_dir}, {len(sources)} scanners")
