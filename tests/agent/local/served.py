"""The local interface on a real port, beside the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from agent.local.app import create_app
from agent.local.server import listen, serve
from agent.local.status import StatusFrame
from tests.agent.shop_kit import Counter


class Served:
    """Where it listens, and a client."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self.http = client
        self.get, self.post, self.put, self.patch, self.delete = (
            client.get, client.post, client.put, client.patch, client.delete,
        )  # fmt: skip

    @contextmanager
    def screen(self, **options: Any) -> Iterator[Screen]:
        """A WebSocket that has had its first frames."""
        with connect(self.url.replace("http", "ws") + "/v1/events", **options) as socket:
            screen = Screen(socket)
            while screen.next()["type"] != "order_draft":
                pass
            yield screen


class Screen:
    """Frames as they come."""

    def __init__(self, socket: Connection) -> None:
        self._socket = socket

    def next(self) -> Any:
        """The next frame."""
        return json.loads(self._socket.recv(timeout=20))


def status_of(counter: Counter) -> StatusFrame:
    """A status with what this test has."""
    unsent = counter.journal.unsent()
    return StatusFrame(
        agent="agent-1", site="site-1", lane="1", currency="EUR", software="test", mode=counter.parts.counter.mode.value,
        online=False, phase="offline", epoch="", accepted=counter.journal.accepted_count(), unsent=unsent.count, oldest_unsent_s=None,
        last_ack_us=None, last_error=None, broker="", mqtt_version=None, clock_synced=True, feeds={}, scanners=[], notices=[],
        unsettled=0, neighbours=None, printer=None if counter.printing is None else counter.printing.status(),
        disk_trouble=None, free_bytes=0, certificate_not_after_s=0, language="en", screens=counter.hub.screens, now_us=0,
    )  # fmt: skip


@contextmanager
def served(counter: Counter, token: str | None = None) -> Iterator[Served]:
    """Serve this counter on a free port of this machine."""
    app = create_app(
        counter.parts,
        status=lambda: status_of(counter),
        dismiss_notice=lambda _: counter.store.write(lambda _: None),
        token=token,
        software="test",
        printing=counter.printing,
    )
    ready = threading.Event()
    found: list[Any] = []

    async def during() -> None:
        counter.hub.bind(asyncio.get_running_loop())
        await asyncio.Event().wait()

    async def run() -> None:
        stopping = asyncio.Event()
        found.extend((asyncio.get_running_loop(), stopping))

        def tell(url: str) -> None:
            found.append(url)
            ready.set()

        with listen("127.0.0.1", 0) as listening:
            await serve(app, listening, on_ready=tell, during=during, stopping=stopping)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(20)
    loop, stopping, url = found
    try:
        with httpx.Client(base_url=url, timeout=20) as client:
            yield Served(url, client)
    finally:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
