"""Enrolment as a whole: the identity, and the journal that begins with it."""

from __future__ import annotations

from agent.clock import Clock
from agent.identity.enrol import enrol
from agent.identity.storage import Identity
from agent.journal.journal import Journal
from agent.main import JOURNAL_FILE, software
from agent.settings import Settings
from agent.store import Store


def enrol_here(settings: Settings, *, central: str, token: str) -> Identity:
    """Enrol this machine and open its journal's first epoch. Raises :class:`~agent.errors.AgentError`.

    The journal is opened first, so that an agent that runs, or a disk that cannot be written, is found out before the
    token is spent.
    """
    store = Store.open(settings.data_dir / JOURNAL_FILE)
    try:
        identity = enrol(settings.data_dir, central=central, token=token, software=software())
        Journal(store, identity.agent, Clock()).open_first_epoch(identity.epoch)
    finally:
        store.close()
    return identity
