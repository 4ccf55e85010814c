"""Questions to central that must be answered at once or not at all.

A sale waits for an answer no longer than its budget; without one, what the counter knows itself stands.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NoAnswer

from protocol.messages import ItemAnswered, ItemAsked

OPEN_LIMIT = 32
"""Questions under way. A counter asks one at a time; more than this means that nobody answers."""
DEFAULT_TIMEOUT_MS = 300
SILENT_AFTER = 3
"""So many questions without an answer, one after the other, and central counts as silent for :data:`SILENCE_S`."""
SILENCE_S = 5.0


class Asks:
    """The questions under way. ``send`` hands one to the link's thread; False if it has no link."""

    def __init__(
        self, send: Callable[[ItemAsked], bool], now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._send = send
        self._now_s = now_s
        self._unanswered = 0
        self._silent_until_s = 0.0
        self._open: dict[str, Future[ItemAnswered]] = {}
        self._mutex = threading.Lock()

    def ask_item(self, item: str, timeout_ms: int = DEFAULT_TIMEOUT_MS) -> ItemAnswered | None:
        """What central knows of ``item``; None if it does not say so within ``timeout_ms``. From any thread but the link's.

        While central is silent behind a broker that is not, one customer in a while waits for it, and not each.
        """
        question = ItemAsked(question_id=secrets.token_hex(8), item=item)
        future: Future[ItemAnswered] = Future()
        with self._mutex:
            if len(self._open) >= OPEN_LIMIT or self._now_s() < self._silent_until_s:
                return None
            self._open[question.question_id] = future
        try:
            return future.result(timeout_ms / 1000) if self._send(question) else None
        except NoAnswer:
            self._note_silence()
            return None
        except CancelledError:
            return None
        finally:
            with self._mutex:
                self._open.pop(question.question_id, None)

    def answer(self, answered: ItemAnswered) -> None:
        """An answer has come; a late one finds nobody waiting."""
        with self._mutex:
            future = self._open.pop(answered.question_id, None)
            self._unanswered, self._silent_until_s = 0, 0.0
        if future is not None and future.set_running_or_notify_cancel():
            future.set_result(answered)

    def _note_silence(self) -> None:
        with self._mutex:
            self._unanswered += 1
            if self._unanswered >= SILENT_AFTER:
                self._silent_until_s = self._now_s() + SILENCE_S

    def give_up(self) -> None:
        """The link is gone: whoever waits need not wait any longer. The next one begins anew."""
        with self._mutex:
            self._unanswered, self._silent_until_s = 0, 0.0
            waiting, self._open = list(self._open.values()), {}
        for future in waiting:
            future.cancel()
