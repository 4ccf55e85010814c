"""Agents asking each other over TLS, on this machine."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.clock import Clock
from agent.neighbours.messages import ItemTold
from agent.neighbours.service import Neighbours
from agent.neighbours.tls import GRACE_S
from central.authority.certificates import create_authority, issue_server
from tests.agent.neighbours.lan import ITEM, Lan, has_sold, nothing, wait_for, wait_until_open

SOLD = ItemTold(agent="till-2", site="site-1", state="sold", at_us=1_000)


@pytest.fixture
def lan(tmp_path: Path) -> Lan:
    return Lan(tmp_path)


def test_a_neighbour_tells_what_its_journal_did_to_an_item(lan: Lan) -> None:
    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (_, port),
        lan.asking("till-1", ("till-2", port)) as asking,
    ):
        wait_until_open(asking)
        assert asking.ask_item(ITEM, 5_000) == (SOLD,)


def test_a_neighbour_that_never_saw_the_item_says_nothing_of_it(lan: Lan) -> None:
    with (
        lan.answering("till-2", nothing, "till-1") as (_, port),
        lan.asking("till-1", ("till-2", port)) as asking,
    ):
        wait_until_open(asking)
        assert asking.ask_item(ITEM, 5_000) == ()


def test_many_questions_go_over_one_connection(lan: Lan) -> None:
    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (_, port),
        lan.asking("till-1", ("till-2", port)) as asking,
    ):
        wait_until_open(asking)
        assert [asking.ask_item(item, 5_000) for item in (ITEM, "other", ITEM)] == [(SOLD,), (), (SOLD,)]


def test_a_sale_is_told_at_once_although_another_neighbour_is_silent(lan: Lan) -> None:
    release = threading.Event()

    def silent(_: str) -> None:
        release.wait(30)

    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (_, quick),
        lan.answering("till-3", silent, "till-1") as (_, slow),
        lan.asking("till-1", ("till-2", quick), ("till-3", slow)) as asking,
    ):
        wait_until_open(asking)
        told = asking.ask_item(
            ITEM, 60_000
        )  # the test would end long after its own time if the silent one were waited for
        release.set()
        assert told == (SOLD,)


def test_a_silent_neighbour_is_given_up_when_the_time_is_over(lan: Lan) -> None:
    release = threading.Event()

    def silent(_: str) -> None:
        release.wait(30)

    with (
        lan.answering("till-2", silent, "till-1") as (_, port),
        lan.asking("till-1", ("till-2", port)) as asking,
    ):
        wait_until_open(asking)
        told = asking.ask_item(ITEM, 100)
        trouble = asking.status().agents[0].trouble
        release.set()
        assert (told, trouble) == ((), f"neighbour till-2 at 127.0.0.1:{port}: did not answer in time")


def test_a_neighbour_that_is_off_is_not_asked_and_said_to_be_off(lan: Lan) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with lan.asking("till-1", ("till-2", port)) as asking:
            wait_for(lambda: asking.status().agents[0].trouble is not None, asking.status)
            assert not asking.is_any
            assert asking.ask_item(ITEM, 60_000) == ()


def test_a_neighbour_under_another_name_is_not_asked(lan: Lan) -> None:
    with (
        lan.answering("till-9", has_sold("till-9"), "till-1") as (_, port),
        lan.asking("till-1", ("till-2", port)) as asking,
    ):
        wait_for(lambda: asking.status().agents[0].trouble is not None, asking.status)
        told = asking.status().agents[0]
        assert (told.is_open, told.trouble) == (
            False,
            f"neighbour till-2 at 127.0.0.1:{port}: is agent 'till-9'; correct its name or its url",
        )


def test_an_agent_that_is_not_in_the_list_gets_no_answer(lan: Lan) -> None:
    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (answering, port),
        lan.asking("till-7", ("till-2", port)) as asking,
    ):
        wait_for(lambda: answering.status().refused is not None, answering.status)
        assert asking.ask_item(ITEM, 5_000) == ()
        assert answering.status().refused == (
            "agent 'till-7' asked here and is not in the list; if it is a neighbour, add it under [[neighbours.agents]]"
        )


def test_a_certificate_of_another_authority_gets_nowhere(lan: Lan) -> None:
    foreign = create_authority("Another brand", datetime.now(UTC))
    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (_, port),
        lan.asking(
            "till-1", ("till-2", port), certificates=lan.certificates("till-1", authority=foreign)
        ) as asking,
    ):
        wait_for(lambda: asking.status().agents[0].trouble is not None, asking.status)
        assert asking.ask_item(ITEM, 5_000) == ()


def test_nobody_connects_without_a_certificate(lan: Lan) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    heard = b""
    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (_, port),
        contextlib.suppress(OSError),
        context.wrap_socket(socket.create_connection(("127.0.0.1", port))) as line,
    ):
        line.sendall(b"POST /v1/neighbour/item HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        heard = line.recv(100)
    assert heard == b""


def test_the_certificate_of_a_server_of_the_brand_is_no_neighbour(lan: Lan, tmp_path: Path) -> None:
    server = issue_server(lan.authority, ["till-2"], datetime.now(UTC))
    files = lan.certificates("till-2")
    files.key.write_bytes(server.key_pem)
    files.certificate.write_bytes(server.certificate_pem)
    with (
        lan.answering("till-1", nothing, "till-2") as (_, port),
        lan.asking("till-2", ("till-1", port), certificates=files) as asking,
    ):
        wait_for(lambda: asking.status().agents[0].trouble is not None, asking.status)
        assert asking.ask_item(ITEM, 5_000) == ()


def test_a_certificate_that_ran_out_while_the_line_was_down_still_counts(lan: Lan) -> None:
    last_week = lan.certificates("till-1", at=datetime.now(UTC) - timedelta(days=9))
    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (_, port),
        lan.asking("till-1", ("till-2", port), certificates=last_week) as asking,
    ):
        wait_until_open(asking)
        assert asking.ask_item(ITEM, 5_000) == (SOLD,)


def test_a_certificate_that_ran_out_long_ago_does_not(lan: Lan) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=8, seconds=GRACE_S)
    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (answering, port),
        lan.asking(
            "till-1", ("till-2", port), certificates=lan.certificates("till-1", at=long_ago)
        ) as asking,
    ):
        wait_for(lambda: answering.status().refused is not None, answering.status)
        assert asking.ask_item(ITEM, 5_000) == ()


def test_a_renewed_certificate_is_used_from_the_next_connection_on(lan: Lan) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=8, seconds=GRACE_S)
    with (
        lan.answering("till-2", has_sold("till-2"), "till-1") as (_, port),
        lan.asking(
            "till-1", ("till-2", port), certificates=lan.certificates("till-1", at=long_ago)
        ) as asking,
    ):
        wait_for(lambda: asking.status().agents[0].trouble is not None, asking.status)
        asking.use_certificates(lan.certificates("till-1"))
        wait_until_open(asking)
        wait_for(lambda: asking.ask_item(ITEM, 5_000) == (SOLD,), asking.status)


def test_an_address_that_cannot_be_listened_on_is_told(lan: Lan) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        blocked = Neighbours([], lan.certificates("till-3"), Clock(), nothing, taken.getsockname())
        blocked.start()
        wait_for(lambda: blocked.status().trouble is not None, blocked.status)
        told = blocked.status().trouble
        blocked.stop()
        assert told is not None
        assert "cannot listen on 127.0.0.1" in told
