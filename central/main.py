"""The one place where central is put together: the database, the intake, the link, the HTTP interface, in one process.

A database or a broker that is away is no reason not to start: ``/readyz`` says what is missing, and each is taken up when it is
there. The link waits for a database with the right schema, so that nothing arrives that could not be kept.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import structlog
import uvicorn

from central.api.app import create_app
from central.api.context import BrokerAddress, Central, LinkState
from central.authority.certificates import Authority
from central.authority.files import certificate_path, key_path
from central.authority.installation import ensure_central
from central.authority.names import central_name
from central.database import Database, DatabaseFault
from central.errors import CentralError
from central.feeds.hints import Hints
from central.filters.rounds import Rounds
from central.housekeeping import Housekeeping
from central.intake.worker import Intake, Limits
from central.link import Link, LinkSettings
from central.migrations import check_schema
from central.resolver.service import AT_ONCE, Resolver
from central.settings import Settings
from protocol.messages import DownMessage

GRACE_S = 10
RETRY_S = 1.0

log = structlog.get_logger(__name__)


class StartError(CentralError):
    """Central cannot start on this machine as it is configured."""


class Process:
    """Everything of central that runs beside the HTTP interface, and what the interface needs of it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database_url, pool_size=settings.database.pool_size)
        self._authority = self._ensure_authority(_now())
        self._ended = threading.Event()
        limits = Limits(
            workers=settings.intake.workers,
            queue_messages=settings.intake.queue_messages,
            group_batches=settings.intake.group_batches,
        )
        self.intake = Intake(self.database, self._publish, limits=limits, watch=settings.watch)
        self.link = Link(_link_settings(settings), self.intake.offer)
        self.hints = Hints(self.database, self.link.publish)
        self.resolver = Resolver(settings.resolver, at_once=min(AT_ONCE, settings.database.pool_size // 2))
        self.housekeeping = Housekeeping(
            self.database,
            self._ensure_authority,
            _now,
            self.resolver.checks,
            settings.kept,
            settings.case_limits,
            settings.closing,
        )
        self.filters = Rounds(
            self.database,
            settings.authority.directory,
            _now,
            interval=timedelta(seconds=settings.filters.interval_s),
            limit_items=settings.filters.limit_items,
        )
        self._starter = threading.Thread(target=self._start_when_ready, name="starter", daemon=True)
        self._linked = False

    def context(self, public_url: str) -> Central:
        """What the HTTP interface needs."""
        broker = self.settings.broker
        return Central(
            database=self.database,
            authority=lambda: self._authority,
            broker=BrokerAddress(broker.public_host or broker.host, broker.public_port or broker.port),
            authority_directory=self.settings.authority.directory,
            token_life=timedelta(hours=self.settings.enrolment.token_hours),
            public_url=public_url,
            body_limit_bytes=self.settings.http.body_limit_bytes,
            now=_now,
            link=self._link_state,
            resolver=self.resolver,
            codes=self.settings.codes,
            case_limits=self.settings.case_limits,
            tallies=lambda: (self.intake.tallies.counts(), self.intake.tallies.measures()),
        )

    def start(self) -> None:
        """Begin to take in, as soon as the database is there."""
        self._starter.start()

    def stop(self) -> None:
        """End in the order in which nothing is lost: no more frames, what is under way is committed and answered, then the rest."""
        self._ended.set()
        self._starter.join()
        if self._linked:
            self.hints.stop()
            self.intake.stop()
            self.link.stop()
            self.housekeeping.stop()
            self.filters.stop()
        self.database.close()

    def _publish(self, agent: str, message: DownMessage) -> None:
        self.link.publish(agent, message)  # the two need each other; the link is made second

    def _start_when_ready(self) -> None:
        said = ""
        while not self._ended.is_set():
            try:
                with self.database.transaction() as connection:
                    check_schema(connection)
            except DatabaseFault as fault:
                if str(fault) != said:
                    said = str(fault)
                    log.warning("waiting for the database", cause=said)
                self._ended.wait(RETRY_S)
                continue
            self.intake.start()
            self.link.start()
            self.hints.start()
            self.housekeeping.start()
            self.filters.start()
            self._linked = True
            return

    def _link_state(self) -> LinkState:
        status = self.link.status()
        return LinkState(status.online, status.cause if self._linked else "waiting for the database")

    def _ensure_authority(self, now: datetime) -> Authority:
        directory = self.settings.authority.directory
        try:
            return ensure_central(directory, self.settings.authority.name, now, self.settings.broker.worker)
        except OSError as error:
            raise StartError(
                f"authority.directory {directory}: {error.strerror}; expected a directory that this account may write to"
            ) from None


def run(settings: Settings, *, as_json: bool = False) -> None:
    """Run central until SIGTERM or SIGINT. Prints one line when it listens. Raises CentralError when it cannot start."""
    configure_log()
    listener = listen(settings.http.host, settings.http.port)
    url = f"http://{_shown(listener)}"
    process = Process(settings)
    app = create_app(process.context(settings.http.public_url or url))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who is behind a proxy is found by resolver.trusted_proxies, and needed nowhere else
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, lambda: _say_ready(url, as_json=as_json))
    process.start()
    try:
        server.run(sockets=[listener])
    finally:
        process.stop()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or :class:`StartError` for a port that is taken or an address that is not this machine's."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # Connections inherit it. Without it an answer in two pieces waits 40 ms for an acknowledgement (Nagle's algorithm).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise StartError(
            f"http.host {host}, http.port {port}: {cause}; choose another, or 0 for a free port"
        ) from None
    return listener


def configure_log() -> None:
    """One line an event on standard error: time, level, what happened, the names and values."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class _Server(uvicorn.Server):
    """The library's server, with our word when it listens and our end on a signal (its own ends by the signal, not with 0)."""

    def __init__(self, config: uvicorn.Config, say_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_ready = say_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self._say_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order on the first signal, at once on the second."""
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _say_ready(url: str, *, as_json: bool) -> None:
    line = (
        json.dumps({"ready": True, "url": url, "pid": os.getpid()})
        if as_json
        else f"ready: {url} (its page: {url}/docs)"
    )
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _link_settings(settings: Settings) -> LinkSettings:
    directory = settings.authority.directory
    name = central_name(settings.broker.worker)
    return LinkSettings(
        host=settings.broker.host,
        port=settings.broker.port,
        worker=settings.broker.worker,
        ca_file=certificate_path(directory, "ca"),
        certificate_file=certificate_path(directory, name),
        key_file=key_path(directory, name),
        shared_subscription=settings.broker.shared_subscription,
    )


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _now() -> datetime:
    return datetime.now(UTC)
