"""The one error family of the agent package."""

from __future__ import annotations


class AgentError(Exception):
    """Something that the agent cannot do.

    The text says what failed, the value, what was expected and what to do; it is fit to be shown to a shop assistant.
    """
