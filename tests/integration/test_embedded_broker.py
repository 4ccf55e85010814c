"""What a broker must let through and what it must not: the same for the embedded broker and for Mosquitto."""

from __future__ import annotations

import queue
import socket
import ssl
from pathlib import Path

import pytest

from central.embedded.listener import PACKET_LIMIT_BYTES
from central.embedded.mosquitto import PAYLOAD_LIMIT_BYTES
from protocol.topics import CHANNELS, every, topic
from tests.integration.services import WAIT_S, Certificates, Client, RunningBroker

EVERYTHING = tuple(every(channel) for channel in CHANNELS)


def _drain(client: Client) -> list[tuple[str, bytes]]:
    messages = []
    while not client.messages.empty():
        messages.append(client.messages.get_nowait())
    return messages


@pytest.mark.parametrize("channel", ["up", "ask", "state"])
def test_an_agent_reaches_central_on_its_own_topics(broker: RunningBroker, channel: str) -> None:
    with Client(broker, "central").connect() as central, Client(broker, "shop-1").connect() as agent:
        central.subscribe(*EVERYTHING)
        agent.publish(f"countermark/1/{channel}/shop-1", b"hello")
        assert central.next_message() == (f"countermark/1/{channel}/shop-1", b"hello")


def test_central_reaches_an_agent_on_its_down_topic(broker: RunningBroker) -> None:
    with Client(broker, "central").connect() as central, Client(broker, "shop-1").connect() as agent:
        assert agent.subscribe(topic("down", "shop-1")) == [1]
        central.publish(topic("down", "shop-1"), b"ack")
        assert agent.next_message() == ("countermark/1/down/shop-1", b"ack")


@pytest.mark.parametrize(
    "forged",
    [
        "countermark/1/up/shop-2",
        "countermark/1/ask/shop-2",
        "countermark/1/state/shop-2",
        "countermark/1/down/shop-2",
        "countermark/1/down/forger",
        "countermark/1/up/central",
        "countermark/1/up/forger/more",
        "countermark/1/up",
        "countermark/1/other/forger",
        "countermark/2/up/forger",
    ],
)
def test_a_forged_topic_is_delivered_to_nobody(broker: RunningBroker, forged: str) -> None:
    with (
        Client(broker, "central").connect() as central,
        Client(broker, "shop-2").connect() as victim,
        Client(broker, "forger").connect() as forger,
    ):
        central.subscribe("countermark/1/#")
        victim.subscribe(topic("down", "shop-2"))
        forger.subscribe(topic("down", "forger"))
        forger.publish(forged, b"forged", retain=True)
        forger.publish(topic("up", "forger"), b"true")
        assert central.next_message() == ("countermark/1/up/forger", b"true")
        # The same connection carries what was sent after the forgery: had it been let through, it would be here by now.
        central.publish(topic("down", "shop-2"), b"true")
        central.publish(topic("down", "forger"), b"true")
        assert victim.next_message() == ("countermark/1/down/shop-2", b"true")
        assert forger.next_message() == ("countermark/1/down/forger", b"true")
    with Client(broker, "central").connect() as later:
        later.subscribe("countermark/1/#")
        later.publish(topic("down", "last"), b"end")
        assert later.next_message() == ("countermark/1/down/last", b"end")


@pytest.mark.parametrize(
    "topic_filter",
    [
        "#",
        "countermark/#",
        "countermark/1/#",
        "countermark/1/+/+",
        "countermark/1/down/+",
        "countermark/1/down/#",
        "countermark/1/down/shop-2",
        "countermark/1/up/shop-2",
        "$SYS/#",
        "$share/spies/countermark/1/down/+",
    ],
)
def test_an_agent_hears_nothing_of_others_whatever_it_subscribes_to(
    broker: RunningBroker, topic_filter: str
) -> None:
    with (
        Client(broker, "central").connect() as central,
        Client(broker, "shop-2").connect() as victim,
        Client(broker, "spy").connect() as spy,
    ):
        victim.publish(topic("state", "shop-2"), b"here", retain=True)
        spy.subscribe(topic_filter)
        spy.subscribe(topic("down", "spy"))
        victim.publish(topic("up", "shop-2"), b"sale")
        central.publish(topic("down", "shop-2"), b"secret")
        central.publish(topic("down", "spy"), b"last")
        heard = [spy.next_message()]
        while heard[-1] != ("countermark/1/down/spy", b"last"):
            heard.append(spy.next_message())
        heard += _drain(spy)
        assert {name for name, _ in heard} == {"countermark/1/down/spy"}
        victim.publish(topic("state", "shop-2"), b"", retain=True)


def test_a_certificate_of_another_authority_is_refused(broker: RunningBroker, tmp_path: Path) -> None:
    foreign = Certificates(tmp_path, "Another authority").agent("shop-1")
    assert _connack_of_raw_connection(broker, foreign.certificate_file, foreign.key_file) == b""


def test_a_client_without_a_certificate_is_refused(broker: RunningBroker) -> None:
    assert _connack_of_raw_connection(broker, None, None) == b""


def test_a_connection_without_tls_is_refused(broker: RunningBroker) -> None:
    with socket.create_connection((broker.host, broker.port), WAIT_S) as plain:
        plain.sendall(_connect_packet("shop-1", keep_alive_s=60))
        assert _answer(plain) != b"\x20\x02\x00\x00"


def test_a_client_id_of_another_gains_nothing_and_disturbs_nobody(broker: RunningBroker) -> None:
    with (
        Client(broker, "central").connect() as central,
        Client(broker, "shop-1", will=(topic("state", "shop-1"), b"gone")) as agent,
    ):
        central.subscribe(*EVERYTHING)
        agent.connect()
        agent.subscribe(topic("down", "shop-1"))
        for clean_session in (True, False):
            with Client(broker, "shop-2", client_id="shop-1", clean_session=clean_session) as thief:
                if thief.try_connect() == 0:
                    thief.subscribe(topic("down", "shop-1"))
                central.publish(topic("down", "shop-1"), b"for shop 1")
                assert agent.next_message() == ("countermark/1/down/shop-1", b"for shop 1")
                assert thief.messages.empty()
        agent.publish(topic("up", "shop-1"), b"still here")
        assert central.next_message()[0] == "countermark/1/down/shop-1"
        assert central.next_message()[0] == "countermark/1/down/shop-1"
        assert central.next_message() == ("countermark/1/up/shop-1", b"still here")
        assert not agent.disconnected.is_set()


def test_a_will_on_anothers_topic_is_never_published(broker: RunningBroker) -> None:
    with Client(broker, "central").connect() as central:
        central.subscribe(*EVERYTHING)
        liar = Client(broker, "liar", will=(topic("state", "shop-1"), b"forged"))
        if liar.try_connect() == 0:
            liar.vanish()
        with Client(broker, "liar").connect() as again:
            again.publish(topic("up", "liar"), b"after")
            assert central.next_message() == ("countermark/1/up/liar", b"after")


def test_an_agent_that_vanishes_leaves_its_will(broker: RunningBroker) -> None:
    with Client(broker, "central").connect() as central:
        central.subscribe(topic("state", "shop-3"))
        agent = Client(broker, "shop-3", will=(topic("state", "shop-3"), b"gone")).connect()
        agent.publish(topic("state", "shop-3"), b"here", retain=True)
        assert central.next_message() == ("countermark/1/state/shop-3", b"here")
        agent.vanish()
        assert central.next_message() == ("countermark/1/state/shop-3", b"gone")
    with Client(broker, "central").connect() as later:
        later.subscribe(topic("state", "shop-3"))
        assert later.next_message() == ("countermark/1/state/shop-3", b"gone")


def test_an_agent_that_says_goodbye_leaves_no_will(broker: RunningBroker) -> None:
    with Client(broker, "central").connect() as central:
        central.subscribe(topic("state", "shop-4"), topic("up", "shop-5"))
        with Client(broker, "shop-4", will=(topic("state", "shop-4"), b"gone")).connect() as agent:
            agent.publish(topic("state", "shop-4"), b"here")
        with Client(broker, "shop-5").connect() as other:
            other.publish(topic("up", "shop-5"), b"after")
        assert [central.next_message(), central.next_message()] == [
            ("countermark/1/state/shop-4", b"here"),
            ("countermark/1/up/shop-5", b"after"),
        ]


def test_an_agent_gone_silent_is_given_up_after_one_and_a_half_keep_alives(broker: RunningBroker) -> None:
    files = broker.client_files("shop-6")
    with Client(broker, "central").connect() as central:
        central.subscribe(topic("state", "shop-6"))
        context = _tls(broker, files.certificate_file, files.key_file)
        with (
            socket.create_connection((broker.host, broker.port), WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as silent,
        ):
            silent.sendall(
                _connect_packet("shop-6", keep_alive_s=1, will=(topic("state", "shop-6"), b"gone"))
            )
            assert silent.recv(4) == b"\x20\x02\x00\x00"
            assert central.next_message() == ("countermark/1/state/shop-6", b"gone")


def test_the_newer_connection_of_an_agent_ends_the_older(broker: RunningBroker) -> None:
    files = broker.client_files("shop-7")
    will = (topic("state", "shop-7"), b"gone")
    with Client(broker, "central").connect() as central:
        central.subscribe(topic("state", "shop-7"))
        older = Client(broker, "shop-7", files=files, will=will).connect()
        with Client(broker, "shop-7", files=files, will=will).connect() as newer:
            assert older.disconnected.wait(WAIT_S)
            newer.publish(topic("state", "shop-7"), b"here", retain=True)
            heard = [central.next_message()[1]]
            while heard[-1] != b"here":
                heard.append(central.next_message()[1])
            newer.subscribe(topic("down", "shop-7"))
            central.publish(topic("down", "shop-7"), b"to the newer")
            assert newer.next_message() == ("countermark/1/down/shop-7", b"to the newer")
            assert central.messages.empty()
        older.paho.loop_stop()


def test_a_retained_state_waits_for_central_and_is_shown_to_no_agent(broker: RunningBroker) -> None:
    with Client(broker, "shop-8").connect() as agent:
        agent.publish(topic("state", "shop-8"), b"here", retain=True)
    with (
        Client(broker, "central").connect() as central,
        Client(broker, "shop-9", clean_session=False).connect() as other,
    ):
        central.subscribe(topic("state", "shop-8"))
        assert central.next_message() == ("countermark/1/state/shop-8", b"here")
        other.subscribe(topic("down", "shop-9"))
        central.publish(topic("down", "shop-9"), b"only this")
        assert other.next_message() == ("countermark/1/down/shop-9", b"only this")


def test_the_largest_message_passes(broker: RunningBroker) -> None:
    payload = bytes(range(256)) * (PAYLOAD_LIMIT_BYTES // 256)
    with Client(broker, "central").connect() as central, Client(broker, "shop-1").connect() as agent:
        central.subscribe(every("up"))
        agent.publish(topic("up", "shop-1"), payload)
        assert central.next_message() == ("countermark/1/up/shop-1", payload)


def test_a_message_beyond_the_limit_ends_its_connection(broker: RunningBroker) -> None:
    with Client(broker, "central").connect() as central, Client(broker, "shop-1").connect() as agent:
        central.subscribe(every("up"))
        agent.paho.publish(topic("up", "shop-1"), b"x" * (PACKET_LIMIT_BYTES + 1), qos=1)
        assert agent.disconnected.wait(WAIT_S)
        with pytest.raises(queue.Empty):
            central.messages.get_nowait()


def test_two_thousand_messages_pass_without_a_stall_and_in_order(broker: RunningBroker) -> None:
    with Client(broker, "central").connect() as central, Client(broker, "shop-1").connect() as agent:
        central.subscribe(every("up"))
        sent = [
            agent.paho.publish(topic("up", "shop-1"), str(number).encode(), qos=1) for number in range(2000)
        ]
        sent[-1].wait_for_publish(WAIT_S)
        assert [int(central.next_message()[1]) for _ in range(2000)] == list(range(2000))


def test_clients_that_come_and_go_cost_no_message_of_another(broker: RunningBroker) -> None:
    with (
        Client(broker, "first").connect() as first,
        Client(broker, "central").connect() as central,
        Client(broker, "shop-1").connect() as agent,
    ):
        first.subscribe(topic("down", "first"))
        central.subscribe(every("up"))
        files = [(f"guest-{number}", broker.client_files(f"guest-{number}")) for number in range(10)]
        sent = []
        for _ in range(3):
            for name, own_files in files:
                with Client(broker, name, files=own_files).connect() as guest:
                    sent += [agent.paho.publish(topic("up", "shop-1"), b"x", qos=1) for _ in range(20)]
                    guest.subscribe(topic("down", name))
        sent[-1].wait_for_publish(WAIT_S)
        assert [central.next_message()[1] for _ in sent] == [b"x"] * 600


def _tls(broker: RunningBroker, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(broker.ca_file))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


def _connack_of_raw_connection(broker: RunningBroker, certificate: Path | None, key: Path | None) -> bytes:
    """What the broker answers to a CONNECT; empty when it ends the connection instead."""
    try:
        with (
            socket.create_connection((broker.host, broker.port), WAIT_S) as plain,
            _tls(broker, certificate, key).wrap_socket(plain, server_hostname=broker.host) as secured,
        ):
            secured.sendall(_connect_packet("shop-1", keep_alive_s=60))
            return _answer(secured)
    except (ssl.SSLError, ConnectionError):
        return b""


def _answer(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4)
    except ConnectionError:
        return b""


def _connect_packet(client_id: str, keep_alive_s: int, will: tuple[str, bytes] | None = None) -> bytes:
    def text(value: bytes) -> bytes:
        return len(value).to_bytes(2, "big") + value

    flags = 0x02 if will is None else 0x02 | 0x04 | 0x08
    body = text(b"MQTT") + bytes((4, flags)) + keep_alive_s.to_bytes(2, "big") + text(client_id.encode())
    if will is not None:
        body += text(will[0].encode()) + text(will[1])
    return bytes((0x10, len(body))) + body
