"""Journals that part ways, centrals that are restored, two centrals at once: every accepted sale once, whatever happened."""

from __future__ import annotations

import queue
import random
from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict

from central.embedded.database import EmbeddedDatabase
from central.intake import Limits
from protocol.messages import DownMessage
from tests.integration.books import (
    BREAD,
    CHEESE,
    MILK,
    NOW_US,
    Central,
    Clock,
    assert_books_hold,
    central,
    copy_database,
    deliver,
    discrepancies,
    effects,
    epoch_id,
    event,
    exchange,
    laid_out,
    line,
    machine,
    reconnect,
    sale,
)
from tests.simulation.machine import Machine

AGENT, OTHER = "north-1", "south-1"


@pytest.fixture
def url(embedded_database: EmbeddedDatabase) -> Iterator[str]:
    with laid_out(embedded_database) as made:
        yield made


@pytest.fixture
def books(url: str) -> Iterator[Central]:
    with central(url) as made:
        yield made


def sell(to: Machine, count: int, gtin: str = MILK) -> list[bytes]:
    """Sales of which the counter has said that they are accepted."""
    bodies = [event(sale(line(gtin))) for _ in range(count)]
    to.sell(bodies, NOW_US)
    return bodies


def _name(url: str) -> str:
    """The database in a URL."""
    return str(conninfo_to_dict(url)["dbname"])


def sync_classes(books: Central) -> set[str]:
    goods = {"sold_below_zero", "unknown_product"}
    return {name for name, _ in discrepancies(books)} - goods


def test_a_journal_reaches_central_in_batches(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    accepted = sell(till, 95)
    exchange(books, [till])
    assert_books_hold(books, accepted)
    assert sync_classes(books) == set()


def test_an_agent_restored_from_an_old_image_keeps_what_it_sold_since(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    accepted = sell(till, 10)
    exchange(books, [till])
    image = till.disk.image()
    accepted += sell(till, 10)
    exchange(books, [till])
    till.disk = image
    accepted += sell(till, 5)
    till.start()
    exchange(books, [till])
    assert_books_hold(books, accepted)
    assert "fork" in sync_classes(books)


def test_an_agent_restored_from_an_old_image_that_sold_nothing_since_is_a_rewind(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    accepted = sell(till, 10)
    exchange(books, [till])
    image = till.disk.image()
    accepted += sell(till, 10)
    exchange(books, [till])
    till.disk = image
    till.start()
    exchange(books, [till])
    accepted += sell(till, 3)
    exchange(books, [till])
    assert_books_hold(books, accepted)
    assert sync_classes(books) == {"rewind"}


def test_a_tail_that_is_sent_again_under_its_new_epoch_counts_once(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    accepted = sell(till, 10)
    exchange(books, [till])
    image = till.disk.image()
    sold_before_restore = sell(till, 4)
    exchange(books, [till])
    till.disk = image
    tail = sell(till, 60)
    till.start()
    exchange(books, [till])
    after_adoption = till.disk.image()
    for disk in (after_adoption.image(), after_adoption):  # the same image again and again
        till.disk = disk
        till.start()
        exchange(books, [till])
    assert_books_hold(books, [*accepted, *sold_before_restore, *tail])
    assert books.rows("SELECT count(*) FROM epochs WHERE agent_id = %s", AGENT) == [(2,)]


def test_two_machines_under_one_identity_lose_and_double_nothing_and_are_told_of(books: Central) -> None:
    first = machine(AGENT, epoch_id(1))
    accepted = sell(first, 10)
    exchange(books, [first])
    second = Machine("copy", first.disk.image(), first.pace)
    for _ in range(3):
        accepted += sell(first, 5)
        exchange(books, [first])
        accepted += sell(second, 5, BREAD)
        second.start()
        exchange(books, [second])
        first.start()
    exchange(books, [first])
    assert_books_hold(books, accepted)
    assert {"fork", "clone"} <= sync_classes(books)


def test_a_central_restored_from_a_backup_is_sent_again_what_it_lacks(
    url: str, embedded_database: EmbeddedDatabase
) -> None:
    till, dark = machine(AGENT, epoch_id(1)), machine(OTHER, epoch_id(2))
    with central(url) as books:
        accepted = sell(till, 10) + sell(dark, 7)
        exchange(books, [till, dark])
    copy_database(embedded_database, _name(url), f"{_name(url)}_backup")
    with central(url) as books:
        accepted += sell(till, 50)
        exchange(books, [till])
        assert_books_hold(books, accepted)
    with central(embedded_database.url(f"{_name(url)}_backup")) as restored:
        accepted += sell(dark, 3)
        reconnect(till)
        reconnect(dark)
        exchange(restored, [till, dark])
        assert_books_hold(restored, accepted)
    embedded_database.drop_database(f"{_name(url)}_backup")


def test_a_central_restored_to_before_a_fork_takes_the_new_epoch_up_again(
    url: str, embedded_database: EmbeddedDatabase
) -> None:
    till = machine(AGENT, epoch_id(1))
    with central(url) as books:
        accepted = sell(till, 10)
        exchange(books, [till])
    copy_database(embedded_database, _name(url), f"{_name(url)}_backup")
    with central(url) as books:
        image = till.disk.image()
        sell(till, 5)  # these were on a disk that is gone, and in a central that is gone
        exchange(books, [till])
        till.disk = image
        accepted += sell(till, 60)
        till.start()
        exchange(books, [till])
    with central(embedded_database.url(f"{_name(url)}_backup")) as restored:
        accepted += sell(till, 2)
        reconnect(till)
        exchange(restored, [till])
        assert_books_hold(restored, accepted)
    embedded_database.drop_database(f"{_name(url)}_backup")


def test_rows_that_are_no_longer_kept_are_reported_and_the_rest_goes_on(
    url: str, embedded_database: EmbeddedDatabase
) -> None:
    till = machine(AGENT, epoch_id(1))
    with central(url) as books:
        known = sell(till, 3)
        exchange(books, [till])
    copy_database(embedded_database, _name(url), f"{_name(url)}_backup")
    with central(url) as books:
        sell(till, 7)
        exchange(books, [till])
    till.disk.prune(epoch_id(1), 10)
    kept = sell(till, 4)
    with central(embedded_database.url(f"{_name(url)}_backup")) as restored:
        reconnect(till)
        exchange(restored, [till])
        assert_books_hold(restored, known + kept)
        assert "pruned" in sync_classes(restored)
    embedded_database.drop_database(f"{_name(url)}_backup")


def test_an_older_image_of_a_machine_that_went_on_in_a_new_epoch_brings_nothing_twice(
    url: str, embedded_database: EmbeddedDatabase
) -> None:
    """Central from a backup, the agent's retention past, then the agent's disk from before that: both chains fit, twice."""
    till = machine(AGENT, epoch_id(1))
    with central(url) as books:
        accepted = sell(till, 3)
        exchange(books, [till])
    copy_database(embedded_database, _name(url), f"{_name(url)}_backup")
    accepted += sell(till, 12)
    older = till.disk.image()
    till.disk.prune(epoch_id(1), 8)
    with central(embedded_database.url(f"{_name(url)}_backup")) as restored:
        reconnect(till)
        exchange(restored, [till])
        till.disk = older
        till.start()
        exchange(restored, [till])
        assert_books_hold(restored, accepted)
        assert restored.rows("SELECT sum(repeated) FROM epochs") == [(7,)]
    embedded_database.drop_database(f"{_name(url)}_backup")


def test_a_damaged_row_is_passed_over_and_its_stand_in_quarantined(books: Central) -> None:
    till = machine(AGENT, epoch_id(1))
    bodies = sell(till, 5)
    till.disk.damaged.add(bodies[2])
    exchange(books, [till])
    assert books.rows("SELECT count(*) FROM quarantine") == [(1,)]
    assert books.rows("SELECT count(*) FROM events WHERE repeats IS NULL") == [(4,)]
    assert "damaged" in sync_classes(books)


@pytest.mark.parametrize("seed", range(4))
def test_two_centrals_side_by_side_under_random_faults_apply_everything_once(url: str, seed: int) -> None:
    """Two intakes on one database, in threads of their own; letters dropped, doubled, swapped; machines copied and restored."""
    chance = random.Random(seed)
    clock = Clock()
    limits = Limits(workers=1, group_batches=3)
    with central(url, clock, limits) as left, central(url, clock, limits) as right:
        till, copy = machine(AGENT, epoch_id(1)), None
        machines = [till, machine(OTHER, epoch_id(2))]
        for side in (left, right):
            side.intake.start()
        accepted: list[bytes] = []
        images = [till.disk.image()]
        for _ in range(60):
            one = chance.choice(machines)
            match chance.randrange(8):
                case 0 | 1 | 2:
                    accepted += sell(one, chance.randrange(1, 30), chance.choice((MILK, BREAD, CHEESE)))
                case 3:
                    reconnect(one)
                case 4:
                    images.append(till.disk.image())
                case 5 if chance.random() < 0.3:
                    till.disk = chance.choice(images).image()
                    till.start()
                case 6 if copy is None:
                    copy = Machine("copy", till.disk.image(), till.pace)
                    machines.append(copy)
            _pass_letters(chance, machines, (left, right), wait=False)
        _until_quiet(chance, machines, (left, right))
        for side in (left, right):
            side.intake.stop()
        # A disk that is replaced takes with it what it had not sent; what is on a disk at the end must be here.
        arrived = effects(left)
        on_disks = {body for one in machines for body in one.disk.sales()}
        assert on_disks <= set(arrived) <= set(accepted)
        assert_books_hold(left, list(arrived))


def _pass_letters(
    chance: random.Random, machines: list[Machine], sides: tuple[Central, Central], *, wait: bool
) -> None:
    for one in machines:
        letters, one.outbox = one.outbox, []
        for letter in letters:
            for _ in range(chance.choice((0, 1, 1, 1, 2))):
                chance.choice(sides).offer(one.agent, letter)
    for side in sides:
        for agent, answer in _answers(side, wait=wait):
            for one in machines:
                if one.agent == agent and one.online and chance.random() < 0.8:
                    deliver(one, answer)


def _answers(side: Central, *, wait: bool) -> list[tuple[str, DownMessage]]:
    answers = side.take_answers()
    if wait and not answers:
        try:
            answers.append(side.answers.get(timeout=0.05))
        except queue.Empty:
            return []
    return answers


def _until_quiet(chance: random.Random, machines: list[Machine], sides: tuple[Central, Central]) -> None:
    for now_us in range(NOW_US, NOW_US + 2_000 * 20_000_000, 20_000_000):
        for one in machines:
            if not one.online:
                one.connect(now_us)
            elif not one.quiet:
                one.tick(now_us)
        _pass_letters(chance, machines, sides, wait=True)
        if all(one.quiet for one in machines) and not any(side.intake.waiting() for side in sides):
            return
    raise AssertionError([(one.name, one.state) for one in machines])
