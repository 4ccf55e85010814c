"""Neighbours on the loopback interface, with real certificates of a real authority."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from agent.clock import Clock
from agent.identity.keys import make_key, make_request
from agent.neighbours.messages import ItemTold
from agent.neighbours.service import Certificates, Known, Neighbours
from central.authority.certificates import Authority, create_authority, sign_agent

WAIT_S = 20.0
ITEM = "010950600013435221SN0001"
Look = Callable[[str], ItemTold | None]


def nothing(_: str) -> None:
    """A journal that has never seen an item."""


def has_sold(agent: str, site: str = "site-1", at_us: int = 1_000) -> Look:
    """A journal that has sold one item."""
    told = ItemTold(agent=agent, site=site, state="sold", at_us=at_us)
    return lambda item: told if item == ITEM else None


class Lan:
    """A folder, an authority and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = create_authority("Test brand", datetime.now(UTC))

    def certificates(
        self, agent: str, *, authority: Authority | None = None, at: datetime | None = None
    ) -> Certificates:
        """An agent's identity on the disk."""
        key = make_key()
        signer = authority or self.authority
        certificate = sign_agent(signer, make_request(key, agent), agent, at or datetime.now(UTC))
        made = self.folder / f"{agent}-{time.monotonic_ns()}"
        made.mkdir()
        for name, content in (
            ("key", key),
            ("certificate", certificate),
            ("ca", self.authority.certificate_pem),
        ):
            (made / f"{name}.pem").write_bytes(content)
        return Certificates(ca=made / "ca.pem", certificate=made / "certificate.pem", key=made / "key.pem")

    @contextmanager
    def answering(
        self, agent: str, look: Look, *known: str, certificates: Certificates | None = None
    ) -> Iterator[tuple[Neighbours, int]]:
        """An agent that answers, and its port."""
        neighbours = Neighbours(
            [Known(agent=name) for name in known],
            certificates or self.certificates(agent),
            Clock(),
            look,
            ("127.0.0.1", 0),
        )
        neighbours.start()
        try:
            address = neighbours.wait_until_listening(WAIT_S)
            assert address is not None, neighbours.status()
            yield neighbours, int(address.rpartition(":")[2])
        finally:
            neighbours.stop()

    @contextmanager
    def asking(
        self, agent: str, *known: tuple[str, int], certificates: Certificates | None = None
    ) -> Iterator[Neighbours]:
        """An agent that asks."""
        neighbours = Neighbours(
            [Known(agent=name, host="127.0.0.1", port=port) for name, port in known],
            certificates or self.certificates(agent),
            Clock(),
            nothing,
        )
        neighbours.start()
        try:
            yield neighbours
        finally:
            neighbours.stop()


def wait_for(condition: Callable[[], bool], tell: Callable[[], object]) -> None:
    """Until it is so."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, tell()
        time.sleep(0.01)


def wait_until_open(neighbours: Neighbours) -> None:
    """Until every neighbour can be asked."""
    wait_for(lambda: all(one.is_open for one in neighbours.status().agents), neighbours.status)
