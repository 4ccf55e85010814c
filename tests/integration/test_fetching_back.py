"""Rows that the agent's disk has spoilt, fetched back from central over a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.journal.rounds import wish_for_round
from central.database import Database
from central.embedded.database import EmbeddedDatabase
from central.intake import Intake
from central.link import Link, LinkSettings
from protocol.messages import DownMessage, RowsAnswered
from tests.integration.books import epoch_id, laid_out
from tests.integration.linked_machine import AGENT, Machine, sold
from tests.integration.services import RunningBroker
from tests.integration.small_central import SmallCentral


@pytest.fixture
def central(mosquitto: RunningBroker) -> Iterator[SmallCentral]:
    with SmallCentral(mosquitto) as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path, mosquitto: RunningBroker, central: SmallCentral) -> Iterator[Machine]:
    """An enrolled machine, not yet started."""
    running = Machine(tmp_path / "one", mosquitto)
    running.journal.open_first_epoch(central.enrol(AGENT))
    yield running
    running.stop()


@pytest.fixture
def real_central(embedded_database: EmbeddedDatabase, mosquitto: RunningBroker) -> Iterator[Intake]:
    """Central's intake over PostgreSQL, with its link."""
    files = mosquitto.client_files("central")
    settings = LinkSettings(
        host=mosquitto.host,
        port=mosquitto.port,
        ca_file=mosquitto.ca_file,
        certificate_file=files.certificate_file,
        key_file=files.key_file,
    )

    def publish(agent: str, message: DownMessage) -> None:
        link.publish(agent, message)

    with laid_out(embedded_database) as url, Database(url, pool_size=6) as database:
        intake = Intake(database, publish)
        link = Link(settings, intake.offer)
        intake.start()
        link.start()
        try:
            yield intake
        finally:
            intake.stop()
            link.stop()


def test_damaged_rows_that_central_has_are_fetched_back_while_the_agent_runs(
    machine: Machine, central: SmallCentral
) -> None:
    machine.sell(9)
    machine.start()
    epoch = machine.wait_until_all_is_sent().epoch
    machine.damage("UPDATE journal SET body = x'00' WHERE seq IN (2, 3)")
    machine.damage("UPDATE journal SET body = x'01', hash = zeroblob(32) WHERE seq = 4")
    machine.damage("DELETE FROM journal WHERE seq IN (7, 8)")
    wish_for_round(machine.path)
    machine.wait_for_sound_journal()
    notices = machine.notices()
    assert len(notices) >= 2
    assert all("fetched back from central" in notice.text for notice in notices)
    machine.sell(1, "after")
    machine.wait_until_all_is_sent()
    assert sold(central) == [*(f"s{n}" for n in range(9)), "after0"]
    assert [line.epoch for line in machine.journal.lineage()] == [epoch]


def test_a_question_whose_answer_is_lost_is_asked_again(machine: Machine, central: SmallCentral) -> None:
    lost: list[DownMessage] = []

    def lose_the_first(message: DownMessage) -> bool:
        if isinstance(message, RowsAnswered) and not lost:
            lost.append(message)
            return False
        return True

    central.may_answer = lose_the_first
    machine.sell(5)
    machine.start()
    machine.wait_until_all_is_sent()
    machine.damage("UPDATE journal SET body = x'00' WHERE seq = 3")
    wish_for_round(machine.path)
    machine.wait_for_sound_journal()
    assert len(lost) == 1


def test_what_central_has_instead_of_a_damaged_row_is_not_taken(
    machine: Machine, central: SmallCentral
) -> None:
    machine.sell(5)
    machine.start()
    epoch = machine.wait_until_all_is_sent().epoch
    digest, _ = central.books[AGENT].rows[epoch][2]
    central.books[AGENT].rows[epoch][2] = (digest, b"something else")
    machine.damage("UPDATE journal SET body = x'00' WHERE seq = 3")
    wish_for_round(machine.path)
    machine.wait_for_commit(lambda: bool(machine.notices()))
    (notice,) = machine.notices()
    assert "nothing was changed" in notice.text
    assert [finding.first_seq for finding in machine.verify().damaged] == [3]


def test_what_was_spoilt_while_the_agent_was_off_comes_back_from_the_archive_after_its_start(
    tmp_path: Path, mosquitto: RunningBroker, real_central: Intake
) -> None:
    before = Machine(tmp_path / "one", mosquitto, "north-1")
    before.journal.open_first_epoch(epoch_id(1))
    before.sell(30)
    before.start()
    before.wait_until_all_is_sent()
    before.damage("UPDATE journal SET body = x'00', hash = zeroblob(32) WHERE seq BETWEEN 5 AND 9")
    before.damage("DELETE FROM journal WHERE seq IN (1, 20)")
    before.stop()
    after = Machine(tmp_path / "one", mosquitto, "north-1")
    assert not after.verify().is_sound
    after.start()
    after.wait_for_sound_journal()
    after.sell(1, "after")
    after.wait_until_all_is_sent()
    found = [line.epoch for line in after.journal.lineage()], real_central.tallies.counts()["applied"]
    after.stop()
    assert found == ([epoch_id(1)], 31)
