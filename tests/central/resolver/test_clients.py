"""Who asks."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.resolver.clients import client_address, counted_as, hashed, limited_as, parse_network

TRUSTED = [parse_network(text) for text in ("127.0.0.1", "10.0.0.0/8", "::1")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.66, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["10.0.0.5"], "10.0.0.5"),
        ("127.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("127.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("127.0.0.1", ["unknown, 10.0.0.5"], "10.0.0.5"),
        ("127.0.0.1", ["<script>"], "127.0.0.1"),
        ("::ffff:127.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_is(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert client_address(peer, forwarded, TRUSTED) == ip_address(expected)


@pytest.mark.parametrize("peer", [None, "", "testclient"])
def test_a_peer_without_an_address_has_none(peer: str | None) -> None:
    assert client_address(peer, ["198.51.100.1"], TRUSTED) is None


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=4))
def test_no_header_is_a_fault(peer: str, forwarded: list[str]) -> None:
    address = client_address(peer, forwarded, TRUSTED)
    assert isinstance(limited_as(address) + counted_as(address), str)


def test_everybody_in_one_ipv6_network_is_one_client() -> None:
    keys = {limited_as(ip_address(f"2001:db8:1:2::{host:x}")) for host in range(1, 9)}
    assert keys == {"2001:db8:1:2::/64"}


def test_neighbours_are_limited_each_for_themselves_and_counted_as_one_place() -> None:
    one, other = ip_address("198.51.100.1"), ip_address("198.51.100.200")
    assert (limited_as(one) == limited_as(other), counted_as(one) == counted_as(other)) == (False, True)


def test_a_network_is_another_one_with_the_salt_of_another_day() -> None:
    assert hashed("198.51.100.0/24", b"monday") != hashed("198.51.100.0/24", b"tuesday")
