"""Who asks: the address behind the proxies, what is limited by it, and the coarse network that is counted. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_COUNTED_BITS = {4: 24, 6: 48}
"""What is counted as one place: 256 addresses, or one customer of an IPv6 provider. Coarse on purpose."""
_LIMITED_BITS = {4: 32, 6: 64}
"""What is limited as one client. Whoever has one IPv6 address has 2^64 of them."""
_WITH_PORT = re.compile(r"(?P<v4>\d+\.\d+\.\d+\.\d+):\d+|\[(?P<v6>[^\]]+)\](?::\d+)?")
_HASH_BYTES = 6


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """The client's address. ``forwarded``: the values of X-Forwarded-For, in the order of the header lines.

    Every proxy writes at the end what it has seen itself; so the list is read from its end, as far as those who wrote it are trusted. What
    stands before that is the client's own invention. None where not even the peer has an address.
    """
    address = _address(peer)
    entries = [entry for value in forwarded for entry in value.split(",")]
    while address is not None and entries and _is_trusted(address, trusted):
        before = _address(entries.pop())
        if before is None:
            break
        address = before
    return address


def limited_as(address: Address | None) -> str:
    """The key under which a client is limited; those without an address share one."""
    return "unknown" if address is None else str(_network(address, _LIMITED_BITS))


def counted_as(address: Address | None) -> str:
    """The network that a check is counted for. Not kept anywhere: see :func:`hashed`."""
    return "unknown" if address is None else str(_network(address, _COUNTED_BITS))


def hashed(network: str, salt: bytes) -> str:
    """The network as it is kept for a day. Without the salt, which goes with the day, nobody can tell what it was."""
    return hashlib.blake2b(network.encode(), digest_size=_HASH_BYTES, key=salt).hexdigest()


def parse_network(text: str) -> Network:
    """An address or a network, as in a setting. Raises ValueError."""
    return ip_network(text)


def _network(address: Address, bits: dict[int, int]) -> Network:
    return ip_network((address, bits[address.version]), strict=False)


def _address(text: str | None) -> Address | None:
    """An address as proxies write it: with or without a port; an IPv4 address in IPv6 clothes is that IPv4 address."""
    stripped = (text or "").strip().strip('"')
    if match := _WITH_PORT.fullmatch(stripped):
        stripped = match["v4"] or match["v6"]
    try:
        address = ip_address(stripped.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted if network.version == address.version)
