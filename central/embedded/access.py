"""Who may do what on the broker: the rules, over plain values. Every broker's configuration says the same.

An identity is the common name of a client certificate. Central's own (``central``, ``central-<worker>``) may do everything below the
project's topics. Any other identity is an agent, which has four topics of its own and nothing else. What is not named here is denied.
"""

from __future__ import annotations

from central.authority.names import is_central
from protocol.errors import Malformed
from protocol.topics import AGENT_ID, ROOT, parse

AGENT_PUBLISHES = frozenset({"up", "ask", "state"})
AGENT_SUBSCRIBES = frozenset({"down"})


def may_connect(identity: str, client_id: str) -> bool:
    """Whether a client id belongs to an identity.

    An agent's client id is its identity: a client id of another's choosing would throw that other off the broker. A central
    process may add ``/`` and more.
    """
    if AGENT_ID.fullmatch(identity) is None:
        return False
    return client_id == identity or (is_central(identity) and client_id.startswith(f"{identity}/"))


def may_publish(identity: str, topic: str) -> bool:
    """Whether an identity may publish to a topic. The topic of a will is published to as well."""
    return _is_allowed(identity, topic, AGENT_PUBLISHES) and "#" not in topic and "+" not in topic


def may_subscribe(identity: str, topic_filter: str) -> bool:
    """Whether an identity may subscribe to a topic filter. For an agent that is one topic, without a wildcard."""
    return _is_allowed(identity, topic_filter, AGENT_SUBSCRIBES)


def may_receive(identity: str, topic: str) -> bool:
    """Whether a message on a topic may be delivered to an identity, whatever it has subscribed to."""
    return _is_allowed(identity, topic, AGENT_SUBSCRIBES)


def _is_allowed(identity: str, topic: str, channels: frozenset[str]) -> bool:
    if is_central(identity):
        return topic.startswith(f"{ROOT}/")
    try:
        channel, agent = parse(topic)
    except Malformed:
        return False
    return channel in channels and agent == identity
