"""``python -m central``: the same as ``countermark-central``."""

from central.commands import app

app(prog_name="countermark-central")
