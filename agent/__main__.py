"""``python -m agent``: the same as ``countermark-agent``."""

from agent.commands import app

app(prog_name="countermark-agent")
