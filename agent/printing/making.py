"""From the configuration to a printer at work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.despatching.notes import DespatchNote
from agent.identity.storage import Identity
from agent.printing.escpos_printer import EscposPrinter, require_library
from agent.printing.service import Around, Printing, RecordDrawer
from agent.settings import Settings
from agent.shifts.rules import Report
from agent.shop import Shop
from agent.till.receipts import Receipts

_CACHE = "printer-models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """Where what is printed is looked up: sales, ends of shifts, despatches."""

    receipts: Receipts
    closed_by: Callable[[str], Report | None]
    note_of: Callable[[str], DespatchNote | None]


def make_printing(
    settings: Settings,
    identity: Identity,
    shop: Shop,
    papers: Papers,
    *,
    record_drawer: RecordDrawer,
    on_change: Callable[[], None],
) -> Printing | None:
    """The printer of this counter, not started yet; None where none is configured.

    Raises :class:`~agent.settings.SettingsError` where its library is not installed.
    """
    if settings.printer is None:
        return None
    require_library()
    cache = settings.data_dir / _CACHE
    cache.mkdir(mode=0o700, exist_ok=True)
    around = Around(
        store=shop.store,
        drafts=shop.drafts,
        receipts=papers.receipts,
        catalogue=shop.catalogue,
        clock=shop.clock,
        record_drawer=record_drawer,
        site=identity.site,
        time_zone=identity.time_zone,
        language=settings.till.language,
        on_change=on_change,
        closed_by=papers.closed_by,
        note_of=papers.note_of,
    )
    return Printing(settings.printer, EscposPrinter(settings.printer, cache), around)
