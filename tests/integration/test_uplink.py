"""The agent's link over real brokers, each in turn, with certificates."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from protocol.events import Sale, decode_event
from protocol.messages import Ack, Changed, EpochGranted, Held, Presence
from tests.integration.linked_machine import AGENT, Machine, sold
from tests.integration.services import Certificates, RunningBroker, free_port
from tests.integration.small_central import SmallCentral


@pytest.fixture
def central(broker: RunningBroker) -> Iterator[SmallCentral]:
    with SmallCentral(broker) as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path, broker: RunningBroker, central: SmallCentral) -> Iterator[Machine]:
    """An enrolled machine, not yet started."""
    running = Machine(tmp_path / "one", broker)
    running.journal.open_first_epoch(central.enrol(AGENT))
    yield running
    running.stop()


def test_sales_made_before_and_after_the_link_came_up_reach_central_once(
    machine: Machine, central: SmallCentral
) -> None:
    machine.sell(700, "before")
    machine.start()
    machine.wait_until_all_is_sent()
    machine.sell(3, "after")
    machine.wait_until_all_is_sent()
    assert sold(central) == [f"before{n}" for n in range(700)] + [f"after{n}" for n in range(3)]


def test_lost_acks_double_nothing(machine: Machine, central: SmallCentral) -> None:
    lost: list[object] = []

    def lose_some(message: object) -> bool:
        if isinstance(message, Ack) and len(lost) < 3:
            lost.append(message)
            return False
        return True

    central.may_answer = lose_some
    machine.sell(600)
    machine.start()
    machine.wait_until_all_is_sent()
    assert (len(lost), sold(central)) == (3, [f"s{n}" for n in range(600)])


def test_a_machine_restored_from_an_old_image_goes_on_in_a_new_epoch_and_says_so(
    machine: Machine, central: SmallCentral, tmp_path: Path, broker: RunningBroker
) -> None:
    machine.sell(5, "kept")
    machine.start()
    machine.wait_until_all_is_sent()
    machine.stop()
    image = tmp_path / "image"
    shutil.copytree(tmp_path / "one", image)
    used = Machine(tmp_path / "one", broker)
    used.sell(4, "lost")
    used.start()
    used.wait_until_all_is_sent()
    used.stop()
    restored = Machine(image, broker)
    restored.sell(2, "again")
    restored.start()
    restored.wait_for(lambda status: status.phase == "idle" and status.unsent == 0)
    kinds = [notice.kind for notice in restored.notices()]
    restored.stop()
    expected = [*(f"kept{n}" for n in range(5)), *(f"lost{n}" for n in range(4)), "again0", "again1"]
    assert (sold(central), kinds) == (expected, ["fork"])


def test_a_central_restored_from_a_backup_is_given_the_rest_again(
    machine: Machine, central: SmallCentral
) -> None:
    machine.sell(10)
    machine.start()
    epoch = machine.wait_until_all_is_sent().epoch
    central.books[AGENT].set_back(epoch, 4)
    machine.sell(1, "next")
    central.wait_until(lambda: len(sold(central)) == 11)
    assert sold(central) == [*(f"s{n}" for n in range(10)), "next0"]


def test_a_row_that_cannot_be_mended_is_passed_over_with_a_stand_in(
    machine: Machine, central: SmallCentral
) -> None:
    machine.sell(5)
    damage = "UPDATE journal SET body = x'00' WHERE seq = 3"
    machine.store.write(lambda at: at.execute(damage).rowcount).result()
    machine.start()
    machine.wait_until_all_is_sent()
    bodies = central.books[AGENT].bodies()
    readable = [decode_event(body).body for body in bodies if b"damaged_row" not in body]
    assert [sale.sale_id for sale in readable if isinstance(sale, Sale)] == ["s0", "s1", "s3", "s4"]
    assert len(bodies) == 5


def test_feeds_are_pulled_in_chunks_and_again_when_central_hints(
    machine: Machine, central: SmallCentral
) -> None:
    central.feeds["catalogue"] = {f"{n:014}": b'{"n":%d}' % n for n in range(250)}
    machine.start()
    machine.wait_for(lambda _: machine.replica.synced_at_us("stock") is not None)
    machine.wait_for(lambda _: machine.replica.synced_at_us("catalogue") is not None)
    assert len(machine.replica.rows("catalogue")) == 250
    central.feeds["catalogue"]["new"] = b"{}"
    central.send(AGENT, Changed(feeds={"catalogue": 251}))
    machine.wait_for(lambda _: machine.replica.version("catalogue") == 251)
    assert machine.replica.get("catalogue", "new") == b"{}"


def test_a_question_is_answered_within_its_time(machine: Machine, central: SmallCentral) -> None:
    central.items["item-1"] = b'{"state":"sold"}'
    machine.start()
    machine.wait_for(lambda status: status.phase == "idle")
    answer = machine.uplink.ask_item("item-1", timeout_ms=5000)
    assert answer is not None
    assert answer.body == b'{"state":"sold"}'


def test_without_a_link_a_question_is_not_waited_for(machine: Machine) -> None:
    assert machine.uplink.ask_item("item-1", timeout_ms=60_000) is None


def test_messages_that_cannot_be_read_are_counted_and_kept_for_a_person(
    machine: Machine, central: SmallCentral
) -> None:
    machine.start()
    machine.wait_for(lambda status: status.phase == "idle")
    central.send_bytes(AGENT, b"\x63\x00 from the future")
    central.send_bytes(AGENT, b"rubbish")
    central.send(AGENT, Held(cause="a message of version 9"))
    machine.wait_for(lambda status: status.unreadable == 2)
    machine.sell(1)
    machine.wait_until_all_is_sent()
    assert sorted(notice.kind for notice in machine.notices()) == ["held", "unreadable", "unreadable"]


def test_presence_is_announced_and_withdrawn(machine: Machine, central: SmallCentral) -> None:
    machine.start()
    central.wait_until(lambda: any(presence.online for presence in central.presences))
    machine.stop()
    central.wait_until(lambda: not central.presences[-1].online)
    assert isinstance(central.presences[-1], Presence)


def test_a_grant_for_another_machine_changes_nothing(machine: Machine, central: SmallCentral) -> None:
    machine.start()
    epoch = machine.wait_until_all_is_sent().epoch
    foreign = EpochGranted(
        request_id="not ours", epoch="other", parent_epoch=epoch, parent_seq=0, parent_hash=bytes(32)
    )
    central.send(AGENT, foreign)
    machine.sell(1)
    machine.wait_until_all_is_sent()
    assert [line.epoch for line in machine.journal.lineage()] == [epoch]


def test_a_broker_that_is_away_at_start_is_named_and_met_when_it_comes(
    tmp_path: Path, broker: RunningBroker, central: SmallCentral
) -> None:
    port = free_port()
    machine = Machine(tmp_path / "two", broker, port=port)
    machine.journal.open_first_epoch(central.enrol(AGENT))
    machine.sell(1, "waiting")
    machine.start()
    machine.wait_for(lambda status: status.last_error is not None and f":{port}" in status.last_error)
    with _Forwarder(port, broker.port):
        machine.wait_until_all_is_sent()
        machine.stop()
    assert sold(central) == ["waiting0"]


def test_a_half_open_connection_is_noticed(tmp_path: Path, mosquitto: RunningBroker) -> None:
    port = free_port()
    machine = Machine(tmp_path / "two", mosquitto, port=port)
    with SmallCentral(mosquitto) as central, _Forwarder(port, mosquitto.port) as forwarder:
        machine.journal.open_first_epoch(central.enrol(AGENT))
        machine.start()
        machine.wait_until_all_is_sent()
        forwarder.swallow()
        machine.wait_for(lambda status: not status.online)
        machine.stop()


def test_a_broker_that_forbids_something_is_quoted(tmp_path: Path, mosquitto: RunningBroker) -> None:
    with SmallCentral(mosquitto) as central:
        machine = Machine(tmp_path / "two", mosquitto, "till-2", certificate_of="till-3")
        machine.journal.open_first_epoch(central.enrol("till-2"))
        machine.start()
        status = machine.wait_for(lambda status: status.last_error is not None)
        machine.stop()
    assert status.last_error == "the broker did not take a message of ours: Not authorized"


def test_a_broker_that_is_not_the_real_one_is_not_spoken_to(tmp_path: Path, mosquitto: RunningBroker) -> None:
    stranger = Certificates(tmp_path / "stranger", "Another authority")
    with SmallCentral(mosquitto) as central:
        machine = Machine(tmp_path / "two", mosquitto, ca_file=stranger.ca_file)
        machine.journal.open_first_epoch(central.enrol(AGENT))
        machine.start()
        status = machine.wait_for(lambda status: status.last_error is not None)
        machine.stop()
    assert "its certificate is not one to trust" in str(status.last_error)


def test_a_second_machine_under_the_same_name_is_reported(tmp_path: Path, mosquitto: RunningBroker) -> None:
    with SmallCentral(mosquitto) as central:
        first = Machine(tmp_path / "first", mosquitto)
        first.journal.open_first_epoch(central.enrol(AGENT))
        first.start()
        first.wait_until_all_is_sent()
        first.sell(1)
        first.wait_until_all_is_sent()
        first.stop()
        shutil.copytree(tmp_path / "first", tmp_path / "second")
        first, second = Machine(tmp_path / "first", mosquitto), Machine(tmp_path / "second", mosquitto)
        first.start()
        first.wait_until_all_is_sent()
        second.start()
        second.wait_until_all_is_sent()
        first.wait_for(lambda _: bool(first.notices()))
        kinds = [notice.kind for notice in first.notices()]
        first.stop()
        second.stop()
    assert kinds == ["identity"]


class _Forwarder:
    """Passes bytes between a port and the broker, until it is told to swallow them without a word."""

    def __init__(self, port: int, target_port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._target_port = target_port
        self._is_swallowing = threading.Event()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        self._is_swallowing.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target_port))
            except OSError:
                return
            self._sockets += [near, far]
            threading.Thread(target=self._pass, args=(near, far), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if not self._is_swallowing.is_set():
                    sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return
