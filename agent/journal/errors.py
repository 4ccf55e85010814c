"""What can be wrong with a journal."""

from __future__ import annotations

from agent.errors import AgentError


class JournalError(AgentError):
    """The journal cannot do what was asked."""


class NotEnrolled(JournalError):
    """There is no epoch yet: central has not been met."""


class ForeignJournal(JournalError):
    """The journal was written by another agent."""
