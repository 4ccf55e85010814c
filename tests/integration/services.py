"""Real services for the integration tests: certificates, a Mosquitto, an embedded broker, and an MQTT client to ask them."""

from __future__ import annotations

import queue
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from agent.identity.keys import make_key, make_request
from central.authority.certificates import (
    Credentials,
    create_authority,
    issue_central,
    issue_server,
    sign_agent,
)
from central.authority.files import certificate_path, key_path, save
from central.authority.names import FIRST_WORKER, central_name, is_central
from central.embedded.broker_process import start_broker
from central.embedded.listener import BrokerSettings
from central.embedded.mosquitto import MosquittoPaths, access_list, configuration

WAIT_S = 20.0


@dataclass(frozen=True)
class ClientFiles:
    """The certificate and key files of one client."""

    certificate_file: Path
    key_file: Path


class Certificates:
    """An authority of its own in a directory, and what it issues."""

    def __init__(self, directory: Path, name: str = "Test authority") -> None:
        self.directory = directory
        self.authority = create_authority(name, datetime.now(UTC))
        self._lock = threading.Lock()
        save(directory, "ca", self.authority.credentials)

    @property
    def ca_file(self) -> Path:
        return certificate_path(self.directory, "ca")

    def server(self) -> ClientFiles:
        """The broker's own, for 127.0.0.1 and localhost."""
        return self._keep(
            "broker", issue_server(self.authority, ["localhost", "127.0.0.1"], datetime.now(UTC))
        )

    def central(self, worker: str = FIRST_WORKER) -> ClientFiles:
        """The client certificate of a central process."""
        issued = issue_central(self.authority, datetime.now(UTC), worker)
        return self._keep(central_name(worker), issued)

    def agent(self, agent: str) -> ClientFiles:
        """An agent's client certificate, by way of a certificate request."""
        key = make_key()
        certificate = sign_agent(self.authority, make_request(key, agent), agent, datetime.now(UTC))
        return self._keep(agent, Credentials(key, certificate))

    def _keep(self, name: str, credentials: Credentials) -> ClientFiles:
        with self._lock:
            save(self.directory, name, credentials)
        return ClientFiles(certificate_path(self.directory, name), key_path(self.directory, name))


@dataclass(frozen=True)
class RunningBroker:
    """A broker that listens, and the authority that it trusts."""

    kind: str
    host: str
    port: int
    certificates: Certificates

    @property
    def ca_file(self) -> Path:
        return self.certificates.ca_file

    def client_files(self, identity: str) -> ClientFiles:
        """A client certificate for a name of central's, or an agent."""
        if is_central(identity):
            return self.certificates.central(identity.removeprefix("central").lstrip("-") or FIRST_WORKER)
        return self.certificates.agent(identity)


@contextmanager
def mosquitto(directory: Path) -> Iterator[RunningBroker]:
    """A Mosquitto with the project's configuration on a free port of the loopback interface."""
    program = shutil.which(
        "mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"
    )
    assert program is not None, "Mosquitto is missing; install it (Debian: apt-get install mosquitto)"
    certificates = Certificates(directory / "certificates")
    server = certificates.server()
    port = free_port()
    acl_file, configuration_file = directory / "countermark.acl", directory / "countermark.conf"
    paths = MosquittoPaths(acl_file, certificates.ca_file, server.certificate_file, server.key_file)
    acl_file.write_text(access_list())
    # Started by root, Mosquitto would become another account, which may not enter a test's directory.
    text = configuration(paths, port=port, bind_address="127.0.0.1") + "user root\n"
    configuration_file.write_text(text)
    with (directory / "mosquitto.log").open("wb") as log:
        process = subprocess.Popen([program, "-c", configuration_file], stdout=log, stderr=log)
    try:
        wait_for_listener(port, process, directory / "mosquitto.log")
        yield RunningBroker("mosquitto", "127.0.0.1", port, certificates)
    finally:
        process.terminate()
        process.wait(WAIT_S)


@contextmanager
def amqtt(directory: Path) -> Iterator[RunningBroker]:
    """The embedded broker in a process of its own, on a free port of the loopback interface."""
    certificates = Certificates(directory / "certificates")
    server = certificates.server()
    settings = BrokerSettings(certificates.ca_file, server.certificate_file, server.key_file)
    with start_broker(settings, directory / "broker.log") as process:
        yield RunningBroker("amqtt", process.host, process.port, certificates)
    log = (directory / "broker.log").read_text()
    assert "Traceback" not in log, log


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for_listener(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a port answers; the log's text if the process ends instead."""
    answered = threading.Event()
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        answered.wait(0.05)
    raise AssertionError(f"nobody listens on port {port}: {log.read_text()}")


class Client:
    """An MQTT client that waits: for the connection, for a subscription's answer, for the next message."""

    def __init__(
        self,
        broker: RunningBroker,
        identity: str,
        *,
        client_id: str | None = None,
        files: ClientFiles | None = None,
        will: tuple[str, bytes] | None = None,
        clean_session: bool = True,
        keep_alive_s: int = 60,
    ) -> None:
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.disconnected = threading.Event()
        self._connected: queue.Queue[ReasonCode] = queue.Queue()
        self._subscribed: queue.Queue[list[ReasonCode]] = queue.Queue()
        self._broker = broker
        self._keep_alive_s = keep_alive_s
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=identity if client_id is None else client_id,
            protocol=mqtt.MQTTv311,
            clean_session=clean_session,
            reconnect_on_failure=False,
        )
        files = files or broker.client_files(identity)
        self.paho.tls_set(str(broker.ca_file), str(files.certificate_file), str(files.key_file))
        if will is not None:
            self.paho.will_set(will[0], will[1], qos=1, retain=True)
        self.paho.on_connect = self._on_connect
        self.paho.on_subscribe = self._on_subscribe
        self.paho.on_message = self._on_message
        self.paho.on_disconnect = self._on_disconnect

    def connect(self) -> Self:
        """Connect, and insist on being accepted."""
        answer = self.try_connect()
        assert answer == 0, answer
        return self

    def try_connect(self) -> ReasonCode:
        """The broker's answer to a connection."""
        self.paho.connect(self._broker.host, self._broker.port, self._keep_alive_s)
        self.paho.loop_start()
        return self._connected.get(timeout=WAIT_S)

    def subscribe(self, *topic_filters: str) -> list[int]:
        """Subscribe with QoS 1; the granted QoS or 128 for each filter."""
        self.paho.subscribe([(topic_filter, 1) for topic_filter in topic_filters])
        return [code.value for code in self._subscribed.get(timeout=WAIT_S)]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with QoS 1 and wait until the broker has taken it."""
        self.paho.publish(topic, payload, qos=1, retain=retain).wait_for_publish(WAIT_S)

    def next_message(self) -> tuple[str, bytes]:
        """The next message, waiting for it."""
        return self.messages.get(timeout=WAIT_S)

    def vanish(self) -> None:
        """Go away without a word, as a machine does that loses its power."""
        self.paho.loop_stop()
        connection = self.paho.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        self.paho._sock_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()

    def _on_connect(self, _: mqtt.Client, __: Any, ___: Any, code: ReasonCode, ____: Any) -> None:
        self._connected.put(code)

    def _on_subscribe(self, _: mqtt.Client, __: Any, ___: int, codes: list[ReasonCode], ____: Any) -> None:
        self._subscribed.put(codes)

    def _on_message(self, _: mqtt.Client, __: Any, message: mqtt.MQTTMessage) -> None:
        self.messages.put((message.topic, bytes(message.payload)))

    def _on_disconnect(self, *_: Any) -> None:
        self.disconnected.set()
