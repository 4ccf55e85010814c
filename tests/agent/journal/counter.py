"""A counter in small: a store, a journal and a clock that stands still."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Self

from agent.clock import ManualClock
from agent.journal.journal import Accepted, Journal
from agent.journal.notices import Notice, notices
from agent.journal.verification import Verification, verify_everything
from agent.store.store import Store
from protocol.events import Event, Sale, SaleLine, encode_event
from protocol.messages import EpochGranted

AGENT = "till-1"
FIRST_EPOCH = "epoch-1"


class Counter:
    """Opens the journal in ``folder``, begins it if it is new."""

    def __init__(self, folder: Path, agent: str = AGENT, *, reserve_bytes: int = 0) -> None:
        self.clock = ManualClock()
        self.folder = folder
        self.store = Store.open(folder / "journal.db", reserve_bytes=reserve_bytes)
        try:
            self.journal = Journal(self.store, agent, self.clock)
        except BaseException:
            self.store.close()
            raise
        self.journal.open_first_epoch(FIRST_EPOCH)

    def sale(self, name: str) -> Event:
        line = SaleLine(gtin="06901234567892", quantity=Decimal(1), amount_minor=1990)
        return Event(
            at=self.clock.moment(), body=Sale(sale_id=name, receipt=name, currency="CNY", lines=(line,))
        )

    def body(self, name: str) -> bytes:
        return encode_event(self.sale(name))

    def sell(self, *names: str) -> list[Accepted]:
        """Sales, each accepted when this returns."""
        return [self._append(self.sale(name)) for name in names]

    def _append(self, event: Event) -> Accepted:
        return self.store.write(lambda at: self.journal.append(at, event)).result()

    def sell_many(self, count: int) -> None:
        """All in one transaction."""

        def work(connection: object) -> None:
            for number in range(count):
                self.journal.append(connection, self.sale(f"s{number}"))  # type: ignore[arg-type]

        self.store.write(work).result()

    def adopt(self, epoch: str, parent_epoch: str, parent_seq: int) -> None:
        parent_hash = self.journal.hash_at(parent_epoch, parent_seq)
        assert parent_hash is not None
        self.journal.adopt(granted(epoch, parent_epoch, parent_seq, parent_hash)).result()

    def sql(self, statement: str, *values: object) -> None:
        """What no program should do: change the database behind the journal's back."""
        self.store.write(lambda at: at.execute(statement, values).rowcount).result()

    def names(self, epoch: str = FIRST_EPOCH, first_seq: int = 1, last_seq: int = 1000) -> list[bytes]:
        return [
            body
            for _, body in self.journal.rows(
                epoch, first_seq, last_seq, limit_rows=500, limit_bytes=1_000_000
            )
        ]

    def verify(self) -> Verification:
        return self.store.read(lambda at: verify_everything(at, AGENT))

    def notices(self) -> list[Notice]:
        return self.store.read(notices)

    def close(self) -> None:
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def granted(epoch: str, parent_epoch: str, parent_seq: int, parent_hash: bytes) -> EpochGranted:
    return EpochGranted(
        request_id=f"for {epoch}",
        epoch=epoch,
        parent_epoch=parent_epoch,
        parent_seq=parent_seq,
        parent_hash=parent_hash,
    )
