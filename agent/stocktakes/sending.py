"""Sends an area: StockCounted, in one transaction with its number, with what was sent, and with the draft that goes.

A long area becomes several events, each within the size of one message, under the names of its parts: ``Shelf``, ``Shelf #2`` …
All of them are in one transaction, so that none is sent without the others. An area that is sent again replaces every part of
what was sent before: parts that are not needed any more are sent empty.
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.shop import Shop
from agent.stocktakes import rules
from agent.stocktakes.rules import AreaDraft, Sent
from agent.stocktakes.sent import find_sent, note_sent
from agent.stocktakes.service import NO_AREA, Counting, Key, draft_name
from agent.store import Connection
from agent.store.series import take_number
from agent.till.frames import CompletedFrame
from protocol.events import CountedLine, StockCounted

ID_LIMIT = 100
Result = Future[Written | Refusal]


class SendAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST …/areas/{area}/send``. ``complete``: what was not counted is not there. ``count_id`` is the draft's, or one of the asker's own."""

    complete: bool = False
    count_id: str | None = None
    clerk: str | None = None


class Sending:
    """Writes counted areas. Thread-safe."""

    def __init__(self, shop: Shop, counting: Counting) -> None:
        self._shop = shop
        self._counting = counting

    def send(self, key: Key, asked: SendAsked) -> Result | Refusal:
        """Write an area into the journal. An empty one only as complete: nothing was there."""
        if asked.count_id is not None and not 1 <= len(asked.count_id) <= ID_LIMIT:
            return Refusal(reason=f"count_id: expected 1 to {ID_LIMIT} characters", key="invalid")
        if asked.count_id is not None and self._is_written(asked.count_id):
            return self._again(asked.count_id, asked)
        draft = self._counting.draft(key)
        if draft is None:
            return Refusal(reason=NO_AREA.reason, conflict=True, key=NO_AREA.key)
        if draft.tally.is_empty and not asked.complete:
            return Refusal(
                reason=f"area {draft.area}: nothing was counted; say complete if nothing is there",
                conflict=True,
                key="empty",
            )
        self._counting.taken(key)
        written = self._shop.store.write(partial(self._write, draft, asked, asked.count_id or draft.count_id))
        written.add_done_callback(partial(self._settle, draft))
        return written

    # -- inside the writer's transaction ----------------------------------------------------------------------------------

    def _write(
        self, draft: AreaDraft, asked: SendAsked, count_id: str, connection: Connection
    ) -> Written | Refusal:
        now_us = self._shop.clock.wall_us()
        lines = rules.counted_lines(draft.tally, now_us)
        parts = list(rules.divided(lines))
        before = find_sent(connection, draft.stocktake_id, draft.area, draft.round)
        parts += [()] * ((before.parts if before else 0) - len(parts))
        for number in range(2, len(parts) + 1):
            if self._shop.documents.find(connection, _part_id(count_id, number)) is not None:
                return Refusal(
                    reason=f"count_id {count_id}: the id of its part {number} was used before; expected a new one",
                    conflict=True,
                    key="conflict",
                )
        written: list[Written] = []
        for number, part in enumerate(parts, 1):
            one = self._write_part(draft, asked, count_id, (number, len(parts), part), connection)
            if isinstance(one, Refusal) or one.repeated:
                return one
            written.append(one)
        sent = Sent(
            area=draft.area,
            round=draft.round,
            number=written[0].number,
            count_id=count_id,
            parts=len(rules.divided(lines)),
            complete=asked.complete,
            at_us=written[0].event_time_us,
            lines=lines,
        )
        note_sent(connection, draft.stocktake_id, sent)
        self._shop.drafts.remove(connection, draft_name((draft.stocktake_id, draft.area)))
        return written[0]

    def _write_part(
        self,
        draft: AreaDraft,
        asked: SendAsked,
        count_id: str,
        part: tuple[int, int, tuple[CountedLine, ...]],
        connection: Connection,
    ) -> Written | Refusal:
        number, of, lines = part
        series = f"count/{self._shop.lane}"
        body = StockCounted(
            count_id=_part_id(count_id, number),
            stocktake_id=draft.stocktake_id,
            area=rules.part_name(draft.area, number),
            lines=lines,
            round=draft.round,
            complete=asked.complete,
            clerk=asked.clerk,
            name=draft.name if draft.is_begun_here else None,
        )

        def make(inside: Connection) -> Made:
            told = f"{self._shop.lane}-C{take_number(inside, series):05d}"
            tells = {
                "number": told,
                "stocktake_id": draft.stocktake_id,
                "area": draft.area,
                "round": draft.round,
                "complete": asked.complete,
                "products": len(rules.quantities(lines)),
                "part": number,
                "parts": of,
            }
            return Made(number=told, body=body, tells=tells)

        return self._shop.documents.write(
            connection,
            kind="count",
            document_id=body.count_id,
            request=_request(asked),
            make=make,
        )

    # -- around it ----------------------------------------------------------------------------------------------------------

    def _again(self, count_id: str, asked: SendAsked) -> Result:
        gone = Refusal(reason=f"count {count_id}: is gone; begin another", conflict=True)
        return self._shop.store.write(
            lambda connection: self._shop.documents.write(
                connection,
                kind="count",
                document_id=count_id,
                request=_request(asked),
                make=lambda _: gone,
            )
        )

    def _is_written(self, count_id: str) -> bool:
        documents = self._shop.documents
        return self._shop.store.read(lambda connection: documents.find(connection, count_id)) is not None

    def _settle(self, draft: AreaDraft, written: Result) -> None:
        done = None if written.exception() is not None else written.result()
        if isinstance(done, Written) and not done.repeated:
            self._shop.announce(
                CompletedFrame(kind="count", number=done.number, document=msgspec.Raw(done.answer))
            )
        self._counting.settled(draft, is_written=isinstance(done, Written))


def _part_id(count_id: str, number: int) -> str:
    return count_id if number == 1 else f"{count_id}#{number}"


def _request(asked: SendAsked) -> bytes:
    """What is asked when an area is sent: the same again, whatever has been scanned since."""
    return msgspec.json.encode(asked.complete)
