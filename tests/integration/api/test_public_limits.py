"""The public check: who may ask, how often, and what no request may bring about."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest

from tests.integration.api.public import Brand, open_brand
from tests.integration.api.world import WATCH, WATER, World

UNTAKEN = "A7K2-NOBODY"


@pytest.fixture
def brand(world: World) -> Iterator[Brand]:
    with open_brand(world) as opened:
        yield opened


def address(serial: str) -> str:
    return f"/01/{WATCH}/21/{serial}"


def test_a_client_that_asks_too_often_is_told_when_to_come_back(world: World) -> None:
    with open_brand(world, burst=3, checks_per_minute=1) as brand:
        answers = [brand.get(address(UNTAKEN)) for _ in range(4)]
        other = brand.get(address(UNTAKEN), network="198.51.100.1")
    assert [one.status_code for one in (*answers, other)] == [200, 200, 200, 429, 200]
    assert (1 <= int(answers[3].headers["retry-after"]) <= 60, answers[3].json()["title"]) == (
        True,
        "Too many requests",
    )


def test_whoever_invents_forwarded_addresses_is_limited_all_the_same(world: World) -> None:
    with open_brand(world, burst=2, checks_per_minute=1, trusted_proxies=()) as brand:
        answers = [
            brand.get(address(UNTAKEN), network=f"203.0.113.{number}").status_code for number in range(4)
        ]
    assert answers == [200, 200, 429, 429]


def test_all_together_are_limited(world: World) -> None:
    with open_brand(world, checks_per_second=2) as brand:
        answers = [
            brand.get(address(UNTAKEN), network=f"203.0.{number}.7").status_code for number in range(12)
        ]
    assert answers.count(429) > 0


def test_switched_off_there_is_nothing(world: World) -> None:
    with open_brand(world, enabled=False) as brand:
        paths = (address("A"), "/.well-known/gs1resolver", f"/c/{'A' * 20}")
        assert [brand.get(path).status_code for path in paths] == [404] * 3


def test_under_another_host_name_than_the_set_one_there_is_nothing(world: World) -> None:
    with open_brand(world, host="id.example.com") as brand:
        hosts = ("id.example.com", "ID.Example.COM:443", "central.example.com")
        assert [brand.get(f"/01/{WATCH}", Host=host).status_code for host in hosts] == [200, 200, 404]


def test_while_the_database_is_away_the_answer_says_so_and_nothing_about_the_item(world: World) -> None:
    with open_brand(world) as brand:
        world.database.close()
        world.database.url = "postgresql://nobody@127.0.0.1:1/nothing"
        world.database._arguments["port"] = 1
        answers = [brand.get(address(UNTAKEN), Accept=kind) for kind in ("text/html", "application/json")]
    assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [(503, "5")] * 2


def test_a_check_sees_no_row_of_any_site(brand: Brand) -> None:
    brand.world.sold_items("A7K2", site="D1")
    with brand.world.database.transaction(sites=(), role="countermark_api") as connection:
        seen = [
            connection.execute("SELECT count(*) FROM items").fetchone(),
            connection.execute("SELECT state FROM public_item(%s)", (f"01{WATCH}21A7K2",)).fetchone(),
        ]
    assert seen == [(0,), ("sellable",)]


def test_other_addresses_are_answered_as_if_the_check_were_not_there(brand: Brand) -> None:
    got = {
        path: brand.get(path).status_code
        for path in ("/v1/nothing", "/favicon.ico", "/", "/healthz", "/not-a-compressed-link")
    }
    assert got == {
        "/v1/nothing": 404,
        "/favicon.ico": 404,
        "/": 404,
        "/healthz": 200,
        "/not-a-compressed-link": 404,
    }
    assert [brand.get(path, method="POST").status_code for path in (address("A"), "/healthz")] == [405, 405]


ALPHABET = [
    "01",
    "21",
    "10",
    "22",
    "235",
    "00",
    "8006",
    "gtin",
    "c",
    WATCH,
    WATER,
    "A7K2",
    "%2F",
    "%",
    "..",
    "",
    "A" * 30,
    "é",
    "\x00",
    "%00",
]


def status_of(brand: Brand, target: bytes, accept: bytes) -> int:
    """The status of an answer to a request line as it stands: no client would send some of these."""
    address = (brand.client.base_url.host, brand.client.base_url.port or 80)
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(
            b"GET %b HTTP/1.1\r\nHost: x\r\nAccept: %b\r\nConnection: close\r\n\r\n" % (target, accept)
        )
        return int(connection.makefile("rb").readline().split()[1])


def test_whatever_is_asked_the_answer_is_never_a_fault_of_ours(brand: Brand) -> None:
    chance = random.Random(20261)
    kinds = ["text/html", "application/json", "application/linkset+json", ",;q=", "é"]
    statuses: dict[int, str] = {}
    for _ in range(600):
        path = "/" + "/".join(chance.choice(ALPHABET) for _ in range(chance.randint(1, 6)))
        pairs = [f"{chance.choice(ALPHABET)}={chance.choice(ALPHABET)}" for _ in range(chance.randint(0, 3))]
        target = f"{path}?{'&'.join(pairs)}"
        statuses[status_of(brand, target.encode(), chance.choice(kinds).encode())] = target
    assert ({status for status in statuses if status >= 500}, statuses.keys() >= {200, 400, 404}) == (
        set(),
        True,
    ), statuses
