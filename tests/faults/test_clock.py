"""A battery that died: the agent's wall clock jumps ten years back and forth. No sale depends on it."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.identity.keys import make_key, make_request
from agent.uplink.mqtt import Connection, Down
from agent.uplink.settings import LinkIdentity, LinkSettings
from central.authority.certificates import Credentials, create_authority, issue_server, sign_agent
from central.authority.files import certificate_path, key_path, save
from deploy.demonstration.installation import ROOT
from deploy.demonstration.processes import Command
from tests.faults.comparison import assert_books_agree, raised
from tests.faults.shops import Counter, Shops

BASKETS = 5
TEN_YEARS_US = 3_653 * 86_400 * 1_000_000


def test_clock_steps_of_ten_years_lose_double_and_reject_nothing(shops: Shops) -> None:
    counter = shops.enrol()
    step_file = counter.data_dir.with_name("step")
    step_file.write_text("0", encoding="ascii")
    words = (sys.executable, "-m", "tests.faults.stepped_agent", str(counter.config), str(step_file))
    shops.commands[counter.name] = Command(counter.name, words, {"PYTHONPATH": str(ROOT)})
    counter, till = shops.open_counter(counter)
    for step_us in (TEN_YEARS_US, -TEN_YEARS_US, 0):
        till.sell(BASKETS)
        step_file.write_text(str(step_us), encoding="ascii")
        till.sell(BASKETS)
        shops.kill(counter.name)
        shops.revive(counter.name)
        shops.wait_ready(counter)
    books = assert_books_agree(shops, [(counter, till)])
    assert books.applied == 3 * 2 * BASKETS
    assert "clock_step" in raised(shops, counter.site)
    assert booked_days(shops, counter) <= {0, 1}


def booked_days(shops: Shops, counter: Counter) -> set[int]:
    """How many days away from today central has put the counter's sales, having corrected their times."""
    today = datetime.now(UTC)
    with shops.connect() as connection:
        rows = connection.execute(
            "SELECT event_time FROM sale_lines WHERE site_id = %s", (counter.site,)
        ).fetchall()
    return {abs(today - moment) // timedelta(days=1) for (moment,) in rows if isinstance(moment, datetime)}


@contextmanager
def tls_server(certificates: Path) -> Iterator[int]:
    """A server that speaks TLS with the certificate in this directory and nothing more; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_path(certificates, "broker"), key_path(certificates, "broker"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            with suppress(OSError):
                accepted, _ = listener.accept()
                with accepted, context.wrap_socket(accepted, server_side=True) as wrapped:
                    wrapped.recv(1)

        thread = threading.Thread(target=greet)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join()


@pytest.mark.parametrize("years", [-20, 20])
def test_a_clock_outside_the_life_of_the_brokers_certificate_is_what_the_agent_names(
    tmp_path: Path, years: int
) -> None:
    issued = datetime.now(UTC) + timedelta(
        days=365 * years
    )  # the same to TLS as a clock that is wrong by as much
    authority = create_authority("Test authority", issued)
    key = make_key()
    save(tmp_path, "ca", authority.credentials)
    save(tmp_path, "broker", issue_server(authority, ["127.0.0.1"], issued))
    save(
        tmp_path,
        "till-1",
        Credentials(key, sign_agent(authority, make_request(key, "till-1"), "till-1", issued)),
    )
    identity = LinkIdentity(
        agent="till-1",
        ca_path=certificate_path(tmp_path, "ca"),
        certificate_path=certificate_path(tmp_path, "till-1"),
        key_path=key_path(tmp_path, "till-1"),
    )
    waker, wake = socket.socketpair()
    with waker, wake, tls_server(tmp_path) as port:
        connection = Connection(LinkSettings(host="127.0.0.1", port=port))
        connection.open(identity, b"")
        (down,) = connection.wait(1.0, wake)
    assert isinstance(down, Down)
    assert down.cause.endswith("check this machine's clock")
