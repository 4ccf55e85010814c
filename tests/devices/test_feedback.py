"""What a scanner is told to sound: the bytes by the makers' documents, and a line that delays nobody."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import ProfileError
from devices.feedback import FeedbackCommands, Signal, encode, ssi_packet
from devices.feedback_line import WAITING_LIMIT, FeedbackLine
from devices.profile import load_profile, parse_profile, shipped_profiles
from devices.scan import DeviceState
from devices.serial_port import SerialSource
from tests.devices.pseudo_terminal import PATIENCE_S, PtyScanner, running

GTIN = b"4006381333931"
EVERY = tuple(Signal)


@pytest.fixture
def scanner(tmp_path: Path) -> PtyScanner:
    plugged = PtyScanner(tmp_path / "usb-Maker_Scanner-if00")
    plugged.plug_in()
    return plugged


def sounds(profile: str) -> dict[str, bytes]:
    feedback = load_profile(profile).feedback
    return {signal.value: feedback.command(signal) for signal in EVERY if feedback.command(signal)}


# -- the bytes ----------------------------------------------------------------------------------------------------------------


def test_an_ssi_packet_ends_in_the_twos_complement_of_its_sum() -> None:
    assert ssi_packet(0xE6, b"\x00") == bytes.fromhex("05 E6 04 00 00 FF 11")


def test_a_packet_without_data_is_four_bytes_and_its_checksum() -> None:
    assert ssi_packet(0xD0) == bytes.fromhex("04 D0 04 00 FF 28")


@given(opcode=st.integers(0, 255), data=st.binary(max_size=251))
def test_every_ssi_packet_sums_up_to_nothing(opcode: int, data: bytes) -> None:
    packet = ssi_packet(opcode, data)
    assert (sum(packet[:-2]) + int.from_bytes(packet[-2:], "big")) & 0xFFFF == 0


def test_more_than_a_packet_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="252 bytes of data; expected at most 251"):
        ssi_packet(0xE6, bytes(252))


def test_several_packets_make_one_command() -> None:
    assert encode("ssi", "E6 00;E6 0F") == ssi_packet(0xE6, b"\x00") + ssi_packet(0xE6, b"\x0f")


def test_honeywell_is_answered_after_every_code() -> None:
    assert sounds("honeywell-2d") == {
        "accepted": b"\x1b7,",
        "asked": b"\x1b5,\x1b5,",
        "refused": b"\x1b8,\x1b8,",
        "unreadable": b"\x1b4,",
        "ignored": b"\x1b1,",
    }


def test_zebra_on_ssi_has_a_beep_for_every_verdict() -> None:
    assert sounds("zebra-ssi") == {
        "accepted": bytes.fromhex("05 E6 04 00 00 FF 11"),
        "asked": bytes.fromhex("05 E6 04 00 06 FF 0B"),
        "refused": bytes.fromhex("05 E6 04 00 16 FE FB"),
        "unreadable": bytes.fromhex("05 E6 04 00 0F FF 02"),
    }


def test_datalogic_by_its_host_commands() -> None:
    assert sounds("datalogic-handheld") == {"accepted": b"B", "asked": b"BB", "refused": b"FE"}


def test_datalogic_cordless_lights_green_with_the_good_read_tone() -> None:
    assert sounds("datalogic-cordless")["accepted"] == b"\x12\x1b[6q\x1b[3q\x1b[7q\r"


@pytest.mark.parametrize("profile", [name for name in shipped_profiles() if not name.startswith("generic")])
def test_no_two_verdicts_sound_alike(profile: str) -> None:
    commands = list(sounds(profile).values())
    assert len(commands) == len(set(commands))


@pytest.mark.parametrize("profile", [name for name in shipped_profiles() if sounds(name)])
def test_a_profile_with_commands_names_the_document(profile: str) -> None:
    assert load_profile(profile).documents


@pytest.mark.parametrize(
    ("feedback", "says"),
    [
        (
            'protocol = "ssi"\naccepted = "beep"',
            "accepted: 'beep' is no packet; expected an opcode and its data",
        ),
        ('protocol = "ssi"\nasked = "E6;"', "asked: '' is no packet"),
        ('refused = "é"', "refused: 'é' has characters beyond ASCII"),
        (f'unreadable = "{"B" * 65}"', "unreadable: 65 bytes; expected at most 64"),
        ('protocol = "opos"', "'opos'"),
        ('good = "B"', "`good`"),
    ],
)
def test_a_command_that_cannot_be_sent_is_refused(feedback: str, says: str) -> None:
    text = f'name = "own"\ntitle = "Own"\nlink = "serial"\n[feedback]\n{feedback}\n'
    with pytest.raises(ProfileError, match=r"scanner profile own\.toml: ") as refused:
        parse_profile(text, "own.toml")
    assert says in str(refused.value)


def test_without_commands_nothing_is_sent() -> None:
    assert [FeedbackCommands().command(signal) for signal in EVERY] == [b""] * len(EVERY)


# -- the line -----------------------------------------------------------------------------------------------------------------


def test_feedback_sends_the_makers_commands(scanner: PtyScanner) -> None:
    source = SerialSource(str(scanner.link), load_profile("honeywell-2d"))
    with running(source) as till:
        till.until(DeviceState.OPEN)
        sent = [source.give_feedback(Signal.ACCEPTED), source.give_feedback(Signal.REFUSED)]
        heard = scanner.heard(9)
    assert (sent, heard) == ([True, True], b"\x1b7,\x1b8,\x1b8,")


def test_feedback_is_declined_where_the_scanner_is_not_there(tmp_path: Path) -> None:
    source = SerialSource(str(tmp_path / "nothing"), load_profile("honeywell-2d"))
    assert not source.give_feedback(Signal.ACCEPTED)


def test_feedback_is_declined_where_the_profile_has_no_command(scanner: PtyScanner) -> None:
    source = SerialSource(str(scanner.link), load_profile("zebra-symbol"))
    with running(source) as till:
        till.until(DeviceState.OPEN)
        assert not source.give_feedback(Signal.REFUSED)


def test_a_scanner_that_takes_no_feedback_still_scans(scanner: PtyScanner) -> None:
    """Nobody reads the far end: once the terminal's buffer is full, every write stalls."""
    source = SerialSource(str(scanner.link), load_profile("datalogic-cordless"))
    with running(source) as till:
        till.until(DeviceState.OPEN)
        declined = False
        while not declined:
            declined = not source.give_feedback(Signal.REFUSED)
        scanner.send((GTIN + b"\r") * 100)
        assert [scan.raw for scan in till.next_scans(100)] == [GTIN] * 100


def test_what_waited_behind_a_refused_command_is_not_sent_later() -> None:
    begun, go_on, next_written = threading.Event(), threading.Event(), threading.Event()
    written = []

    def write(command: bytes) -> bool:
        written.append(command)
        begun.set()
        if command == b"next":
            next_written.set()
        return go_on.wait(PATIENCE_S) and command != b"stalls"

    line = FeedbackLine("front", write)
    with line.at_work():
        line.send(b"stalls")
        assert begun.wait(PATIENCE_S)
        taken = [line.send(b"late") for _ in range(WAITING_LIMIT + 1)]
        go_on.set()
        while not next_written.wait(0.01):  # dropped with the rest, while that is being dropped
            line.send(b"next")
    assert (taken[-1], b"late" in written) == (False, False)
