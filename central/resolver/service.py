"""The public check of one process: who may ask now, what is answered, and what is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from central.codes.orders import Order
from central.database import Database
from central.resolver import clients, lookup
from central.resolver.addresses import AskedShort
from central.resolver.counting import Checks
from central.resolver.counts import HowOften, Thresholds, earlier_visits, how_often
from central.resolver.limits import Limits, Rate
from central.resolver.rules import Answer, Printed, answer, product_answer
from central.settings import ResolverSettings
from protocol.codes.code import Code
from protocol.codes.short import code_of_short

ROLE = "countermark_api"
AT_ONCE = 4
"""Checks that ask the database at the same time, at most: a flood of them leaves connections and threads to the counters."""
WAITING = 64
"""Checks that wait for their turn; further ones are sent away at once."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of a label. ``since``: the first check; None where this is it, and where nothing is said of checks."""

    code: Code
    product: str
    answer: Answer
    checks: HowOften | None = None
    since: datetime | None = None


class Refused(msgspec.Struct, frozen=True):
    """Too many requests: when to come back."""

    retry_after_s: float


class Resolver:
    """What the routes need, made once for a process."""

    def __init__(
        self,
        settings: ResolverSettings | None = None,
        at_once: int = AT_ONCE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings or ResolverSettings()
        self._monotonic = monotonic
        self._trusted = [clients.parse_network(one) for one in self.settings.trusted_proxies]
        self._limits = Limits(
            each=Rate(self.settings.burst, self.settings.checks_per_minute / 60),
            together=Rate(self.settings.checks_per_second, self.settings.checks_per_second),
        )
        self.checks = Checks(Thresholds(self.settings.signal_networks, self.settings.signal_visits))
        self._turns = asyncio.Semaphore(at_once)
        self.waiting = 0

    def admit(self, peer: str | None, forwarded: Sequence[str]) -> str | Refused:
        """The network a check is to be counted for, or that it is too many."""
        address = clients.client_address(peer, forwarded, self._trusted)
        wait_s = self._limits.take(clients.limited_as(address), self._monotonic())
        return Refused(wait_s) if wait_s > 0 else clients.counted_as(address)

    async def turn(self) -> bool:
        """Wait until it is this check's turn; False if too many wait already. Who got True calls :meth:`done`."""
        if self.waiting >= WAITING:
            return False
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        return True

    def done(self) -> None:
        """The next one's turn."""
        self._turns.release()

    def product_page(self, code: Code) -> str | None:
        """The brand's own page about the product of a label."""
        address = self.settings.product_url
        return None if address is None else address.replace("{gtin}", code.gtin or "")

    def check(
        self,
        database: Database,
        directory: Path,
        asked: Code | AskedShort,
        network: str,
        now: datetime,
        *,
        counted: bool,
    ) -> Outcome | None:
        """What to say of a label; None for a product or token that is none of ours. Raises DatabaseFault."""
        today = now.astimezone(UTC).date()
        with database.transaction(sites=(), role=ROLE) as connection:
            code = (
                asked
                if isinstance(asked, Code)
                else _code_of(lookup.order_of(connection, asked.short.tag), asked)
            )
            if code is None:
                return None
            found = lookup.look_up(connection, directory, code)
        if found.product is None:
            return None
        if code.item is None:
            return Outcome(code=code, product=found.product, answer=product_answer(found.books))
        said = answer(
            Printed(code.batch, code.expiry),
            found.books,
            found.signature,
            today,
            trust_registered=self.settings.trust_registered,
        )
        own = self.checks.network(database, network, today)
        waiting = self.checks.waiting(code.item)
        if counted:
            self.checks.note(code.item, own, now, known=found.books.known, kept=found.count is not None)
        if said.proof is None:
            return Outcome(code=code, product=found.product, answer=said)
        times = how_often(earlier_visits(found.count, waiting, own, today))
        first = min((one.first_seen for one in (found.count, waiting) if one is not None), default=None)
        return Outcome(
            code=code,
            product=found.product,
            answer=said,
            checks=times,
            since=None if times is HowOften.FIRST else first,
        )


def _code_of(order: Order | None, asked: AskedShort) -> Code | None:
    if order is None:
        return None
    expiry = order.expiry.isoformat() if order.expiry else None
    return code_of_short(asked.short, gtin=order.gtin, batch=order.batch, expiry=expiry)
