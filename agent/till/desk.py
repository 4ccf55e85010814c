"""The basket on the counter: in memory, announced to every screen, and kept on the disk behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec

from agent.drafts import Drafts
from agent.store import Connection
from agent.till import rules
from agent.till.frames import Announce, BasketFrame, basket_frame
from agent.till.rules import Basket, Change, Line, NotAllowed, Piece

T = TypeVar("T")


class Desk:
    """One basket at a time of one ``kind`` (sale or return), and those set aside. Thread-safe."""

    def __init__(self, kind: str, *, drafts: Drafts, announce: Announce, currency: str) -> None:
        self.kind = kind
        self.currency = currency
        self._drafts = drafts
        self._announce = announce
        self._lock = threading.Lock()
        self._basket = drafts.get(kind, Basket) or empty()
        # Made ahead: its random id would cost a sale as much as a statement does.
        self._following: Basket | None = empty()

    @property
    def basket(self) -> Basket:
        """The basket as it stands."""
        with self._lock:
            return self._basket

    def frame(self) -> BasketFrame:
        """The basket as screens see it."""
        return basket_frame(self.kind, self.basket, self.currency, len(self.held()))

    def add(self, piece: Piece) -> Line | NotAllowed:
        """Put a piece in. Not announced and not kept yet: the verdict goes out first, then :meth:`publish`."""
        with self._lock:
            added = rules.add(self._basket, piece)
            if isinstance(added, NotAllowed):
                return added
            self._basket, line = added
            return line

    def publish(self) -> None:
        """Show the basket on every screen and keep it."""
        self._drafts.put(self.kind, self.basket)
        self._announce(self.frame())
        with self._lock:
            self._following = self._following or empty()

    def change(self, number: int, asked: Change) -> NotAllowed | None:
        """Change a line."""
        return self._apply(lambda basket: rules.change(basket, number, asked))

    def change_line(self, number: int, act: Callable[[Line], Line | NotAllowed]) -> NotAllowed | None:
        """Change a line by a rule of the caller's; nothing else changes it meanwhile."""
        return self._apply(lambda basket: rules.with_changed(basket, number, act))

    def remove(self, number: int) -> NotAllowed | None:
        """Take a line out."""
        return self._apply(lambda basket: rules.remove(basket, number))

    def set_member(self, member: str | None) -> None:
        """Note whose purchase it is."""
        self._apply(lambda basket: msgspec.structs.replace(basket, member=member))

    def clear(self) -> None:
        """Begin anew."""
        self._apply(lambda _: empty())

    def hold(self) -> NotAllowed | None:
        """Set the basket aside for later."""
        with self._lock:
            held = self._basket
            if not held.lines:
                return NotAllowed("empty", "the basket is empty: there is nothing to set aside")
            self._drafts.put(f"{self.kind}/{held.basket_id}", held)
            self._basket = empty()
        self.publish()
        return None

    def held(self) -> list[str]:
        """The ids of the baskets that were set aside."""
        return [name.partition("/")[2] for name in self._drafts.names(f"{self.kind}/")]

    def recall(self, basket_id: str) -> NotAllowed | None:
        """Take a basket back that was set aside; the one on the counter must be empty."""
        held = self._drafts.get(f"{self.kind}/{basket_id}", Basket)
        with self._lock:
            if held is None:
                return NotAllowed("no_basket", f"basket {basket_id} was not set aside here")
            if self._basket.lines:
                return NotAllowed(
                    "not_empty", "the basket on the counter is not empty: complete it or set it aside"
                )
            self._basket = held
            self._drafts.drop(f"{self.kind}/{basket_id}")
        self.publish()
        return None

    def take(self, submit: Callable[[Basket], T]) -> tuple[Basket, T] | NotAllowed:
        """Hand the basket over to be completed, and begin anew at once: the next customer's scans are not held up.

        ``submit`` is called with it under the lock, so that its write is queued before anything of the next basket.
        """
        with self._lock:
            taken = self._basket
            if not taken.lines:
                return NotAllowed("empty", "the basket is empty: scan something first")
            submitted = submit(taken)  # from here on the writer waits for this thread to pause
            self._basket = self._following or empty()
            self._following = None
        return taken, submitted

    def remove_saved(self, connection: Connection) -> None:
        """Within the transaction that completes it, the basket leaves the disk too."""
        self._drafts.remove(connection, self.kind)

    def begin_anew(self) -> None:
        """At the start, before any screen looks: the basket that was kept is not to be sold any more."""
        with self._lock:
            self._basket = empty()

    def give_back(self, basket: Basket) -> None:
        """The basket could not be completed: it is on the counter again, with what was scanned since behind it."""
        with self._lock:
            since = self._basket
            behind = tuple(
                msgspec.structs.replace(line, line=number)
                for number, line in enumerate(since.lines, basket.next_line)
            )
            self._basket = msgspec.structs.replace(
                basket, lines=basket.lines + behind, next_line=basket.next_line + len(behind)
            )
        self.publish()

    def _apply(self, act: Callable[[Basket], Basket | NotAllowed]) -> NotAllowed | None:
        with self._lock:
            after = act(self._basket)
            if isinstance(after, NotAllowed):
                return after
            self._basket = after
        self.publish()
        return None


def empty(at_ns: int | None = None) -> Basket:
    """A basket for the next customer, begun now or ``at_ns`` (UTC since 1970)."""
    return Basket(basket_id=_in_order_of_time(time.time_ns() if at_ns is None else at_ns))


def _in_order_of_time(at_ns: int) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7). Sales then stand one behind another in their table, where random ids cost each
    a page of its own, which a small machine may have to read from its card first."""
    at = f"{at_ns // 1_000_000 & 0xFFFF_FFFF_FFFF:012x}"
    chance = os.urandom(10).hex()
    variant = "89ab"[int(chance[3], 16) & 3]
    return f"{at[:8]}-{at[8:]}-7{chance[:3]}-{variant}{chance[4:7]}-{chance[8:20]}"
