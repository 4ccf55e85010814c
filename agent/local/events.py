"""The WebSocket of scans, verdicts and everything else that moves: ``GET /v1/events``.

Frames come from any thread (a scanner's, the writer's) and are encoded there, once for all screens. A screen that does not read
is cut off: it connects again and gets the whole picture anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterable

import msgspec
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from agent.till.frames import ScanFrame

# Python runs one thread at a time: whoever announces a verdict stands back for a moment, so that it leaves the machine before
# the slower work that follows it begins. Measured: 0.3 ms sooner on the screen.
_GIVE_WAY_S = 0.0004
QUEUE_LIMIT = 256
"""Frames that may wait for one screen."""
_TRY_AGAIN_LATER = 1013  # RFC 6455, registry of close codes
_encoder = msgspec.json.Encoder()


class Hub:
    """Gives each frame to every screen."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._screens: set[asyncio.Queue[str | None]] = set()

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Frames go out on this event loop, which runs on the calling thread, from now on."""
        self._loop = loop
        self._loop_thread = threading.get_ident()

    @property
    def screens(self) -> int:
        """How many are connected."""
        return len(self._screens)

    def announce(self, frame: object) -> None:
        """Give a frame to every screen; from any thread, returns at once."""
        loop = self._loop
        if loop is None or not self._screens:
            return
        text = _encoder.encode(frame).decode()
        with contextlib.suppress(RuntimeError):  # the loop has ended: there is nobody left to tell
            loop.call_soon_threadsafe(self._fan_out, text)
            if isinstance(frame, ScanFrame) and threading.get_ident() != self._loop_thread:
                time.sleep(_GIVE_WAY_S)

    def join(self) -> asyncio.Queue[str | None]:
        """A new screen's frames."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE_LIMIT)
        self._screens.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[str | None]) -> None:
        """A screen is gone."""
        self._screens.discard(queue)

    def _fan_out(self, text: str) -> None:
        for queue in list(self._screens):
            try:
                queue.put_nowait(text)
            except asyncio.QueueFull:
                self._screens.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)


def events_router(hub: Hub, snapshot: Callable[[], Iterable[object]]) -> APIRouter:
    """The route; ``snapshot`` gives the frames that a new screen begins with."""
    router = APIRouter()

    @router.websocket("/v1/events")
    async def events(socket: WebSocket) -> None:
        await socket.accept()
        queue = hub.join()  # before the snapshot is taken, so that nothing between the two is missed
        sending = asyncio.create_task(_send_all(socket, queue, snapshot()))
        try:
            await _until_closed(socket)
        finally:
            hub.leave(queue)
            sending.cancel()

    return router


async def _send_all(socket: WebSocket, queue: asyncio.Queue[str | None], first: Iterable[object]) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        for frame in first:
            await socket.send_text(_encoder.encode(frame).decode())
        while (text := await queue.get()) is not None:
            await socket.send_text(text)
        await socket.close(_TRY_AGAIN_LATER, "too slow")


async def _until_closed(socket: WebSocket) -> None:
    """What a screen sends is read and dropped: it speaks over HTTP. This notices when it is gone."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
