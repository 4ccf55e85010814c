"""One machine with a real journal and a real link, for tests over real brokers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from agent.clock import Clock
from agent.feeds.replica import Replica
from agent.journal.journal import Accepted, Journal
from agent.journal.notices import Notice, notices
from agent.journal.verification import Verification, verify_everything
from agent.store.store import Store
from agent.uplink.settings import LinkIdentity, LinkSettings
from agent.uplink.status import LinkStatus
from agent.uplink.uplink import Uplink
from protocol.delivery.vocabulary import Pace
from protocol.events import Event, Sale, SaleLine, decode_event
from tests.integration.services import RunningBroker
from tests.integration.small_central import SmallCentral

WAIT_S = 20.0
AGENT = "till-1"
QUICK = Pace(answer_timeout_us=300_000, answer_timeout_limit_us=1_000_000)


class Machine:
    """One machine: a data directory, and the agent's journal, replica and link over it."""

    def __init__(
        self,
        folder: Path,
        broker: RunningBroker,
        agent: str = AGENT,
        port: int | None = None,
        certificate_of: str | None = None,
        ca_file: Path | None = None,
    ) -> None:
        files = broker.client_files(certificate_of or agent)
        self.path = folder / "journal.db"
        self.agent = agent
        self.store = Store.open(self.path, reserve_bytes=0)
        clock = Clock()
        self.journal = Journal(self.store, agent, clock)
        self.replica = Replica(self.store, clock)
        settings = LinkSettings(
            host=broker.host,
            port=port or broker.port,
            keepalive_s=2,
            reconnect_limit_s=0.5,
            pace=QUICK,
            software="test",
        )
        identity = LinkIdentity(
            agent=agent,
            ca_path=ca_file or broker.ca_file,
            certificate_path=files.certificate_file,
            key_path=files.key_file,
        )
        self.uplink = Uplink(settings, identity, self.journal, self.replica, clock)
        self._clock = clock
        self._changed = threading.Condition()
        self.uplink.on_change(self._tell)
        self._committed = threading.Condition()
        self.store.on_commit(self._hear_commit)

    def start(self) -> None:
        self.uplink.start()

    def stop(self) -> None:
        self.uplink.stop()
        self.store.close()

    def sell(self, count: int = 1, prefix: str = "s") -> list[Accepted]:
        """Sales, each accepted when this returns."""
        return [self._append(self._sale(f"{prefix}{number}")) for number in range(count)]

    def _append(self, event: Event) -> Accepted:
        return self.store.write(lambda at: self.journal.append(at, event)).result()

    def wait_for(self, condition: Callable[[LinkStatus], bool]) -> LinkStatus:
        """The status, once it fulfils ``condition``."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.uplink.status()), WAIT_S), (
                self.uplink.status()
            )
        return self.uplink.status()

    def wait_until_all_is_sent(self) -> LinkStatus:
        return self.wait_for(lambda status: status.phase == "idle" and status.unsent == 0)

    def notices(self) -> list[Notice]:
        return self.store.read(notices)

    def damage(self, statement: str) -> None:
        """What a disk does, and no program should."""
        self.store.write(lambda at: at.execute(statement).rowcount).result()

    def verify(self) -> Verification:
        return self.store.read(lambda at: verify_everything(at, self.agent))

    def wait_for_commit(self, condition: Callable[[], bool]) -> None:
        """Until what is committed fulfils ``condition``."""
        with self._committed:
            assert self._committed.wait_for(condition, WAIT_S), self.notices()

    def wait_for_sound_journal(self) -> None:
        self.wait_for_commit(lambda: self.verify().is_sound)

    def _hear_commit(self) -> None:
        with self._committed:
            self._committed.notify_all()

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _sale(self, sale_id: str) -> Event:
        line = SaleLine(gtin="06901234567892", quantity=Decimal(1), amount_minor=100)
        return Event(
            at=self._clock.moment(),
            body=Sale(sale_id=sale_id, receipt=sale_id, currency="CNY", lines=(line,)),
        )


def sold(central: SmallCentral, agent: str = AGENT) -> list[str]:
    """The ids of all sales that central has, in the order in which they came."""
    events = [decode_event(body) for body in central.books[agent].bodies()]
    return [event.body.sale_id for event in events if isinstance(event.body, Sale)]
