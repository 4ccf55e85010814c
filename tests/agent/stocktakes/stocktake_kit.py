"""Counting as tests do it: a counter in stocktake mode, with one area of a stocktake begun."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agent.documents import Written
from agent.stocktakes.rules import AreaDraft
from agent.stocktakes.sending import SendAsked
from agent.till.frames import ScanFrame
from protocol.events import StockCounted
from protocol.feeds import StocktakeHere
from tests.agent.shop_kit import Counter, done

D = Decimal
TEA_CODE = "4006381333931"
CASE = "106141412345678915"
PALLET = "106141412345678908"
SPRING = StocktakeHere(stocktake_id="s-1", name="Spring count", blind=True)
KEY = ("s-1", "Shelf")


def begin(
    counter: Counter, area: str = "Shelf", again: str | None = None, stocktake_id: str = "s-1"
) -> AreaDraft:
    opened = counter.parts.counting.open((stocktake_id, area), again=again)
    assert isinstance(opened, AreaDraft), opened
    return opened


def send(
    counter: Counter, area: str = "Shelf", *, complete: bool = True, count_id: str | None = None
) -> Written:
    asked = SendAsked(complete=complete, count_id=count_id)
    return done(counter.parts.sending.send(("s-1", area), asked))


def counts(counter: Counter) -> list[StockCounted]:
    return [body for body in counter.bodies() if isinstance(body, StockCounted)]


def shown(counter: Counter) -> dict[str, Decimal]:
    return {line.gtin: line.quantity for line in counter.parts.counting.frame().lines}


def told(frame: ScanFrame) -> tuple[Any, ...]:
    return frame.outcome, frame.key
