"""The HTTP server in its process: the socket, the signals, and what runs beside it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from fastapi import FastAPI

from agent.settings import SettingsError

_GRACE_S = 2  # for requests under way when the agent is told to stop


class _Server(uvicorn.Server):
    """A server that leaves the signals to :func:`serve`, and says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._on_ready()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises :class:`SettingsError` for a port that is taken or an address that is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle's algorithm off; else each answer waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"configuration: local.port = {port} on {host}: cannot be listened on ({error.strerror}); "
            "is another agent running? Give a free port, or 0"
        ) from None
    listening.setblocking(False)  # noqa: FBT003 - the standard library has no name for it
    return listening


def address_of(listening: socket.socket) -> str:
    """The address as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: FastAPI,
    listening: socket.socket,
    *,
    on_ready: Callable[[str], None],
    during: Callable[[], Awaitable[None]],
    stopping: asyncio.Event | None = None,
) -> None:
    """Serve ``app`` until SIGTERM or SIGINT (or ``stopping``), with ``during`` beside it."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,  # a screen on the same machine gains nothing from it, and each frame would wait
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config, lambda: on_ready(address_of(listening)))
    beside = asyncio.ensure_future(during())
    with _stopped_by_signals(server):
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        told = asyncio.ensure_future((stopping or asyncio.Event()).wait())
        await asyncio.wait((serving, beside, told), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        told.cancel()
        await serving
    if not beside.done():
        beside.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beside


@contextlib.contextmanager
def _stopped_by_signals(server: _Server) -> Iterator[None]:
    """Only a process's main thread may ask for signals; on another, ``stopping`` is the way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
