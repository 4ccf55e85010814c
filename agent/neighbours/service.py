"""The neighbours as the rest of the agent sees them: asked all at once, within a time. One thread, one event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as NoAnswer
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.neighbours import tls
from agent.neighbours.answering import Answering, Look
from agent.neighbours.asking import Neighbour
from agent.neighbours.messages import ItemTold
from agent.neighbours.tls import NeighbourError
from protocol.items import State

_LISTEN_AGAIN_S = 10.0
_STOP_TIMEOUT_S = 5.0
_SOLD = (State.SOLD, State.SOLD_PROVISIONALLY)
_log = logging.getLogger("countermark.neighbours")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A neighbour by its agent's id; without a host it may ask here, and is not asked."""

    agent: str
    host: str | None = None
    port: int = 0


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """The files of this agent's identity."""

    ca: Path
    certificate: Path
    key: Path


class NeighbourStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One neighbour that is asked: whether it can be, and if not, why."""

    agent: str
    address: str
    is_open: bool
    trouble: str | None


class NeighboursStatus(msgspec.Struct, frozen=True, kw_only=True):
    """``listening`` is where this agent answers, ``trouble`` why it does not; ``refused`` whom it last turned away."""

    listening: str | None = None
    trouble: str | None = None
    refused: str | None = None
    agents: tuple[NeighbourStatus, ...] = ()


class Neighbours:
    """Asks and answers. Thread-safe; nothing runs before :meth:`start`."""

    def __init__(
        self,
        known: Sequence[Known],
        certificates: Certificates,
        clock: Clock,
        look: Look,
        listen: tuple[str, int] | None = None,
    ) -> None:
        self._client, self._server = tls.client_context(), tls.server_context()
        self._certificates = certificates
        self._listen = listen
        self._asked = tuple(
            Neighbour(one.agent, one.host, one.port, self._client, clock)
            for one in known
            if one.host is not None
        )
        self._answering = Answering(look, frozenset(one.agent for one in known), clock)
        self._listening: str | None = None
        self._trouble: str | None = None
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, name="neighbours", daemon=True)

    @property
    def is_any(self) -> bool:
        """Whether there is one that can be asked now."""
        return any(neighbour.is_open for neighbour in self._asked)

    def start(self) -> None:
        """Begin to answer, and to keep a connection to everyone."""
        self._thread.start()

    def stop(self) -> None:
        """End; harmless when nothing runs."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_STOP_TIMEOUT_S)
        elif not self._loop.is_closed():
            self._loop.close()

    def ask_item(self, item: str, timeout_ms: int) -> tuple[ItemTold, ...]:
        """What the neighbours that answer in time have done to the item; at once, when one has sold it. From any thread but the loop's."""
        if not self.is_any or not self._thread.is_alive():
            return ()
        asked = asyncio.run_coroutine_threadsafe(self._ask_all(item, timeout_ms / 1000), self._loop)
        try:
            return asked.result(
                2 * timeout_ms / 1000
            )  # the loop keeps the time; this is for a loop that has ended
        except (NoAnswer, CancelledError):
            return ()

    def use_certificates(self, certificates: Certificates) -> None:
        """A renewed certificate, from the next connection on."""
        self._certificates = certificates
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._load_certificates)

    def wait_until_listening(self, timeout_s: float) -> str | None:
        """The address that is answered on, once it is."""
        self._listens.wait(timeout_s)
        return self._listening

    def status(self) -> NeighboursStatus:
        """How it is now. From any thread."""
        return NeighboursStatus(
            listening=self._listening,
            trouble=self._trouble,
            refused=self._answering.refused,
            agents=tuple(
                NeighbourStatus(
                    agent=one.agent, address=one.address, is_open=one.is_open, trouble=one.trouble
                )
                for one in self._asked
            ),
        )

    # -- on the loop ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _work(self) -> None:
        while not self._load_certificates():
            await self._pause()
            if self._stopping.is_set():
                return
        tasks = [asyncio.ensure_future(neighbour.keep_connected()) for neighbour in self._asked]
        if self._listen is not None:
            tasks.append(asyncio.ensure_future(self._keep_listening(*self._listen)))
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _load_certificates(self) -> bool:
        files = self._certificates
        try:
            for context in (self._client, self._server):
                tls.use_certificates(context, ca=files.ca, certificate=files.certificate, key=files.key)
        except NeighbourError as error:
            self._trouble = str(error)
            return False
        self._trouble = None
        return True

    async def _keep_listening(self, host: str, port: int) -> None:
        """An address may not be there yet when the machine has just started."""
        while True:
            try:
                server = await self._answering.listen(host, port, self._server)
            except OSError as error:
                self._trouble = f"neighbours: cannot listen on {host}:{port} ({error.strerror or error})"
                _log.warning("%s", self._trouble)
                await asyncio.sleep(_LISTEN_AGAIN_S)
                continue
            self._trouble = None
            bound = server.sockets[0].getsockname()
            self._listening = f"{bound[0]}:{bound[1]}"
            self._listens.set()
            async with server:
                await server.serve_forever()

    async def _ask_all(self, item: str, timeout_s: float) -> tuple[ItemTold, ...]:
        waiting = {asyncio.ensure_future(one.ask(item, timeout_s)) for one in self._asked if one.is_open}
        told: list[ItemTold] = []
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            told += [answer for task in done if (answer := task.result()) is not None]
            if any(one.state in _SOLD for one in told):
                break  # nothing that the others say could outweigh it; they end by their own time
        return tuple(told)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_LISTEN_AGAIN_S):
                await self._stopping.wait()
        except TimeoutError:
            return


class NoNeighbours:
    """Where none are configured."""

    is_any = False

    def ask_item(self, item: str, timeout_ms: int) -> tuple[ItemTold, ...]:  # noqa: ARG002 - the shape of the question is given
        """Nobody says anything."""
        return ()
