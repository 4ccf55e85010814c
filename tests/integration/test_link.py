"""Central's link against real brokers: frames in, answers out, and back again when the broker was away."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from central.link import Link, LinkSettings
from protocol.codec import decode, encode
from protocol.messages import Ack, Cursor, HelloWanted, Presence
from protocol.topics import topic
from tests.integration.services import Client, RunningBroker, free_port

AGENT = "north-1"
ROOT = Path(__file__).resolve().parents[2]
ACK = Ack(cursor=Cursor("e", 1, b"h" * 32))


def settings(broker: RunningBroker, identity: str = "central", **changes: object) -> LinkSettings:
    files = broker.client_files(identity)
    made = LinkSettings(
        host=broker.host,
        port=broker.port,
        ca_file=broker.ca_file,
        certificate_file=files.certificate_file,
        key_file=files.key_file,
    )
    return msgspec.structs.replace(made, **changes)


class Inbox:
    """What the link has offered."""

    def __init__(self) -> None:
        self.frames: queue.Queue[tuple[str, str, bytes]] = queue.Queue()

    def offer(self, agent: str, channel: str, frame: bytes, received_us: int) -> bool:
        self.frames.put((agent, channel, frame))
        return True


@contextmanager
def linked(broker_settings: LinkSettings, inbox: Inbox) -> Iterator[Link]:
    link = Link(broker_settings, inbox.offer, clock=lambda: 5)
    link.start()
    try:
        yield link
    finally:
        link.stop()


def until_online(link: Link) -> None:
    pause = threading.Event()
    for _ in range(400):
        if link.status().online:
            return
        pause.wait(0.05)
    raise AssertionError(link.status())


def test_frames_come_in_with_their_agent_and_answers_go_out(broker: RunningBroker) -> None:
    inbox = Inbox()
    with linked(settings(broker), inbox) as link, Client(broker, AGENT).connect() as agent:
        until_online(link)
        agent.subscribe(topic("down", AGENT))
        for channel in ("up", "ask"):
            agent.publish(topic(channel, AGENT), channel.encode())
        received = {inbox.frames.get(timeout=20) for _ in range(2)}
        assert received == {(AGENT, "up", b"up"), (AGENT, "ask", b"ask")}
        link.publish(AGENT, ACK)
        name, frame = agent.next_message()
        assert (name, decode(frame).message) == (topic("down", AGENT), ACK)
        assert link.status().published == 1


def test_retained_presence_is_heard_by_a_central_that_comes_later(broker: RunningBroker) -> None:
    state = encode(Presence(online=True, software="1"), topic("state", AGENT))
    with Client(broker, AGENT).connect() as agent:
        agent.publish(topic("state", AGENT), state, retain=True)
    inbox = Inbox()
    with linked(settings(broker), inbox):
        assert inbox.frames.get(timeout=20) == (AGENT, "state", state)


@contextmanager
def central_process(broker: RunningBroker, worker: str) -> Iterator[subprocess.Popen[bytes]]:
    """A central process of its own with a link, online, that acknowledges every number it takes."""
    broker.certificates.central(worker)
    words = ("-m", "tests.integration.answering_link", str(broker.port), worker, str(broker.ca_file.parent))
    with subprocess.Popen((sys.executable, *words), stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert b"online\n" in process.stdout, "it ended before it was online"
            yield process
        finally:
            process.kill()


def acknowledged(agent: Client) -> Cursor:
    ack = decode(agent.next_message()[1]).message
    assert isinstance(ack, Ack)
    return ack.cursor


def repeat_until_acknowledged(agent: Client, number: int) -> Cursor:
    """What every agent does: say it again while there is no answer."""
    for _ in range(40):
        agent.publish(topic("up", AGENT), b"%d" % number)
        with contextlib.suppress(queue.Empty):
            ack = decode(agent.messages.get(timeout=0.5)[1]).message
            assert isinstance(ack, Ack)
            if ack.cursor.next_seq == number:
                return ack.cursor
    raise AssertionError(f"{number} was never acknowledged")


def test_of_two_central_processes_each_message_is_taken_by_one_and_of_a_killed_one_by_the_other(
    mosquitto: RunningBroker,
) -> None:
    with (
        Client(mosquitto, AGENT).connect() as agent,
        central_process(mosquitto, "1") as first,
        central_process(mosquitto, "2"),
    ):
        agent.subscribe(topic("down", AGENT))
        for number in range(20):
            agent.publish(topic("up", AGENT), b"%d" % number)
        cursors = [acknowledged(agent) for _ in range(20)]
        assert sorted(cursor.next_seq for cursor in cursors) == list(range(20))
        assert {cursor.epoch for cursor in cursors} == {"1", "2"}
        assert agent.messages.empty()
        first.kill()
        first.wait()
        later = [repeat_until_acknowledged(agent, number) for number in range(20, 40)]
        assert {cursor.epoch for cursor in later} == {"2"}


def test_a_broker_that_is_away_at_start_is_waited_for_and_named() -> None:
    port = free_port()
    with linked(LinkSettings(host="127.0.0.1", port=port), Inbox()) as link:
        pause = threading.Event()
        while link.status().cause in ("not started", ""):
            pause.wait(0.02)
        assert link.status().cause.startswith(f"broker 127.0.0.1:{port}: cannot be reached")
        link.publish(AGENT, ACK)
        assert (link.status().online, link.status().dropped) == (False, 1)


# The library leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_with_a_foreign_authority_is_not_trusted(
    mosquitto: RunningBroker, amqtt: RunningBroker
) -> None:
    foreign = settings(mosquitto, ca_file=amqtt.ca_file)
    with linked(foreign, Inbox()) as link:
        pause = threading.Event()
        while link.status().cause in ("not started", ""):
            pause.wait(0.02)
        assert "not one to trust" in link.status().cause


def test_whoever_comes_with_an_agents_certificate_hears_no_other_agent(mosquitto: RunningBroker) -> None:
    spying, genuine = Inbox(), Inbox()
    with (
        linked(settings(mosquitto, "impostor"), spying),
        linked(settings(mosquitto), genuine) as link,
        Client(mosquitto, AGENT).connect() as agent,
    ):
        until_online(link)
        agent.publish(topic("up", AGENT), b"secret")
        assert genuine.frames.get(timeout=20) == (AGENT, "up", b"secret")
        assert spying.frames.empty()


def test_the_link_comes_back_when_its_connection_is_taken(mosquitto: RunningBroker) -> None:
    inbox = Inbox()
    with linked(settings(mosquitto), inbox) as link:
        until_online(link)
        # Another client with central's identity and client id: the broker ends the first connection.
        with Client(mosquitto, "central", client_id="central").connect():
            pause = threading.Event()
            while not link.status().cause:
                pause.wait(0.02)
        link.publish(AGENT, HelloWanted(epoch="e", cause="c"))
        with Client(mosquitto, AGENT).connect() as agent:
            for attempt in range(40):
                agent.publish(topic("up", AGENT), b"%d" % attempt)
                try:
                    assert inbox.frames.get(timeout=0.5)[0] == AGENT
                    break
                except queue.Empty:
                    continue
            else:
                raise AssertionError(link.status())


def test_a_message_that_cannot_be_encoded_is_dropped_and_counted(mosquitto: RunningBroker) -> None:
    with linked(settings(mosquitto), Inbox()) as link:
        until_online(link)
        link.publish("no/such agent", ACK)
        assert link.status().dropped == 1


def test_a_missing_certificate_is_named_with_what_to_do(mosquitto: RunningBroker) -> None:
    nowhere = settings(mosquitto, certificate_file=mosquitto.ca_file.with_name("nowhere.pem"))
    with linked(nowhere, Inbox()) as link:
        pause = threading.Event()
        while link.status().cause in ("not started", ""):
            pause.wait(0.02)
        assert "countermark-central authority init" in link.status().cause
