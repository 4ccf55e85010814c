"""A counter with a printer on a real port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.printing.escpos_printer import EscposPrinter
from agent.printing.service import Around, Printing
from agent.printing.settings import PrinterSettings
from devices.connection import Backoff
from tests.agent.printing.tcp_printer import TcpPrinter
from tests.agent.shop_kit import SITE, Counter

Open = Callable[..., Printing]


@pytest.fixture
def printer() -> Iterator[TcpPrinter]:
    found = TcpPrinter()
    yield found
    found.switch_off()


@pytest.fixture
def open_printing(counter: Counter, printer: TcpPrinter, tmp_path: Path) -> Iterator[Open]:
    """Printing of this counter, started; further settings by name."""
    running: list[Printing] = []

    def opened(**settings: Any) -> Printing:
        given = {
            "kind": "network",
            "host": "127.0.0.1",
            "port": printer.port,
            "columns": 32,
            "timeout_ms": 500,
            **settings,
        }
        found = PrinterSettings.model_validate(given)
        around = Around(
            store=counter.store, drafts=counter.shop.drafts, receipts=counter.parts.receipts,
            catalogue=counter.shop.catalogue, clock=counter.clock, record_drawer=counter.journal.append, site=SITE,
            time_zone="Europe/Berlin", language="en", note_of=counter.parts.notes.find,
        )  # fmt: skip
        printing = Printing(found, EscposPrinter(found, tmp_path), around, Backoff(0.02, 0.05))
        running.append(printing)
        counter.printing = printing
        printing.start()
        return printing

    yield opened
    for printing in running:
        printing.stop()
