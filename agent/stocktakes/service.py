"""Stocktake mode: scans are counted into areas, each a draft that survives a power cut; sending an area writes StockCounted.

Several areas may be open at once, each counted by whoever names it. One of them is chosen at the counter: what the counter's own
scanners see goes there.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from decimal import Decimal

import msgspec

from agent.documents import Refusal
from agent.packing.cases import Cases
from agent.packing.standing import Standing
from agent.shop import Shop
from agent.stocktakes import rules
from agent.stocktakes.known import Stocktakes
from agent.stocktakes.rules import AreaDraft, Sent, Stocktake
from agent.stocktakes.sent import all_sent, find_sent
from agent.stocktakes.showing import Showing
from agent.tallying.rules import NotTallied, Tally, joined, merged
from agent.till.frames import StocktakeFrame

SHOWN = 200
"""Products of an area that its frame tells of: those counted last."""
OPEN_LIMIT = 50
"""Areas that are counted and not sent."""
_SELECTED = "stocktakes/selected"
_AREA = "count/"
Key = tuple[str, str]
"""A stocktake's id and an area of it."""


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """What the counter counts."""

    stocktake_id: str | None = None
    area: str | None = None


class Counting:
    """Every area that is being counted here. Thread-safe."""

    def __init__(self, shop: Shop, cases: Cases, standing: Standing) -> None:
        self.stocktakes = Stocktakes(shop)
        self.showing = Showing(shop)
        self.cases = cases
        self.standing = standing
        self._shop = shop
        self._store = shop.store
        self._drafts = shop.drafts
        self._lock = threading.Lock()
        self._selected = shop.drafts.get(_SELECTED, Selected) or Selected()
        self._open = self._kept()
        self._sent: dict[str, tuple[Sent, ...]] = {}
        self._added_up: dict[str, dict[str, Decimal]] = {}

    # -- what is there ----------------------------------------------------------------------------------------------------

    @property
    def selected(self) -> Selected:
        """What the counter counts."""
        with self._lock:
            return self._selected

    @property
    def key(self) -> Key | None:
        """The area that the counter's scanners count."""
        selected = self.selected
        if selected.stocktake_id is None or selected.area is None:
            return None
        return selected.stocktake_id, selected.area

    def draft(self, key: Key) -> AreaDraft | None:
        """An area that is being counted."""
        with self._lock:
            return self._open.get(key)

    def drafts_of(self, stocktake_id: str) -> list[AreaDraft]:
        """The areas of a stocktake that are being counted."""
        with self._lock:
            return [draft for key, draft in self._open.items() if key[0] == stocktake_id]

    def sent_of(self, stocktake_id: str) -> tuple[Sent, ...]:
        """What this machine has sent of a stocktake."""
        with self._lock:
            known = self._sent.get(stocktake_id)
        if known is None:
            known = self._store.read(lambda connection: all_sent(connection, stocktake_id))
            with self._lock:
                self._sent[stocktake_id] = known
        return known

    def frame(self) -> StocktakeFrame:
        """What is being counted at the counter, as screens see it."""
        selected = self.selected
        if selected.stocktake_id is None or self._is_over(selected):
            return StocktakeFrame()
        return self.frame_of(selected.stocktake_id, selected.area, SHOWN)

    def frame_of(self, stocktake_id: str, area: str | None, limit: int | None = None) -> StocktakeFrame:
        """The same of any area, with so many of its products at most."""
        stocktake = self.stocktakes.find(stocktake_id)
        draft = None if area is None else self.draft((stocktake_id, area))
        if draft is None:
            return self.showing.chosen(stocktake_id, stocktake, None)
        return self.showing.area(draft, stocktake, self._beside(draft), limit)

    # -- choosing -----------------------------------------------------------------------------------------------------------

    def select(self, stocktake_id: str | None) -> Refusal | None:
        """Show a stocktake at the counter, and no area of it yet."""
        is_known = stocktake_id is None or self.stocktakes.find(stocktake_id) is not None
        if stocktake_id is not None and not is_known and not self.drafts_of(stocktake_id):
            return no_stocktake(stocktake_id)
        self._take(Selected(stocktake_id=stocktake_id))
        return None

    def open(self, key: Key, *, again: str | None = None, chosen: bool = True) -> AreaDraft | Refusal:
        """Count an area, from where it was left if it is being counted already.

        One that was sent is counted ``again``: ``continue`` begins with what was sent, ``anew`` with nothing. ``chosen``: the counter's own
        scanners count it from now on.
        """
        stocktake_id, area = key
        if (fault := rules.area_fault(area)) is not None:
            return Refusal(reason=fault.reason, key=fault.key)
        draft = self.draft(key)
        if draft is None or draft.tally.is_empty:
            stocktake = self.stocktakes.find(stocktake_id)
            if stocktake is None:
                return no_stocktake(stocktake_id)
            begun = self._begun(stocktake, area, again)
            if isinstance(begun, Refusal):
                return begun
            with self._lock:
                draft = self._open.setdefault(key, begun)
                if draft.tally.is_empty:
                    draft = self._open[key] = begun
            self.keep(key)
        if chosen:
            self._take(Selected(stocktake_id=stocktake_id, area=area))
        return draft

    # -- changing -----------------------------------------------------------------------------------------------------------

    def change(self, key: Key, change: Callable[[Tally], Tally | NotTallied]) -> NotTallied | None:
        """Change an area by a rule. Kept and shown by :meth:`publish`."""
        with self._lock:
            draft = self._open.get(key)
            if draft is None:
                return NO_AREA
            after = change(draft.tally)
            if isinstance(after, NotTallied):
                return after
            self._open[key] = msgspec.structs.replace(draft, tally=after)
        return None

    def publish(self, key: Key) -> None:
        """Keep an area, and show it where it is the counter's."""
        self.keep(key)
        if key == self.key:
            self._shop.announce(self.frame())

    def clear(self, key: Key) -> Refusal | None:
        """Forget what was counted of an area and not sent."""
        with self._lock:
            found = self._open.pop(key, None)
            if key == (self._selected.stocktake_id, self._selected.area):
                self._selected = Selected(stocktake_id=key[0])
                self._drafts.put(_SELECTED, self._selected)
        if found is None:
            return Refusal(reason=NO_AREA.reason, conflict=True, key=NO_AREA.key)
        self.keep(key)
        self._shop.announce(self.frame())
        return None

    def taken(self, key: Key) -> None:
        """An area is on its way into the journal: what is scanned from now on is counted into another."""
        with self._lock:
            self._open.pop(key, None)
            if key == (self._selected.stocktake_id, self._selected.area):
                self._selected = Selected(stocktake_id=key[0])

    def settled(self, draft: AreaDraft, *, is_written: bool) -> None:
        """It is in the journal; or it could not be written, and is counted on with what was scanned since."""
        key = draft.stocktake_id, draft.area
        with self._lock:
            if is_written:
                self._sent.pop(draft.stocktake_id, None)
                self._added_up.clear()
            else:
                since = self._open.get(key)
                both = draft.tally if since is None else joined(draft.tally, since.tally)
                self._open[key] = msgspec.structs.replace(draft, tally=both)
                if self._selected == Selected(stocktake_id=draft.stocktake_id):
                    self._selected = Selected(stocktake_id=draft.stocktake_id, area=draft.area)
            selected = self._selected
        self._drafts.put(_SELECTED, selected)
        self.keep(key)
        self._shop.announce(self.frame())

    def keep(self, key: Key) -> None:
        """Keep an area as it stands; one that is not open leaves the disk."""
        draft = self.draft(key)
        if draft is None:
            self._drafts.drop(draft_name(key))
        else:
            self._drafts.put(draft_name(key), draft)

    # -- inside -------------------------------------------------------------------------------------------------------------

    def _is_over(self, selected: Selected) -> bool:
        """Whether central has ended what is chosen, and nothing of it waits to be sent."""
        stocktake_id = selected.stocktake_id or ""
        return self.stocktakes.find(stocktake_id) is None and not self.drafts_of(stocktake_id)

    def _take(self, selected: Selected) -> None:
        with self._lock:
            self._selected = selected
        self._drafts.put(_SELECTED, selected)
        self._shop.announce(self.frame())

    def _kept(self) -> dict[Key, AreaDraft]:
        documents = self._shop.documents
        found = [self._drafts.get(name, AreaDraft) for name in self._drafts.names(_AREA)]
        kept = {(draft.stocktake_id, draft.area): draft for draft in found if draft is not None}
        return self._store.read(
            lambda connection: {
                key: draft
                for key, draft in kept.items()
                if documents.find(connection, draft.count_id) is None
            }
        )

    def _begun(self, stocktake: Stocktake, area: str, again: str | None) -> AreaDraft | Refusal:
        sent = self._store.read(
            lambda connection: find_sent(connection, stocktake.stocktake_id, area, stocktake.round)
        )
        if again is None and (sent is not None or area in stocktake.areas):
            return _counted_before(area, sent)
        if again == "continue" and sent is None:
            return Refusal(
                reason=f"area {area}: nothing was sent of it from here; count it anew, or not at all",
                conflict=True,
                key="not_sent_here",
            )
        with self._lock:
            if len(self._open) >= OPEN_LIMIT:
                return Refusal(
                    reason=f"{OPEN_LIMIT} areas are being counted: send one first", conflict=True, key="full"
                )
        return AreaDraft(
            stocktake_id=stocktake.stocktake_id,
            area=area,
            round=stocktake.round,
            count_id=str(uuid.uuid4()),
            name=stocktake.name,
            is_begun_here=stocktake.is_begun_here,
            tally=rules.continued(sent) if again == "continue" and sent is not None else Tally(),
        )

    def _beside(self, draft: AreaDraft) -> list[dict[str, Decimal]]:
        """What was counted in the other areas of the same round, sent or not; the counts that are open replace those that were sent."""
        others = [one for one in self.drafts_of(draft.stocktake_id) if one.area != draft.area]
        being_counted = {one.area for one in others} | {draft.area}
        found = [
            {line.gtin: line.quantity for line in merged(one.tally)}
            for one in others
            if one.round == draft.round
        ]
        found += [
            self._quantities(sent)
            for sent in self.sent_of(draft.stocktake_id)
            if sent.round == draft.round and sent.area not in being_counted
        ]
        return found

    def _quantities(self, sent: Sent) -> dict[str, Decimal]:
        """What was sent never changes: it is added up once."""
        found = self._added_up.get(sent.count_id)
        if found is None:
            found = self._added_up[sent.count_id] = rules.quantities(sent.lines)
        return found


NO_AREA = NotTallied("no_area", "no area is being counted: choose a stocktake and an area of it first")


def no_stocktake(stocktake_id: str) -> Refusal:
    """A stocktake that cannot be counted."""
    return Refusal(
        reason=f"stocktake {stocktake_id[:64]}: is not being counted here; expected one of GET /v1/stocktakes",
        key="no_stocktake",
    )


def draft_name(key: Key) -> str:
    """Under which name an area is kept."""
    return f"{_AREA}{key[0]}/{key[1]}"


def _counted_before(area: str, sent: Sent | None) -> Refusal:
    if sent is None:
        return Refusal(
            reason=f"area {area}: was counted at another till, and counting it here replaces that: say again=anew, or choose another name",
            conflict=True,
            key="area_counted_elsewhere",
        )
    return Refusal(
        reason=f"area {area}: was sent as {sent.number}: say again=continue to go on with it, or again=anew to replace it",
        conflict=True,
        key="area_counted",
    )
