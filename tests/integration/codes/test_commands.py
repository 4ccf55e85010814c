"""``codes issue`` and its siblings as an operator types them, killed in the middle too."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.codes.conftest import MILK

COMMAND = [sys.executable, "-c", "from central.commands import app; app()"]
WAIT_S = 100
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def config(brand_url: str, tmp_path: Path) -> Path:
    """A configuration over the database."""
    path = tmp_path / "central.toml"
    path.write_text(
        f'[database]\nurl = "{brand_url}"\n[authority]\ndirectory = "{tmp_path / "authority"}"\n'
        '[codes]\ndomain = "https://id.example.com"\n'
    )
    return path


def environment() -> dict[str, str]:
    """Without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERMARK_")}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "dumb"}


@pytest.fixture
def run(config: Path, tmp_path: Path) -> Run:
    """A command, run to its end in an empty directory."""

    def run_it(*arguments: str | Path, limit_bytes: int | None = None) -> subprocess.CompletedProcess[str]:
        def limit() -> None:
            if limit_bytes is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

        return subprocess.run(
            [*COMMAND, "codes", *map(str, arguments), "--config", str(config)],
            capture_output=True, text=True, timeout=WAIT_S, check=False, env=environment(), cwd=tmp_path, preexec_fn=limit,
        )  # fmt: skip

    return run_it


def until_written(process: subprocess.Popen[Any], path: Path, size_bytes: int) -> None:
    """Wait until the command has written so much; it must not end before."""
    while not (path.exists() and path.stat().st_size > size_bytes):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            raise AssertionError("ended before it was cut off")


def codes_in(path: Path) -> list[tuple[int, str]]:
    """(number, item) of every line."""
    with path.open(newline="", encoding="ascii") as file:
        return [(int(row["number"]), row["item"]) for row in csv.DictReader(file)]


def test_codes_are_issued_into_a_file_named_after_the_order(run: Run, tmp_path: Path) -> None:
    done = run(
        "issue", "--gtin", "4012345678901", "--count", "5", "--expiry", "2060-12-31", "--format", "digital-link", "--json"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    path = Path(said["file"])
    assert path == tmp_path / f"codes-{said['order']}.csv"
    assert (said["gtin"], said["count"], said["state"], said["resumed_from"]) == (MILK, 5, "complete", 0)
    assert [number for number, _ in codes_in(path)] == [1, 2, 3, 4, 5]
    assert "https://id.example.com/01/04012345678901/21/" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_killed_command_given_again_goes_on_and_leaves_no_process_behind(
    config: Path, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "codes.csv"
    order = ("issue", "--gtin", MILK, "--count", "60000", "--format", "digital-link", "--output", path)
    process = subprocess.Popen(
        [*COMMAND, "codes", *map(str, order), "--processes", "2", "--config", str(config)],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until_written(process, path, 1_000_000)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait(WAIT_S)
    gone, alive = psutil.wait_procs(children, timeout=WAIT_S)
    assert (bool(gone), alive) == (True, [])
    done = run(*order, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    codes = codes_in(path)
    assert 0 < said["resumed_from"] < 60_000
    assert [number for number, _ in codes] == list(range(1, 60_001))
    assert len({item for _, item in codes}) == 60_000
    assert len(json.loads(run("orders", "list", "--json").stdout)) == 1


def test_a_full_disk_is_named_and_the_order_resumed_when_there_is_room(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    order = ("issue", "--gtin", MILK, "--count", "5000", "--format", "sgtin", "--output", path)
    full = run(*order, limit_bytes=700_000)
    assert full.returncode == 1
    assert re.search(
        r"File too large; make room, then go on with: .* codes issue --resume \w{4}", full.stderr
    )
    held = len(codes_in(path))
    assert 0 < held < 5000
    tag = full.stderr.split()[-1]
    done = run("issue", "--resume", tag, "--json")
    assert (json.loads(done.stdout)["resumed_from"], len(codes_in(path))) == (held, 5000)


def test_an_interrupted_command_says_how_to_go_on(config: Path, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    order = ("issue", "--gtin", MILK, "--count", "200000", "--format", "sgtin", "--output", path)
    process = subprocess.Popen(
        [*COMMAND, "codes", *map(str, order), "--config", str(config)],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    until_written(process, path, 500_000)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130
    assert re.search(r"interrupted; go on with: countermark-central codes issue --resume \w{4}\n$", said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--gtin", "4012345678902", "--count", "1"), "gtin '4012345678902': expected check digit 1, found 2"),
        (("--gtin", "4012345678918", "--count", "1"), "gtin '04012345678918': expected a product that is in the catalogue"),
        (("--gtin", MILK, "--count", "0"), "count '0': expected 1 to 10,000,000"),
        (("--gtin", MILK, "--count", "10000001"), "count '10000001': expected 1 to 10,000,000"),
        (("--gtin", MILK, "--count", "1", "--expiry", "2020-01-01"), "expiry '2020-01-01': expected a day that is not past"),
        (("--gtin", MILK, "--count", "1", "--batch", "A B"), "batch 'A B': expected 1 to 20 characters"),
        (("--gtin", MILK, "--count", "1", "--domain", "id.example"), "domain 'id.example': expected none"),
        (("--gtin", MILK), "expected --gtin, --count and --format, or --resume ORDER"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_meant_is_refused_in_one_line(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    done = run("issue", "--format", "sgtin", *arguments)
    assert (done.returncode != 0, said in done.stderr, done.stderr.count("\n")) == (True, True, 1)


def test_an_output_file_that_is_something_else_is_refused_before_an_order_is_placed(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "codes.csv").write_text("precious")
    done = run(
        "issue", "--gtin", MILK, "--count", "1", "--format", "sgtin", "--output", tmp_path / "codes.csv"
    )
    assert (done.returncode, "exists, and is not the file of an order" in done.stderr) == (1, True)
    assert json.loads(run("orders", "list", "--json").stdout) == []


def test_an_order_is_listed_shown_and_cancelled(run: Run) -> None:
    tag = json.loads(run("issue", "--gtin", MILK, "--count", "2", "--format", "short", "--json").stdout)[
        "order"
    ]
    assert tag in run("orders", "list").stdout
    assert run("orders", "cancel", tag, "--reason", "misprint").stdout.startswith(f"order {tag}: cancelled")
    shown = json.loads(run("orders", "show", tag, "--json").stdout)
    again = run("orders", "cancel", tag, "--reason", "again")
    assert (shown["state"], shown["reason"], again.returncode) == ("cancelled", "misprint", 1)
    assert "secrets_check" not in shown


def test_an_order_that_is_not_there_is_named(run: Run) -> None:
    for command in (
        ("orders", "show", "QQQQ"),
        ("issue", "--resume", "QQQQ"),
        ("commission", "QQQQ", "--site", "S1"),
    ):
        done = run(*command)
        assert (done.returncode, "order 'QQQQ': not known here" in done.stderr) == (1, True)


def test_codes_are_exported_for_printers(run: Run, tmp_path: Path) -> None:
    said = json.loads(run("issue", "--gtin", MILK, "--count", "30", "--format", "sgtin", "--json").stdout)
    for kind, beginning in (("csv", b"number,item"), ("zpl", b"^XA"), ("pdf", b"%PDF")):
        path = tmp_path / f"labels.{kind}"
        done = run("export", said["order"], "--as", kind, "--from", "3", "--to", "5", "--output", path)
        assert (done.returncode, path.read_bytes()[: len(beginning)]) == (0, beginning), done.stderr
    assert [number for number, _ in codes_in(tmp_path / "labels.csv")] == [3, 4, 5]
    beyond = run("export", said["order"], "--as", "csv", "--to", "31", "--output", tmp_path / "no.csv")
    assert "codes 1 to 31: expected numbers from 1 to 30" in beyond.stderr
    assert not (tmp_path / "no.csv").exists()


def test_codes_are_commissioned_by_number_and_by_file(run: Run, tmp_path: Path) -> None:
    said = json.loads(run("issue", "--gtin", MILK, "--count", "10", "--format", "sgtin", "--json").stdout)
    tag, (_, *lines) = said["order"], Path(said["file"]).read_text().split("\n")
    first = run("commission", tag, "--site", "S1", "--to", "3", "--json")
    assert json.loads(first.stdout) == {
        "order": tag,
        "site": "S1",
        "commissioned": 3,
        "known": 0,
        "refused": [],
    }
    used = tmp_path / "used.txt"
    used.write_text(f"{lines[3]}\n{lines[4].split(',')[2]}\n\nnonsense\n01{MILK}21{tag}0000000000\n")
    second = run("commission", tag, "--site", "WH", "--items", used)
    assert second.returncode == 1
    assert second.stdout == f"order {tag}: 2 items are at WH, 2 lines refused\n"
    assert second.stderr == (
        f"line 4: no single item of this product is named\nline 5: not issued by order {tag}\n"
    )
    assert "not known here" in run("commission", tag, "--site", "NOWHERE").stderr
    refused = run("orders", "cancel", tag, "--reason", "late")
    assert "5 codes are, recall those items instead" in refused.stderr
