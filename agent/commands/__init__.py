"""The commands of ``countermark-agent``. Each loads what it needs when it is called: an idle agent carries no tables and colours."""

from __future__ import annotations

from agent.commands.application import app

__all__ = ["app"]
