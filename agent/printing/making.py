"""From the configuration to a printer at work."""

from __future__ import annotations

from agent.printing.escpos_printer import EscposPrinter, require_library
from agent.printing.service import Around, Printing
from agent.settings import Settings

_CACHE = "printer-models"


def make_printing(settings: Settings, around: Around) -> Printing | None:
    """The printer of this counter, not started yet; None where none is configured.

    Raises :class:`~agent.settings.SettingsError` where its library is not installed.
    """
    if settings.printer is None:
        return None
    require_library()
    cache = settings.data_dir / _CACHE
    cache.mkdir(mode=0o700, exist_ok=True)
    return Printing(settings.printer, EscposPrinter(settings.printer, cache), around)
