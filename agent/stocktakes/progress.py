"""How far a stocktake is, as far as this machine knows: its areas, what was counted, and what is still to be counted."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from agent.stocktakes import rules
from agent.stocktakes.rules import AreaDraft, Sent, Stocktake
from agent.stocktakes.seen import AreaSeen, MissingProduct, StocktakeSeen
from agent.stocktakes.service import Counting
from agent.tallying.rules import merged, pieces

MISSING_LIMIT = 1_000
"""Products of one answer: nobody reads more."""


def seen(counting: Counting, stocktake: Stocktake) -> StocktakeSeen:
    """A stocktake with its areas."""
    stocktake = counting.showing.books.with_all(stocktake)
    drafts, sent = _of_round(counting, stocktake)
    counted = _counted(drafts, sent)
    return StocktakeSeen(
        stocktake_id=stocktake.stocktake_id,
        name=stocktake.name,
        blind=stocktake.blind,
        round=stocktake.round,
        started_at_us=stocktake.started_at_us,
        is_begun_here=stocktake.is_begun_here,
        areas=_areas(counting, stocktake, counting.drafts_of(stocktake.stocktake_id), sent),
        wanted=len(stocktake.wanted),
        counted=len(counted),
        missing=len(rules.still_missing(stocktake, counted)),
    )


def missing(counting: Counting, stocktake: Stocktake) -> tuple[MissingProduct, ...]:
    """What is still to be counted; in a recount, with the areas in which this machine found it before."""
    stocktake = counting.showing.books.with_all(stocktake)
    found = rules.still_missing(stocktake, _counted(*_of_round(counting, stocktake)))[:MISSING_LIMIT]
    before: dict[str, dict[str, None]] = {}
    if stocktake.round > 1:
        for sent in counting.sent_of(stocktake.stocktake_id):
            for line in sent.lines:
                before.setdefault(line.gtin, {})[sent.area] = None
    return tuple(
        MissingProduct(
            gtin=gtin,
            name=counting.showing.products.name(gtin),
            quantity=quantity,
            areas=tuple(before.get(gtin, ())),
        )
        for gtin, quantity in found
    )


def _of_round(counting: Counting, stocktake: Stocktake) -> tuple[list[AreaDraft], list[Sent]]:
    drafts = [
        draft
        for draft in counting.drafts_of(stocktake.stocktake_id)
        if draft.round == stocktake.round and not draft.tally.is_empty
    ]
    sent = [one for one in counting.sent_of(stocktake.stocktake_id) if one.round == stocktake.round]
    return drafts, sent


def _counted(drafts: Iterable[AreaDraft], sent: Iterable[Sent]) -> dict[str, Decimal]:
    """By product; an area that is being counted again counts as it is being counted."""
    drafts = list(drafts)
    being_counted = {draft.area for draft in drafts}
    total: dict[str, Decimal] = {}
    parts = [{line.gtin: line.quantity for line in merged(draft.tally)} for draft in drafts]
    parts += [rules.quantities(one.lines) for one in sent if one.area not in being_counted]
    for part in parts:
        for gtin, quantity in part.items():
            total[gtin] = total.get(gtin, Decimal(0)) + quantity
    return total


def _areas(
    counting: Counting, stocktake: Stocktake, drafts: Iterable[AreaDraft], sent: Iterable[Sent]
) -> tuple[AreaSeen, ...]:
    found: dict[str, AreaSeen] = {}
    for area, at_us in stocktake.areas.items():
        name = rules.area_of(area)
        if name not in found or found[name].at_us < at_us:
            found[name] = AreaSeen(area=name, at_us=at_us, round=stocktake.round)
    for one in sent:
        found[one.area] = AreaSeen(
            area=one.area,
            at_us=one.at_us,
            products=len(one.lines),
            pieces=pieces(one.lines, counting.showing.products.unit),
            number=one.number,
            complete=one.complete,
            round=one.round,
        )
    for draft in drafts:
        lines = merged(draft.tally)
        before = found.get(draft.area)
        found[draft.area] = AreaSeen(
            area=draft.area,
            at_us=max((line.at_us for line in lines), default=0),
            products=len(lines),
            pieces=pieces(lines, counting.showing.products.unit),
            number=before.number if before else None,
            is_open=True,
            round=draft.round,
        )
    return tuple(sorted(found.values(), key=lambda area: (not area.is_open, area.area)))
