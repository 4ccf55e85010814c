"""Codes into files: whole, once, and taken up again wherever they were cut off."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import psutil
import pytest

from central.actors import By
from central.codes import issued, issuing, keys, orders_storage, placing, workers
from central.codes.key_rules import Purpose
from central.codes.labels import CSV_HEADER
from central.codes.order_secrets import path_of
from central.codes.orders import Asked, Format, Order, OrderError, OrderState
from central.imports.rules import Wrong
from protocol.codes import recognise
from tests.integration.codes.conftest import BY, MILK, NOW, WATCH, Brand


def write(brand: Brand, order: Order, path: Path, *, processes: int = 1) -> list[int]:
    """Write an order's file; what was told on the way."""
    told: list[int] = []
    issuing.write(brand.database, brand.directory, order, path, lambda: NOW, told.append, processes)
    return told


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="ascii") as file:
        return list(csv.reader(file))


def find(brand: Brand, tag: str) -> Order:
    with brand.database.transaction() as connection:
        order = orders_storage.find(connection, tag)
    assert order is not None
    return order


@pytest.mark.parametrize("form", list(Format))
def test_a_file_holds_every_code_once_in_its_order(brand: Brand, form: Format) -> None:
    order = brand.place(form)
    write(brand, order, brand.files / "codes.csv")
    header, *lines = rows(brand.files / "codes.csv")
    assert header == ["number", "item", "code", "human_readable"]
    assert [int(line[0]) for line in lines] == list(range(1, 51))
    assert len({line[1] for line in lines}) == 50
    done = find(brand, order.tag)
    assert (done.state, done.written, done.file) == (
        OrderState.COMPLETE, 50, str(brand.files / "codes.csv"),
    )  # fmt: skip


def test_several_processes_write_the_same_file_as_one(brand: Brand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "BLOCK", 7)
    order = brand.place(Format.DIGITAL_LINK, count=100)
    write(brand, order, brand.files / "one.csv", processes=1)
    write(brand, order, brand.files / "three.csv", processes=3)
    assert (brand.files / "three.csv").read_bytes() == (brand.files / "one.csv").read_bytes()


def test_a_signing_process_that_is_killed_is_named_and_no_other_stays(brand: Brand) -> None:
    order = brand.place(count=100_000)
    with closing(workers.rows(brand.directory, order, workers.blocks(1, 100_000), 2)) as made:
        next(made)
        children = psutil.Process().children()
        signing = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
        signing[0].kill()
        with pytest.raises(OrderError, match=f"a process that signs has ended .* --resume {order.tag}"):
            list(made)
    assert psutil.wait_procs(signing, timeout=60)[1] == []


def test_wherever_a_file_was_cut_off_it_is_completed_to_the_same_bytes(brand: Brand) -> None:
    order = brand.place(count=4, batch='A,"B"')
    path = brand.files / "codes.csv"
    write(brand, order, path)
    whole = path.read_bytes()
    different = []
    for length in range(0, len(whole), 11):
        path.write_bytes(whole[:length])
        write(brand, order, path)
        if path.read_bytes() != whole:
            different.append(length)
    assert different == []


def test_what_a_file_holds_already_is_not_made_again(brand: Brand) -> None:
    order = brand.place(count=20)
    path = brand.files / "codes.csv"
    write(brand, order, path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:13]))
    assert write(brand, order, path)[0] == 12


@pytest.mark.parametrize(
    "content",
    [b"something else", CSV_HEADER + b"1,x,y,z\r\n", CSV_HEADER[:-2] + b";\r\n1,a,b,c\r\n", b"x" * 9000],
)
def test_a_file_of_something_else_is_refused_and_stays_as_it_is(brand: Brand, content: bytes) -> None:
    order = brand.place()
    path = brand.files / "codes.csv"
    path.write_bytes(content)
    with pytest.raises(OrderError, match=f"does not hold codes of order {order.tag}"):
        write(brand, order, path)
    assert path.read_bytes() == content


def test_the_file_of_another_order_is_refused_and_stays_as_it_is(brand: Brand) -> None:
    path = brand.files / "codes.csv"
    write(brand, brand.place(), path)
    before = path.read_bytes()
    with pytest.raises(OrderError, match="exists and does not hold codes of order"):
        write(brand, brand.place(), path)
    assert path.read_bytes() == before


def test_a_file_that_another_process_is_writing_is_refused(brand: Brand) -> None:
    order = brand.place()
    path = brand.files / "codes.csv"
    with (
        issuing._opened(path, order),
        pytest.raises(OrderError, match="another process is writing it"),
    ):
        write(brand, order, path)


@pytest.mark.parametrize("name", ["no/such/place.csv", "."])
def test_a_place_that_cannot_be_written_is_named(brand: Brand, name: str) -> None:
    with pytest.raises(OrderError, match="expected a file that can be made or written there"):
        write(brand, brand.place(), brand.files / name)


def test_a_rotated_key_still_signs_the_order_it_began(brand: Brand) -> None:
    order = brand.place(count=3)
    path = brand.files / "codes.csv"
    write(brand, order, path)
    before = path.read_bytes()
    brand.database.run(
        lambda connection: keys.rotate(connection, brand.directory, Purpose.CODES, NOW.date(), BY)
    )
    path.write_bytes(before[: len(before) // 2])
    write(brand, order, path)
    assert path.read_bytes() == before


def test_a_revoked_key_signs_nothing_any_more(brand: Brand) -> None:
    order = brand.place(count=3)
    by = msgspec.structs.replace(BY, reason="stolen")
    brand.database.run(lambda connection: keys.revoke(connection, order.key_id or "", by))
    with pytest.raises(OrderError, match=r"was revoked on .* cancel the order"):
        write(brand, order, brand.files / "codes.csv")


def test_every_code_of_a_file_was_issued_and_tells_its_number(brand: Brand) -> None:
    orders = [brand.place(form, count=30) for form in Format]
    found, expected = [], []
    for order in orders:
        path = brand.files / f"{order.tag}.csv"
        write(brand, order, path)
        for number, item, _, _ in rows(path)[1:]:
            with brand.database.transaction() as connection:
                issue = issued(connection, brand.directory, MILK, item[18:])
            assert issue is not None
            found.append((issue.tag, issue.number, issue.batch, issue.expiry, issue.format))
            expected.append((order.tag, int(number), order.batch, order.expiry, order.format))
    assert found == expected


def test_what_was_not_issued_is_not_found(brand: Brand) -> None:
    order = brand.place(count=10)
    longer = msgspec.structs.replace(order, count=11)
    with brand.database.transaction() as connection:
        labels = placing.open_labels(connection, brand.directory, longer)
        eleventh, first = labels.label(11).item[18:], labels.label(1).item[18:]
        asked = {
            "beyond its count": (MILK, eleventh),
            "of another product": (WATCH, first),
            "of no order": (MILK, f"ZZZZ{first[4:]}"),
            "too short": (MILK, first[:-1]),
            "an invented one": (MILK, f"{order.tag}0123456789"),
            "empty": (MILK, ""),
        }
        found = {why: issued(connection, brand.directory, *code) for why, code in asked.items()}
    assert found == dict.fromkeys(asked)


def test_a_cancelled_order_was_never_issued(brand: Brand) -> None:
    order = brand.place(Format.SHORT, count=3)
    with brand.database.transaction() as connection:
        serial = placing.open_labels(connection, brand.directory, order).label(1).item[18:]
    by = By(actor="test", at=NOW, reason="printed on the wrong paper")
    done = brand.database.run(lambda connection: placing.cancel(connection, order.tag, by))
    assert isinstance(done, Order)
    with brand.database.transaction() as connection:
        assert issued(connection, brand.directory, MILK, serial) is None
    with pytest.raises(OrderError, match="was cancelled: printed on the wrong paper"):
        write(brand, done, brand.files / "codes.csv")
    (body,) = next(iter(brand.rows("SELECT body FROM feed_rows WHERE feed = 'code_orders'")))
    assert json.loads(bytes(body)) == {
        "tag": order.tag, "gtin": MILK, "batch": "LOT7", "expiry": "2027-12-31", "revoked": True,
    }  # fmt: skip


@pytest.mark.parametrize(("share", "expected"), [(True, True), (False, False)])
def test_agents_hear_of_short_codes_with_the_key_only_where_the_brand_wants_it(
    brand: Brand, share: bool, expected: bool
) -> None:
    order = brand.place(Format.SHORT, share_mac_key=share)
    brand.place(Format.SGTIN)
    ((key, body),) = brand.rows("SELECT key, body FROM feed_rows WHERE feed = 'code_orders'")
    told = json.loads(bytes(body))
    assert (key, told["gtin"], "mac_key" in told) == (order.tag, MILK, expected)


def test_without_the_order_secret_no_answer_is_given_and_no_order_placed(brand: Brand) -> None:
    order = brand.place()
    with brand.database.transaction() as connection:
        serial = placing.open_labels(connection, brand.directory, order).label(1).item[18:]
    secret = path_of(brand.directory)
    kept = secret.read_text()
    secret.unlink()
    with brand.database.transaction() as connection:
        with pytest.raises(OrderError, match="restore it from a backup"):
            issued(connection, brand.directory, MILK, serial)
        assert issued(connection, brand.directory, MILK, "no order of ours") is None
    with pytest.raises(OrderError, match="restore it from a backup"):
        brand.place()
    secret.write_text("ab" * 32)
    with (
        brand.database.transaction() as connection,
        pytest.raises(OrderError, match="not the one that its codes were issued with"),
    ):
        issued(connection, brand.directory, MILK, serial)
    secret.write_text(kept)
    with brand.database.transaction() as connection:
        assert issued(connection, brand.directory, MILK, serial) is not None


@pytest.mark.parametrize(
    ("asked", "column"),
    [
        (Asked(gtin="04012345678918", count=1, format=Format.SGTIN), "gtin"),
        (Asked(gtin=MILK, count=0, format=Format.SGTIN), "count"),
        (Asked(gtin=MILK, count=1, format=Format.SGTIN, expiry=(NOW - timedelta(days=1)).date()), "expiry"),
    ],
)
def test_an_order_that_cannot_be_placed_leaves_nothing(brand: Brand, asked: Asked, column: str) -> None:
    fault = brand.database.run(lambda connection: placing.place(connection, brand.directory, asked, BY))
    assert isinstance(fault, Wrong)
    assert (fault.column, brand.rows("SELECT * FROM code_orders"), brand.directory.exists()) == (
        column,
        [],
        False,
    )


def test_an_order_is_noted_with_who_placed_it(brand: Brand) -> None:
    order = brand.place()
    ((actor, action, detail),) = brand.rows(
        "SELECT actor, action, detail FROM audit_log WHERE subject = %s", f"code order {order.tag}"
    )
    assert (actor, action, detail["count"]) == ("test", "issue", 50)


def test_a_label_reads_as_the_item_in_its_line(brand: Brand) -> None:
    order = brand.place(Format.DIGITAL_LINK, count=3)
    write(brand, order, brand.files / "codes.csv")
    read = [
        (recognise(code, today=NOW.date()).item, item)
        for _, item, code, _ in rows(brand.files / "codes.csv")[1:]
    ]
    assert [one for one, _ in read] == [other for _, other in read]


def test_the_same_order_cut_off_is_found_again(brand: Brand) -> None:
    order = brand.place(count=7)
    with brand.database.transaction() as connection:
        found = orders_storage.unfinished(connection, order.asked, None)
        other = orders_storage.unfinished(connection, msgspec.structs.replace(order.asked, batch=None), None)
    assert (found, other) == (order, None)
