"""Who may do what on the broker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.authority.names import is_central
from central.embedded.access import may_connect, may_publish, may_receive, may_subscribe
from protocol.topics import AGENT_ID, CHANNELS

agents = st.from_regex(AGENT_ID, fullmatch=True).filter(lambda agent: not is_central(agent))
any_topic = st.one_of(
    st.text(max_size=40),
    st.builds(
        "/".join, st.lists(st.sampled_from(["countermark", "1", *CHANNELS, "+", "#", "shop-1", "shop-2", ""]))
    ),
)


@pytest.mark.parametrize("channel", ["up", "ask", "state"])
def test_an_agent_publishes_its_own_up_ask_and_state(channel: str) -> None:
    assert may_publish("shop-1", f"countermark/1/{channel}/shop-1")


def test_an_agent_does_not_publish_to_its_own_down() -> None:
    assert not may_publish("shop-1", "countermark/1/down/shop-1")


def test_an_agent_subscribes_to_its_own_down() -> None:
    assert may_subscribe("shop-1", "countermark/1/down/shop-1")


@given(agents, any_topic)
def test_an_agent_publishes_to_three_topics_and_no_other(agent: str, topic: str) -> None:
    own = {f"countermark/1/{channel}/{agent}" for channel in ("up", "ask", "state")}
    assert may_publish(agent, topic) == (topic in own)


@given(agents, any_topic)
def test_an_agent_hears_one_topic_and_no_other(agent: str, topic: str) -> None:
    expected = topic == f"countermark/1/down/{agent}"
    assert (may_subscribe(agent, topic), may_receive(agent, topic)) == (expected, expected)


@given(agents, agents)
def test_an_agent_connects_under_its_own_name_alone(agent: str, client_id: str) -> None:
    assert may_connect(agent, client_id) == (client_id == agent)


@pytest.mark.parametrize("client_id", ["central", "central/1", "central/worker-b"])
def test_central_may_add_to_its_name(client_id: str) -> None:
    assert may_connect("central", client_id)


def test_a_second_central_process_connects_under_its_own_name_and_not_under_the_first_ones() -> None:
    found = [may_connect("central-2", name) for name in ("central-2", "central", "central/1", "central-3")]
    assert found == [True, False, False, False]


@pytest.mark.parametrize("identity", ["central", "central-2", "central-b"])
def test_every_central_process_answers_every_agent(identity: str) -> None:
    assert may_publish(identity, "countermark/1/down/shop-1")


@pytest.mark.parametrize("identity", ["centrale", "Central-2", "north-central-2"])
def test_a_name_that_only_resembles_centrals_is_an_agents(identity: str) -> None:
    assert not may_publish(identity, "countermark/1/down/shop-1")


@pytest.mark.parametrize("client_id", ["", "central2", "centra", "shop-1", "/central"])
def test_central_connects_under_no_other_name(client_id: str) -> None:
    assert not may_connect("central", client_id)


@pytest.mark.parametrize("identity", ["", "+", "#", "a/b", "../up", "$SYS"])
def test_an_identity_that_could_stand_for_another_topic_connects_not_at_all(identity: str) -> None:
    assert not may_connect(identity, identity)


@pytest.mark.parametrize("topic", ["countermark/1/#", "countermark/1/up/+", "countermark/1/down/shop-1"])
def test_central_hears_everything_of_the_project(topic: str) -> None:
    assert may_subscribe("central", topic)


@pytest.mark.parametrize(
    "topic", ["#", "$SYS/#", "countermark/#", "countermark/2/up/shop-1", "+/1/up/shop-1"]
)
def test_central_hears_nothing_else(topic: str) -> None:
    assert not may_subscribe("central", topic)


def test_nobody_publishes_to_a_wildcard() -> None:
    assert not may_publish("central", "countermark/1/down/+")
