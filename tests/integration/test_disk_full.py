"""A disk that is really full: a small file system of its own, in a private mount namespace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from pathlib import Path
from agent.store.faults import WriteRefused
from agent.store.reserve import DEFAULT_RESERVE_BYTES
from tests.agent.journal.counter import Counter

place = Path(sys.argv[1])
(place / "other").write_bytes(bytes(4_000_000))  # what somebody else keeps on this disk
counter = Counter(place / "data", reserve_bytes=DEFAULT_RESERVE_BYTES)

def sell_until_refused():
    accepted, held_until = 0, None
    while True:
        try:
            counter.sell_many(100)
        except WriteRefused as refused:
            return accepted, held_until, refused.fault, str(refused)
        accepted += 100
        if held_until is None and not counter.store.health().reserve_held:
            held_until = accepted

first, held_until, fault, text = sell_until_refused()
readable = len(counter.names(last_seq=first))
(place / "other").unlink()
counter.sell_many(100)
counter.close()
with Counter(place / "data", reserve_bytes=0) as again:
    kept, sound = again.journal.accepted_count(), again.verify().is_sound
print(json.dumps(dict(first=first, held_until=held_until, fault=fault, text=text, readable=readable, kept=kept, sound=sound)))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the program saw, that sold on a disk of 44 MiB until there was no room."""
    place = tmp_path_factory.mktemp("disk")
    unshare = shutil.which("unshare", path="/usr/bin:/bin:/usr/sbin:/sbin")
    assert unshare, "unshare is missing; install util-linux"
    script = f'mount -t tmpfs -o size=44m none "$1" && exec "{sys.executable}" -c "$2" "$1"'
    result = subprocess.run(
        [unshare, "--map-root-user", "--mount", "sh", "-c", script, "sh", str(place), PROGRAM],
        capture_output=True,
        check=False,  # what it said is shown below
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return answer


def test_the_sale_that_finds_the_disk_full_is_refused_in_words(outcome: dict[str, object]) -> None:
    assert outcome["fault"] == "disk_full"
    assert "the disk is full; free some space" in str(outcome["text"])


def test_the_reserve_lets_the_counter_go_on_for_a_while(outcome: dict[str, object]) -> None:
    assert isinstance(outcome["held_until"], int)
    assert isinstance(outcome["first"], int)
    assert outcome["first"] - outcome["held_until"] > 10_000


def test_what_was_accepted_stays_readable_on_the_full_disk(outcome: dict[str, object]) -> None:
    assert outcome["readable"] == 500  # as many as one batch holds


def test_nothing_accepted_is_missing_and_nothing_refused_is_there(outcome: dict[str, object]) -> None:
    assert isinstance(outcome["first"], int)
    assert (outcome["kept"], outcome["sound"]) == (outcome["first"] + 100, True)
