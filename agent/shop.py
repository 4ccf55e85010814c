"""What every noun of the counter shares: the store, the documents, the replica, the screens, and where this is."""

from __future__ import annotations

from dataclasses import dataclass

from agent.clock import Clock
from agent.documents import Documents
from agent.drafts import Drafts
from agent.store import Store
from agent.till.catalogue import Catalogue
from agent.till.clerk import ClerkAtCounter
from agent.till.frames import Announce
from agent.verification.service import ReplicaView


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The parts that are there once. ``lane`` is the prefix of this till's numbers."""

    store: Store
    documents: Documents
    drafts: Drafts
    replica: ReplicaView
    catalogue: Catalogue
    clock: Clock
    announce: Announce
    lane: str
    clerk: ClerkAtCounter
