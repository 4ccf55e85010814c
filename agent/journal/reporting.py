"""Telling a person of damage."""

from __future__ import annotations

from agent.journal.notices import NoticeKind, note
from agent.journal.soundness import Damage
from agent.journal.verification import Finding
from agent.store.database import Connection


def report_damage(connection: Connection, epoch: str, damage: Damage, outcome: str, at_us: int) -> None:
    """Keep a notice of damaged rows and of what was done about them. Inside a write."""
    text = f"{Finding.of(epoch, damage).text}; {outcome}"
    note(connection, NoticeKind.DAMAGED, f"{epoch}/{damage.first_seq}", text, at_us)
