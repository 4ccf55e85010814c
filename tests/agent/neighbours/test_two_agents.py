"""Two agents as processes of one shop, both without a line to central: what one has sold, the other knows."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from agent.identity import storage
from protocol.codes import render_element_string
from tests.agent.neighbours.lan import Lan, wait_for
from tests.agent.running_agent import RunningAgent, prepare, running
from tests.agent.shop_kit import CATALOGUE
from tests.agent.verification.signing_kit import code_key, label

SIGNED = f"]d2{render_element_string(label())}"


def enrol(lan: Lan, config: Path, agent: str, port: int, neighbour: str, neighbour_port: int) -> None:
    """Give a machine its name, its certificate and its neighbour."""
    data = config.parent / "data"
    identity = msgspec.structs.replace(storage.load(data), agent=agent)
    files = lan.certificates(agent)
    storage.save(
        identity,
        key_pem=files.key.read_bytes(),
        certificate_pem=files.certificate.read_bytes(),
        ca_pem=files.ca.read_bytes(),
    )
    with config.open("a", encoding="utf-8") as file:
        file.write(
            f'[neighbours]\nlisten = "127.0.0.1:{port}"\n[[neighbours.agents]]\nagent = {json.dumps(neighbour)}\n'
            f'url = "https://127.0.0.1:{neighbour_port}"\n'
        )


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """The local interfaces of two agents that have found each other."""
    lan = Lan(tmp_path)
    names, ports = ("agent-1", "till-2"), free_ports(2)
    now_us = time.time_ns() // 1000
    with ExitStack() as stack:
        clients: list[httpx.Client] = []
        for own, other in ((0, 1), (1, 0)):
            folder = tmp_path / names[own]
            folder.mkdir()
            config = prepare(folder, *CATALOGUE, code_key(), now_us=now_us, agent=names[own])
            enrol(lan, config, names[own], ports[own], names[other], ports[other])
            agent: RunningAgent = stack.enter_context(running(config, folder))
            clients.append(stack.enter_context(agent.client()))
        for client in clients:
            wait_for(lambda client=client: is_connected(client), lambda client=client: status(client))  # type: ignore[misc]
        yield clients[0], clients[1]


def status(client: httpx.Client) -> Any:
    return client.get("/v1/status").raise_for_status().json()["neighbours"]


def is_connected(client: httpx.Client) -> bool:
    return all(one["is_open"] for one in status(client)["agents"])


def scan(client: httpx.Client, code: str) -> Any:
    return client.post("/v1/scans", json={"code": code}).raise_for_status().json()


def test_what_one_till_has_sold_the_other_refuses_although_both_are_cut_off(
    pair: tuple[httpx.Client, httpx.Client],
) -> None:
    first, second = pair
    shown = scan(first, SIGNED)
    first.post("/v1/basket/complete", json={}).raise_for_status()
    again = scan(second, SIGNED)
    assert [
        (one["outcome"], one["finding"]["verdict"], one["finding"]["rests_on"]) for one in (shown, again)
    ] == [
        ("added", "genuine", "signature"),
        ("refused", "already_sold", "neighbour"),
    ]
    assert again["finding"]["sold_site"] == "site-1"


def test_an_item_that_no_neighbour_has_seen_is_sold_on_its_signature(
    pair: tuple[httpx.Client, httpx.Client],
) -> None:
    assert scan(pair[1], SIGNED)["finding"]["rests_on"] == "signature"
