"""The only place where an MQTT topic is written or read.

Topics carry the agent and nothing of the trade: which site or dealer an agent serves is for central to know. A broker's
access rule per agent is therefore four fixed patterns.

=======================================  ==========================================================
``countermark/1/up/<agent>``             hello, batches of events, requests for an epoch
``countermark/1/ask/<agent>``            feed pulls, questions with a deadline, rows to be given again
``countermark/1/down/<agent>``           acks, welcomes, feed chunks, answers
``countermark/1/state/<agent>``          retained presence, with a will
=======================================  ==========================================================
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from protocol.errors import Malformed

ROOT = "countermark/1"
Channel = Literal["up", "ask", "down", "state"]
CHANNELS: tuple[Channel, ...] = ("up", "ask", "down", "state")
AGENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


class Topic(NamedTuple):
    """A topic taken apart."""

    channel: Channel
    agent: str


def check_agent_id(agent: str) -> str:
    """``agent`` itself, if it can stand in a topic: 1 to 63 letters, digits, ``-`` or ``_``.

    Wildcards and separators are what must never get through: an agent called ``+`` would read every topic.
    """
    if not AGENT_ID.fullmatch(agent):
        raise Malformed(
            f"agent id {agent!r}: expected 1 to 63 letters, digits, '-' or '_', beginning with a letter or digit"
        )
    return agent


def topic(channel: Channel, agent: str) -> str:
    """The topic of one channel of one agent."""
    return f"{ROOT}/{channel}/{check_agent_id(agent)}"


def every(channel: Channel) -> str:
    """The topic filter that matches one channel of all agents."""
    return f"{ROOT}/{channel}/+"


def shared(channel: Channel, group: str) -> str:
    """The same as a shared subscription (MQTT 5, section 4.8.2), so that several workers divide the messages."""
    return f"$share/{group}/{every(channel)}"


def parse(name: str) -> Topic:
    """The channel and agent of a topic name, or :class:`Malformed`."""
    root, _, rest = name.partition(f"{ROOT}/")
    channel, _, agent = rest.partition("/")
    if root or channel not in CHANNELS or not AGENT_ID.fullmatch(agent):
        raise Malformed(f"topic {name!r}: expected {ROOT}/<{'|'.join(CHANNELS)}>/<agent>")
    return Topic(channel, agent)
