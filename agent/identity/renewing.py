"""Keeps the certificate fresh while the agent runs. What needs cryptography or HTTP is loaded on the day it is needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from agent.clock import Clock
from agent.errors import AgentError
from agent.identity.storage import Identity, is_renewal_due_now

_CHECK_INTERVAL_S = 600.0
_log = logging.getLogger("countermark.agent.identity")


async def keep_renewed(identity: Identity, clock: Clock, on_renewed: Callable[[Identity], None]) -> None:
    """Look every ten minutes, and renew at half of the certificate's life. Runs until it is cancelled.

    A renewal that fails is tried again at the next look; the journal and the counter go on without it.
    """
    current = identity
    while True:
        if is_renewal_due_now(current, clock.wall_us() / 1_000_000):
            try:
                current = await asyncio.to_thread(_renew, current)
            except AgentError as error:
                _log.warning("%s", error)
            else:
                _log.info("certificate renewed until %s", current.certificate_not_after_s)
                on_renewed(current)
        await asyncio.sleep(_CHECK_INTERVAL_S)


def _renew(identity: Identity) -> Identity:
    from agent.identity.enrol import renew  # noqa: PLC0415 - keeps cryptography and HTTP out of an idle agent's memory

    return renew(identity)
