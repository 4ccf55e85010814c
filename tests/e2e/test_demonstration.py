"""The demonstration as its user meets it: a command, an exit code, a closing table."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[2]
RUN_TIMEOUT_S = 240
# A whole day on a busy machine; a hang still ends in a stack trace.
pytestmark = pytest.mark.timeout(2 * RUN_TIMEOUT_S)

SALES = """\
store,receipt,sold_at,gtin,quantity,amount,discount,member
North,1001,2026-03-02 09:15:00,4006381333931,1,2.49,0.00,
North,1001,2026-03-02 09:15:00,5449000000996,6,5.94,0.60,m-1
South Gate,7,2026-03-02 09:20:11,4006381333931,0.755,1.88,0.00,
South Gate,7,2026-03-02 09:20:11,4006381333931,1,2.49,0.00,
South Gate,8,2026-03-02 10:00:00,4006381333932,1,2.49,0.00,
South Gate,9,2026-03-02 10:30:00,4012345678901,2,3.00,0.00,
North,1002,2026-03-02 23:59:59,5449000000996,0,0.00,0.00,
North,1003,yesterday,5449000000996,1,0.99,0.00,
East,1,2026-03-02 12:00:00,5449000000996,1,0.99,0.00,
"""
PRODUCTS = """\
gtin,name,list_price
4006381333931,"Pencil, soft",2.49
5449000000996,Lemonade,0.99
12345,No number at all,1.00
"""


@pytest.fixture
def home() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="countermark-demo-", dir="/var/tmp"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place)


def start(home: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "deploy.demonstration", "--home", str(home), "--once", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    return subprocess.Popen(
        command, cwd=home, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finish(demonstration: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = demonstration.communicate(timeout=RUN_TIMEOUT_S)
    return demonstration.returncode, said


def processes_of(home: Path) -> list[psutil.Process]:
    """What still runs for this home, but for the demonstration itself."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(str(home) in word for word in words) and "deploy.demonstration" not in words:
            found.append(process)
    return found


def wait_until(ready: Callable[[], Any], timeout_s: float = RUN_TIMEOUT_S) -> Any:
    until = time.monotonic() + timeout_s
    while not (found := ready()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
    return found


def test_a_users_own_files_are_replayed_and_what_cannot_be_used_is_named_by_its_line(home: Path) -> None:
    (home / "sales.csv").write_text(SALES, encoding="utf-8")
    (home / "products.csv").write_text(PRODUCTS, encoding="utf-8")
    code, said = finish(
        start(home, "--sales", "sales.csv", "--products", "products.csv", "--json", "closing.json")
    )
    assert code == 3, said
    for named in (
        "sales.csv, line 6: gtin '4006381333932': its check digit should be 1",
        "sales.csv, line 9: sold_at 'yesterday'",
        "products.csv, line 4: gtin '12345'",
    ):
        assert named in said
    closing = json.loads((home / "closing.json").read_text(encoding="utf-8"))
    assert (closing["balanced"], closing["quarantined"]) == (True, 0)
    assert closing["accepted"] == closing["applied"] > 0
    figures = {
        store: (site["lines"], site["receipts"], site["quantity"], site["amount"])
        for store, site in closing["sites"].items()
    }
    assert figures == {
        "North": (3, 2, "7", "8.43"),
        "South Gate": (3, 2, "3.755", "7.37"),
        "East": (1, 1, "1", "0.99"),
    }
    assert processes_of(home) == []


def test_the_books_balance_after_the_plug_was_pulled_and_in_spite_of_every_process_dying(home: Path) -> None:
    first = start(home)
    wait_until(lambda: len(list(home.glob("run-1/agent-*.log"))) == 6)
    first.kill()
    first.communicate()

    second = start(home, "--json", "closing.json", "--speed", "4000")
    wait_until(lambda: "agent-dealer" in pids_of(home) or second.poll() is not None)
    wait_until(lambda: selling(home) or second.poll() is not None)
    for name in ("agent-367", "central", "broker", "database"):
        os.kill(pids_of(home)[name], signal.SIGKILL)
        time.sleep(0.5)  # so that the next one dies while this one comes back
    code, said = finish(second)
    assert code == 0, said
    closing = json.loads((home / "closing.json").read_text(encoding="utf-8"))
    assert closing["balanced"] is True
    assert closing["restarts"] == 4, said
    assert [case["class"] for case in closing["discrepancies"]] == ["item_sold_twice"]
    assert closing["story"]["order"]["states"][-2:] == ["closed", "closed, at the dealer"]
    assert wait_until(lambda: processes_of(home) == [], 20)


def pids_of(home: Path) -> dict[str, int]:
    notes = home / "run-1" / "children.json"
    try:
        return {name: pid for name, (pid, _) in json.loads(notes.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}


def selling(home: Path) -> bool:
    """Whether a shop is in the middle of its day."""
    configuration = home / "run-1" / "agent-367" / "agent.toml"
    try:
        port = tomllib.loads(configuration.read_text(encoding="utf-8"))["local"]["port"]
        return bool(httpx.get(f"http://127.0.0.1:{port}/v1/status", timeout=5).json()["accepted"] > 0)
    except (FileNotFoundError, httpx.TransportError):
        return False


def test_a_taken_port_is_a_clear_error(home: Path) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, said = finish(start(home, "--http-port", str(port)))
    assert (code, f"port {port} is taken" in said) == (2, True)


def test_a_file_that_is_not_there_is_a_clear_error(home: Path) -> None:
    code, said = finish(start(home, "--sales", "nothing.csv", "--products", "nothing.csv"))
    assert (code, "nothing.csv: cannot be read: No such file or directory" in said) == (2, True)
