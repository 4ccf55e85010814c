"""The scanner's own sound follows the verdict: real scanners on pseudo-terminals, a real counter behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.settings import ScannerSettings
from agent.till.asked import LineAsked, SaleAsked
from agent.till.frames import Mode, Outcome
from devices.feedback import Signal
from devices.profile import load_profile
from devices.scan import DeviceState
from tests.agent.scanners.test_scanners import running
from tests.agent.shop_kit import WATCH_1, WATCH_2, Counter, done
from tests.devices.pseudo_terminal import PtyScanner

TEA = "4006381333931"
UNKNOWN = "4002590001234"


@pytest.fixture
def scanner(tmp_path: Path) -> PtyScanner:
    plugged = PtyScanner(tmp_path / "front")
    plugged.plug_in()
    return plugged


def front(scanner: PtyScanner, profile: str) -> ScannerSettings:
    return ScannerSettings(kind="serial", path=str(scanner.link), name="front", profile=profile)


def sold(counter: Counter, item: str) -> None:
    done(counter.parts.sales.post(SaleAsked(lines=(LineAsked(item=item, amount_minor=25_000),))))


@pytest.mark.parametrize(
    ("code", "outcome", "command"),
    [
        (TEA, Outcome.ADDED, "accepted"),
        (UNKNOWN, Outcome.ASK, "asked"),
        (WATCH_1, Outcome.REFUSED, "refused"),
        ("no code at all", Outcome.UNREADABLE, "unreadable"),
    ],
)
@pytest.mark.parametrize("profile", ["honeywell-2d", "zebra-ssi", "datalogic-cordless"])
def test_the_scanner_sounds_by_the_verdict(
    counter: Counter, scanner: PtyScanner, profile: str, code: str, outcome: Outcome, command: str
) -> None:
    sold(counter, WATCH_1)
    feedback = load_profile(profile).feedback
    expected = feedback.command(Signal(command))
    with running(counter, front(scanner, profile)) as counted:
        counted.until_state("front", DeviceState.OPEN)
        scanner.send(code.encode() + b"\r")
        heard = scanner.heard(len(expected))
        frames = counted.until_frames(1)
    assert ([frame.outcome for frame in frames], heard) == ([outcome], expected)


def test_a_scanner_that_waits_for_an_answer_gets_one_for_a_code_that_was_not_counted(
    counter: Counter, scanner: PtyScanner
) -> None:
    with running(counter, front(scanner, "honeywell-2d"), window_ms=10_000) as counted:
        counted.until_state("front", DeviceState.OPEN)
        scanner.send(f"{TEA}\r{TEA}\r".encode())
        assert scanner.heard(6) == b"\x1b7,\x1b1,"


def test_an_item_that_is_verified_and_should_not_be_sold_sounds_like_a_refusal(
    counter: Counter, scanner: PtyScanner
) -> None:
    sold(counter, WATCH_2)
    counter.parts.counter.set_mode(Mode.VERIFY)
    with running(counter, front(scanner, "honeywell-2d")) as counted:
        counted.until_state("front", DeviceState.OPEN)
        scanner.send(f"{WATCH_2}\r".encode())
        assert scanner.heard(6) == b"\x1b8,\x1b8,"


def test_a_scanner_that_takes_nothing_delays_no_scan_of_its_own(
    counter: Counter, scanner: PtyScanner
) -> None:
    """Nobody reads what it is sent, for more than its terminal can hold."""
    with running(counter, front(scanner, "datalogic-cordless"), window_ms=0) as counted:
        counted.until_state("front", DeviceState.OPEN)
        for _ in range(8):
            scanner.send(f"{TEA}\r".encode() * 100)
        frames = counted.until_frames(800)
    assert {frame.outcome for frame in frames} == {Outcome.ADDED}
