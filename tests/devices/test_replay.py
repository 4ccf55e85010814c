"""Recording what a device sent, and playing it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.double_trigger import DoubleTrigger
from devices.errors import RecordingError
from devices.keycodes import KEY_CODES
from devices.profile import load_profile
from devices.recording import BytesRead, Dropped, KeyEvent, Lost, Opened, Recorder, Recording, read_recording
from devices.replay import ReplaySource
from devices.scan import DeviceState
from tests.devices.hid_scanners import COUNTED, counted, pieces
from tests.devices.pseudo_terminal import Running, running

GTIN = b"4006381333931"
START_US = 1_000_000


def recorder(path: Path) -> Recorder:
    return Recorder(path, wall_us=lambda: 1_700_000_000_000_000, monotonic_us=lambda: START_US)


def record(path: Path, *reads: tuple[int, bytes]) -> Recording:
    """A serial device's recording: bytes, and the milliseconds at which they were read."""
    to = recorder(path)
    to.opened("till-1", START_US, kind="serial", profile="generic-serial")
    for at_ms, data in reads:
        to.bytes_read("till-1", START_US + at_ms * 1000, data)
    to.close()
    return read_recording(path)


def play(source: ReplaySource) -> Running:
    """Play to the end."""
    with running(source) as run:
        run.until(DeviceState.CLOSED)
    return run


def scans_of(run: Running) -> list[tuple[bytes, bool]]:
    return [(scan.raw, scan.intact) for scan in run.scans.queue]


def test_a_recording_reads_back_as_written(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    to = recorder(path)
    to.opened("till-1", START_US + 1, kind="serial", profile="generic-serial")
    to.bytes_read("till-1", START_US + 2, GTIN)
    to.key("till-2", START_US + 3, 30, 1)
    to.dropped("till-2", START_US + 4)
    to.lost("till-1", START_US + 5, "unplugged")
    to.close()
    assert read_recording(path).entries == [
        Opened(device="till-1", at_us=1, kind="serial", profile="generic-serial"),
        BytesRead(device="till-1", at_us=2, hex=GTIN.hex()),
        KeyEvent(device="till-2", at_us=3, code=30, value=1),
        Dropped(device="till-2", at_us=4),
        Lost(device="till-1", at_us=5, cause="unplugged"),
    ]


def test_the_lines_are_as_documented(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    record(path, (2, b"40\r"))
    assert path.read_text() == (
        '{"format":"countermark-recording","version":1,"started_wall_us":1700000000000000}\n'
        '{"event":"opened","device":"till-1","at_us":0,"kind":"serial","profile":"generic-serial"}\n'
        '{"event":"bytes","device":"till-1","at_us":2000,"hex":"34300d"}\n'
    )


def test_a_last_line_cut_by_a_power_cut_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    whole = record(path, (2, b"40\r"))
    path.write_bytes(path.read_bytes() + b'{"event":"byt')
    cut = read_recording(path)
    assert (cut.entries, cut.cut) == (whole.entries, True)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not json", "line 3: "),
        ('{"event":"bytes","device":"d","at_us":1,"hex":"4"}', "line 3: "),
        ('{"event":"smell","device":"d","at_us":1}', "line 3: Invalid value 'smell'"),
        ('{"event":"dropped","device":"d","at_us":-1}', "line 3: Expected `int` >= 0"),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "session.jsonl"
    record(path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(RecordingError, match=says):
        read_recording(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no complete first line"),
        ('{"format":"something"}\n', "expected a countermark-recording"),
        (
            '{"format":"countermark-recording","version":2,"started_wall_us":0}\n',
            "version 2; expected 1",
        ),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(content)
    with pytest.raises(RecordingError, match=says):
        read_recording(path)


def test_recording_does_not_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.touch()
    with pytest.raises(RecordingError, match="name a new file"):
        recorder(path)


def test_replay_gives_the_scans_again(tmp_path: Path) -> None:
    recording = record(
        tmp_path / "session.jsonl", (1, GTIN[:5]), (2, GTIN[5:] + b"\r\n"), (900, b"]E0" + GTIN + b"\r")
    )
    run = play(ReplaySource(recording, full_speed=True))
    assert scans_of(run) == [(GTIN, True), (GTIN, True)]


def test_pauses_are_replayed_at_full_speed_too(tmp_path: Path) -> None:
    recording = record(
        tmp_path / "session.jsonl", (0, GTIN + b"\r"), (1_000, b"400638"), (60_000, GTIN + b"\r")
    )
    run = play(ReplaySource(recording, full_speed=True))
    assert scans_of(run) == [(GTIN, True), (b"400638", False), (GTIN, True)]


def test_a_double_trigger_stays_one_at_full_speed(tmp_path: Path) -> None:
    recording = record(tmp_path / "session.jsonl", *((at_ms, GTIN + b"\r") for at_ms in (0, 200, 5_000)))
    run = play(ReplaySource(recording, full_speed=True))
    trigger = DoubleTrigger()
    assert [trigger.repeated(scan) for scan in run.scans.queue] == [False, True, False]


def test_real_speed_keeps_the_order_and_the_scans(tmp_path: Path) -> None:
    recording = record(tmp_path / "session.jsonl", (0, b"1\r"), (20, b"2\r"), (30, b"3\r"))
    run = play(ReplaySource(recording))
    assert scans_of(run) == [(b"1", True), (b"2", True), (b"3", True)]


def test_replay_at_real_speed_stops_when_told(tmp_path: Path) -> None:
    recording = record(tmp_path / "session.jsonl", (0, b"1\r"), (3_600_000, b"2\r"))
    with running(ReplaySource(recording)) as run:
        run.next_scan()
        run.stop.set()
        run.until(DeviceState.CLOSED)
    assert scans_of(run) == []


def test_keys_and_losses_are_replayed(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    to = recorder(path)
    to.opened("till-2", START_US, kind="keyboard", profile="generic-keyboard")
    for step, name in enumerate(["4", "0", "ENTER", "5"]):
        to.key("till-2", START_US + step, KEY_CODES[f"KEY_{name}"], 1)
    to.dropped("till-2", START_US + 5)
    to.key("till-2", START_US + 6, KEY_CODES["KEY_ENTER"], 1)
    to.key("till-2", START_US + 7, KEY_CODES["KEY_6"], 1)
    to.lost("till-2", START_US + 8, "unplugged")
    to.close()
    run = play(ReplaySource(read_recording(path)))
    assert scans_of(run) == [(b"40", True), (b"5", False), (b"6", False)]


def record_reports(path: Path, *reports: bytes, descriptor: bytes = COUNTED) -> Recording:
    to = recorder(path)
    to.opened("till-3", START_US, kind="hidpos", profile="generic-hidpos", descriptor=descriptor)
    for step, report in enumerate(reports):
        to.bytes_read("till-3", START_US + step, report)
    to.dropped("till-3", START_US + 100)
    to.bytes_read("till-3", START_US + 101, counted(GTIN))
    to.close()
    return read_recording(path)


def test_reports_are_replayed(tmp_path: Path) -> None:
    recording = record_reports(tmp_path / "session.jsonl", *pieces(GTIN * 9), counted(GTIN))
    run = play(ReplaySource(recording))
    assert scans_of(run) == [(GTIN * 9, True), (GTIN, True), (GTIN, False)]


def test_reports_without_a_descriptor_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="without the descriptor of a scanner"):
        ReplaySource(record_reports(tmp_path / "session.jsonl", descriptor=b""))


def test_a_profile_of_another_link_is_refused(tmp_path: Path) -> None:
    recording = record_reports(tmp_path / "session.jsonl", counted(GTIN))
    with pytest.raises(RecordingError, match="sent what no keyboard scanner sends"):
        ReplaySource(recording, profile=load_profile("generic-keyboard"))


def test_one_device_of_several_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    to = recorder(path)
    for device in ("till-1", "till-2"):
        to.opened(device, START_US, kind="serial", profile="generic-serial")
    to.close()
    with pytest.raises(RecordingError, match="expected one of till-1, till-2"):
        ReplaySource(read_recording(path))
