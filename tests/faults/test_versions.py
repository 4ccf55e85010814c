"""Messages of another version of the wire: held and shown to a person, answered, never dropped; other work goes on."""

from __future__ import annotations

import socket
import time

import pytest

from agent.identity import storage
from agent.settings import load
from agent.uplink.configured import link_identity, link_settings
from agent.uplink.mqtt import Arrived, Connection, Up
from protocol.codec import decode, encode
from protocol.messages import Held, HelloWanted
from protocol.topics import topic
from tests.faults.comparison import assert_books_agree, raised
from tests.faults.shops import Counter, Shops

BASKETS = 5
WAIT_S = 30.0


def publish_as(counter: Counter, frame: bytes) -> Held:
    """Publish a frame with the agent's own certificate, and wait for central's word on it."""
    settings = load(counter.config)
    identity = link_identity(settings, storage.load(settings.data_dir))
    connection = Connection(link_settings(settings, storage.load(settings.data_dir), "test"))
    connection.open(identity, b"")
    try:
        awaited(connection, Up)
        assert connection.publish(topic("up", counter.agent), frame)
        while True:
            answer = decode(awaited(connection, Arrived).frame).message
            if isinstance(answer, Held):
                return answer
    finally:
        connection.close()


def awaited(connection: Connection, kind: type[Up | Arrived]) -> Arrived:
    """The next happening of a kind."""
    waker, wake = socket.socketpair()
    deadline = time.monotonic() + WAIT_S
    with waker, wake:
        while time.monotonic() < deadline:
            for happening in connection.wait(1.0, wake):
                if isinstance(happening, kind):
                    return happening if isinstance(happening, Arrived) else Arrived(b"")
    raise AssertionError(f"no {kind.__name__} within {WAIT_S:.0f} s")


@pytest.mark.parametrize("version", [0, 2])
def test_a_message_of_another_wire_version_is_held_and_other_work_goes_on(shops: Shops, version: int) -> None:
    counter, till = shops.open_counter()
    other, other_till = shops.open_counter()
    till.sell(BASKETS)
    shops.wait_sent(counter)
    shops.stop(counter.name)
    name = topic("up", counter.agent)
    frame = bytes((version,)) + encode(HelloWanted(epoch="", cause="of another time"), name)[1:]
    other_till.start(pause_s=0.01)
    answer = publish_as(counter, frame)
    other_till.stop()
    shops.revive(counter.name)
    shops.wait_ready(counter)
    till.sell(BASKETS)
    assert_books_agree(shops, [(counter, till), (other, other_till)])
    assert held_frames(shops, counter) == [frame]
    assert str(version) in answer.cause
    assert "held" in raised(shops, counter.site)


def held_frames(shops: Shops, counter: Counter) -> list[bytes]:
    """The messages of an agent that central keeps for a person."""
    with shops.connect() as connection:
        rows = connection.execute(
            "SELECT frame FROM held_messages WHERE agent_id = %s", (counter.agent,)
        ).fetchall()
    return [bytes(row[0]) for row in rows if isinstance(row[0], bytes | memoryview)]
