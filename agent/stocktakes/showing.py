"""An area as screens see it: its products, the latest first, beside what other areas have and what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from agent.shop import Shop
from agent.stocktakes.books import Books
from agent.stocktakes.rules import AreaDraft, Stocktake
from agent.stocktakes.seen import CountedCase, CountedProduct
from agent.tallying.products import Products
from agent.tallying.rules import merged, pieces
from agent.till.frames import StocktakeFrame

Beside = Sequence[Mapping[str, Decimal]]
"""What each of the other areas has, by product."""


class Showing:
    """Makes frames. Thread-safe."""

    def __init__(self, shop: Shop) -> None:
        self.books = Books(shop)
        self.products = Products(shop)

    def chosen(
        self, stocktake_id: str, stocktake: Stocktake | None, draft: AreaDraft | None
    ) -> StocktakeFrame:
        """A stocktake with no area of it, or before its products; ``stocktake`` None: central has ended it."""
        return StocktakeFrame(
            stocktake_id=stocktake_id,
            name=stocktake.name if stocktake else (draft.name if draft else ""),
            blind=stocktake is None or stocktake.blind,
            round=draft.round if draft else (stocktake.round if stocktake else 1),
            is_open=stocktake is not None,
        )

    def area(
        self, draft: AreaDraft, stocktake: Stocktake | None, beside: Beside, limit: int | None
    ) -> StocktakeFrame:
        """An area with so many of its products at most."""
        counted = merged(draft.tally)
        latest = sorted(counted, key=lambda line: (-line.at_us, line.gtin))
        of = stocktake if stocktake is not None and stocktake.round == draft.round else None
        unit_of = self.products.unit
        return msgspec.structs.replace(
            self.chosen(draft.stocktake_id, stocktake, draft),
            area=draft.area,
            count_id=draft.count_id,
            lines=tuple(
                CountedProduct(
                    gtin=line.gtin,
                    name=self.products.name(line.gtin),
                    unit=unit_of(line.gtin),
                    quantity=line.quantity,
                    items=len(line.items),
                    elsewhere=sum((other.get(line.gtin, Decimal(0)) for other in beside), Decimal(0)),
                    expected=None if of is None else self.books.expected(of, line.gtin),
                )
                for line in latest[:limit]
            ),
            cases=tuple(
                CountedCase(sscc=case.sscc, pieces=pieces(case.lines, unit_of), products=len(case.lines))
                for case in reversed(draft.tally.cases)
            ),
            products=len(counted),
            pieces=pieces(counted, unit_of),
            can_undo=bool(draft.tally.steps),
            is_late=stocktake is not None and of is None,
        )
