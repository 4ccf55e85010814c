"""Issuing: signed codes a second, from the order to a file that is on the disk.

    python -m bench.issuing [--codes 200000] [--format digital-link] [--processes N]

Prints one JSON line. The reference is bare Ed25519 signing of the same bytes in as many processes, before it in the same run; ``ratio`` is the
figure divided by it. The file is read back: every number once, in order, and a sample of signatures is checked.
"""

from __future__ import annotations

import argparse
import csv
import time
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path

from bench.surroundings import Progress, report, say, temporary_place
from central.actors import By
from central.authority.signing import is_signed
from central.codes import finding, issuing, key_files, keys, keys_storage, placing, workers
from central.codes.key_rules import Purpose
from central.codes.orders import Asked, Format, Order
from central.database import Connection, Database
from central.embedded.database import start_database
from central.migrations import migrate
from protocol.codes import recognise
from protocol.codes.signed import Tail, read_tail, signed_bytes, signed_bytes_of

GTIN = "04012345678901"
SIGNATURES_EACH = 20_000
SAMPLE_EVERY = 5_000


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codes", type=int, default=200_000)
    parser.add_argument("--format", type=Format, choices=list(Format), default=Format.DIGITAL_LINK)
    parser.add_argument("--processes", type=int, default=workers.processors())
    asked = parser.parse_args()
    with temporary_place() as place, start_database(place / "database") as server:
        with Database(server.ensure_database("bench")) as database:
            migrate(database)
            directory = place / "authority"
            order = placed(database, directory, asked.codes, asked.format)
            reference = bare(database, directory, asked.processes)
            path = place / "codes.csv"
            seconds = written(database, directory, order, path, asked.processes)
            looked_up = check(database, directory, order, path)
        size = path.stat().st_size
    figure = asked.codes / seconds
    report(
        bench="issuing",
        codes_per_s=round(figure),
        reference_signatures_per_s=round(reference),
        ratio=round(figure / reference, 3),
        codes=asked.codes,
        format=asked.format.value,
        processes=asked.processes,
        bytes_a_code=round(size / asked.codes),
        issued_question_us=looked_up,
    )


def placed(database: Database, directory: Path, count: int, form: Format) -> Order:
    """An order of so many codes."""
    domain = "https://id.example.com" if form is Format.DIGITAL_LINK else None
    asked = Asked(gtin=GTIN, count=count, format=form, batch="LOT7", expiry=date(2040, 12, 31), domain=domain)
    by = By(actor="bench", at=datetime.now(UTC))

    def place(connection: Connection) -> Order:
        connection.execute("INSERT INTO products (gtin, name) VALUES (%s, 'Tea')", (GTIN,))
        keys.signer(connection, directory, Purpose.CODES, by.at.date())
        done = placing.place(connection, directory, asked, by)
        assert isinstance(done, Order), done
        return done

    return database.run(place)


def bare(database: Database, directory: Path, processes: int) -> float:
    """Signatures a second, nothing else done, in so many processes at once."""
    with database.transaction() as connection:
        key_id = keys.signer(connection, directory, Purpose.CODES, datetime.now(UTC).date()).key_id
    say(f"reference: bare signing in {processes} processes")
    with get_context("spawn").Pool(processes) as pool:
        return sum(pool.starmap(sign_bare, [(directory, key_id)] * processes, chunksize=1))


def sign_bare(directory: Path, key_id: str) -> float:
    """Signatures a second of one process."""
    sign, _ = key_files.open_key(directory, key_id)
    day = datetime.now(UTC).date()
    data = [
        signed_bytes(key_id=key_id, gtin=GTIN, serial=f"A7K2{number:010}", day=day, batch="LOT7", expiry="2040-12-31")
        for number in range(SIGNATURES_EACH)
    ]  # fmt: skip
    began_s = time.perf_counter()
    for one in data:
        sign(one)
    return SIGNATURES_EACH / (time.perf_counter() - began_s)


def written(database: Database, directory: Path, order: Order, path: Path, processes: int) -> float:
    """Seconds from the order to its file on the disk, the start of the processes included."""
    progress = Progress("codes", order.count)
    began_s = time.perf_counter()
    issuing.write(database, directory, order, path, now, progress.show, processes)
    return time.perf_counter() - began_s


def check(database: Database, directory: Path, order: Order, path: Path) -> float:
    """Read the file back; microseconds of the question whether one code was issued."""
    say("reading it back")
    with path.open(newline="", encoding="ascii") as file, database.transaction() as connection:
        public_keys = {key.key_id: key.public_key for key in keys_storage.every(connection)}
        asked_s, questions = 0.0, 0
        seen = 0
        for row in csv.DictReader(file):
            seen += 1
            assert int(row["number"]) == seen, row["number"]
            if seen % SAMPLE_EVERY == 1:
                began_s = time.perf_counter()
                check_issued(connection, directory, row["item"], seen)
                asked_s += time.perf_counter() - began_s
                questions += 1
                check_signature(row["code"], public_keys)
    assert seen == order.count, seen
    return round(asked_s / questions * 1e6)


def check_issued(connection: Connection, directory: Path, item: str, number: int) -> None:
    """The question, with the right answer."""
    found = finding.issued(connection, directory, item[2:16], item[18:])
    assert found is not None
    assert found.number == number


def check_signature(code: str, public_keys: dict[str, bytes]) -> None:
    """A code says who signed it, and that is true; a short code says nothing."""
    read = recognise(code)
    tail = read_tail(read)
    if isinstance(tail, Tail):
        assert is_signed(public_keys[tail.key_id], signed_bytes_of(read, tail), tail.signature)


def now() -> datetime:
    """The moment."""
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
