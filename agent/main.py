"""The wiring of the agent: what is made from what, in which order it starts, and how it stops. The nouns of the counter join in ``wiring``."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from concurrent.futures import Future
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from agent.clock import Clock
from agent.documents import Documents
from agent.drafts import Drafts
from agent.feeds.replica import Replica
from agent.identity import storage
from agent.identity.renewing import keep_renewed
from agent.identity.storage import Identity
from agent.journal.journal import Journal
from agent.journal.notices import dismiss
from agent.local.app import create_app
from agent.local.events import Hub
from agent.local.health import Health
from agent.local.server import listen, serve
from agent.neighbours.messages import ItemTold
from agent.neighbours.service import Certificates, Known, Neighbours
from agent.printing.making import Papers, make_printing
from agent.printing.service import Printing
from agent.scanners.service import Scanners
from agent.scanners.sources import make_sources
from agent.scanners.watching import AdoptedScanners
from agent.settings import Settings
from agent.shop import Shop
from agent.store import Connection, Store
from agent.till.catalogue import Catalogue
from agent.till.clerk import ClerkAtCounter
from agent.till.frames import Frame
from agent.uplink.configured import link_identity, link_settings
from agent.uplink.uplink import Uplink
from agent.verification.local_items import find_item, settle
from agent.wiring import make_parts
from devices import clocks
from devices.recording import Recorder
from protocol.messages import FeedChunk

JOURNAL_FILE = "journal.db"
_SWITCH_INTERVAL_S = 0.0005
_log = logging.getLogger("countermark.agent")


class Agent:
    """One agent: everything made and joined, nothing started before :meth:`run`."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        *,
        clock: Clock | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.settings = settings
        self.identity = identity
        self._clock = clock or Clock()
        self._recorder = recorder
        self._changed: Callable[[], None] = lambda: None
        self.printing: Printing | None = None
        self.store = Store.open(settings.data_dir / JOURNAL_FILE)
        try:
            self._make()
        except BaseException:
            self.store.close()
            raise

    def _make(self) -> None:
        settings, identity, clock = self.settings, self.identity, self._clock
        self.hub = Hub()
        self.journal = Journal(self.store, identity.agent, clock)
        self.journal.open_first_epoch(identity.epoch)
        self.replica = Replica(self.store, clock, self._settle)
        self.uplink = Uplink(
            link_settings(settings, identity, software()),
            link_identity(settings, identity),
            self.journal,
            self.replica,
            clock,
        )
        drafts = Drafts(self.store, clock)
        clerk = ClerkAtCounter(drafts)
        shop = Shop(
            store=self.store,
            documents=Documents(self.journal, clock, clerk.name),
            drafts=drafts,
            replica=self.replica,
            catalogue=Catalogue(self.replica, settings.till.currency or identity.currency),
            clock=clock,
            announce=self._announce,
            lane=settings.till.lane or identity.lane,
            clerk=clerk,
        )
        self.neighbours = make_neighbours(settings, identity, self.store, clock)
        self.parts = make_parts(
            shop, settings, identity, self.journal, self.hub, self.uplink, self.neighbours
        )
        self.printing = make_printing(
            settings,
            identity,
            shop,
            Papers(
                receipts=self.parts.receipts,
                closed_by=self.parts.shifts.closed_by,
                note_of=self.parts.notes.find,
            ),
            record_drawer=self.journal.append,
            on_change=self._tell_changed,
        )
        self.scanners = Scanners(
            make_sources(settings.scanner, self._recorder),
            self.parts.counter.scanned,
            self._tell_changed,
            settings.till.double_trigger_ms,
        )
        self.adopted = AdoptedScanners(self.scanners, settings.data_dir, settings.scanner)
        self.health = Health(
            identity=identity,
            lane=shop.lane,
            currency=shop.catalogue.currency,
            language=settings.till.language,
            software=software(),
            store=self.store,
            journal=self.journal,
            counter=self.parts.counter,
            scanners=self.scanners,
            hub=self.hub,
            clock=clock,
            link=self.uplink.status,
            neighbours=None if self.neighbours is None else self.neighbours.status,
            printer=None if self.printing is None else self.printing.status,
        )
        token = settings.local.token
        self.app = create_app(
            self.parts,
            status=self.health,
            dismiss_notice=self._dismiss_notice,
            token=None if token is None else token.get_secret_value(),
            software=software(),
            printing=self.printing,
        )

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Serve until SIGTERM or SIGINT. ``on_ready`` gets the local address."""
        # A verdict crosses from the scanner's thread to the server's: with Python's own 5 ms, it would wait for the slower work
        # that follows it.
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        try:
            listening = listen(self.settings.local.host, self.settings.local.port)
            with listening:
                found = self.journal.check_at_start()
                for finding in found.damaged:
                    _log.error("%s", finding.text)
                asyncio.run(serve(self.app, listening, on_ready=on_ready, during=self._during))
        finally:
            self.close()

    def close(self) -> None:
        """Stop what runs and close what is open; what was accepted is on the disk already."""
        self.scanners.stop()
        if self._recorder is not None:
            self._recorder.close()
            if self._recorder.failure:
                _log.error("%s", self._recorder.failure)
        self.parts.counter.stop()
        if self.printing is not None:
            self.printing.stop()
        if self.neighbours is not None:
            self.neighbours.stop()
        self.uplink.stop()
        self.store.close()

    async def _during(self) -> None:
        """What runs beside the server, until it is cancelled."""
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()
        self._changed = lambda: _wake(loop, changed)
        self.hub.bind(loop)
        self.uplink.on_change(self._tell_changed)
        self.uplink.start()
        if self.neighbours is not None:
            self.neighbours.start()
        if self.printing is not None:
            self.printing.start()
        self.scanners.start()
        await asyncio.gather(
            self.adopted.keep(),
            self.health.keep_telling(changed),
            keep_renewed(self.identity, self._clock, self._take_renewed),
        )

    def _announce(self, frame: Frame) -> None:
        self.hub.announce(frame)
        if self.printing is not None:
            self.printing.announced(frame)

    def _settle(self, connection: Connection, chunk: FeedChunk) -> None:
        settle(connection, chunk, self.identity.site, self._clock.wall_us())

    def _tell_changed(self) -> None:
        try:
            self._changed()
        except RuntimeError:
            return  # the loop has ended: nobody is left to be told

    def _take_renewed(self, identity: Identity) -> None:
        self.identity = identity
        self.uplink.use_identity(link_identity(self.settings, identity))
        if self.neighbours is not None:
            self.neighbours.use_certificates(certificates_of(identity))

    def _dismiss_notice(self, notice_id: int) -> Future[None]:
        return self.store.write(lambda connection: dismiss(connection, notice_id))


def make_neighbours(settings: Settings, identity: Identity, store: Store, clock: Clock) -> Neighbours | None:
    """The agents on the same local network; None where none are configured."""
    configured = settings.neighbours
    if configured.listen is None and not configured.agents:
        return None

    def look(item: str) -> ItemTold | None:
        found = store.read(lambda connection: find_item(connection, item))
        if found is None:
            return None
        return ItemTold(agent=identity.agent, site=identity.site, state=found.state, at_us=found.at_us)

    known = [
        Known(
            agent=one.agent,
            host=one.address[0] if one.address else None,
            port=one.address[1] if one.address else 0,
        )
        for one in configured.agents
    ]
    return Neighbours(known, certificates_of(identity), clock, look, configured.address)


def certificates_of(identity: Identity) -> Certificates:
    """The files that this agent shows to its neighbours."""
    return Certificates(ca=identity.ca_path, certificate=identity.certificate_path, key=identity.key_path)


def _wake(loop: asyncio.AbstractEventLoop, changed: asyncio.Event) -> None:
    loop.call_soon_threadsafe(changed.set)


def software() -> str:
    """Name and version of this program."""
    try:
        return f"countermark-agent/{version('countermark')}"
    except PackageNotFoundError:  # run from a checkout
        return "countermark-agent/0+checkout"


def start(settings: Settings, record: Path | None = None) -> Agent:
    """The agent of this configuration, made but not running; ``record`` is a new file for what its scanners send.

    Raises :class:`~agent.errors.AgentError`, and :class:`~devices.errors.DevicesError` for a file that cannot be created.
    """
    identity = storage.load(settings.data_dir)
    recorder = None if record is None else Recorder(record, clocks.wall_us, clocks.monotonic_us)
    return Agent(settings, identity, recorder=recorder)
