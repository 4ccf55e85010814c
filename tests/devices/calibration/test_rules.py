"""The settings of a scanner are found back from its scans of the sheet, or the symbol to scan again is named."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.assembler import Assembler
from devices.calibration.hearing import Letters, RecordedScan
from devices.calibration.rules import Found, ScanNext, settings_of
from devices.calibration.symbols import LETTERS, SEPARATOR, SIGNS, SYMBOLS, symbol
from devices.calibration.writing import profile_of, profile_toml
from devices.layout import load_layout, shipped_layouts
from devices.profile import Profile, parse_profile
from devices.recording import BytesRead, Dropped, KeyEvent
from tests.devices.calibration.simulated import SEPARATOR_CHORDS, Scanner, chords_of, sent, typed

SUFFIXES = {"": (), "\r": ("CR",), "\n": ("LF",), "\r\n": ("CR", "LF"), "\t": ("TAB",), "\x03": ("ETX",)}
# The sheet itself holds none of them: a text that stands for GS cannot be told from itself.
TEXT_FOR_GS = ("<GS>", "{GS}", "|")


def found(scanner: Scanner) -> Found:
    told = settings_of(scanner.scan_all())
    assert isinstance(told, Found), told
    return told


def asked(*scans: RecordedScan) -> ScanNext:
    told = settings_of(scans)
    assert isinstance(told, ScanNext), told
    return told


def read_back(scanner: Scanner, profile: Profile) -> list[bytes]:
    """The codes that a driver with this profile makes of the scanner's scans; each must be intact."""
    layout = load_layout(profile.keyboard.layout) if profile.link == "keyboard" else None
    assembler = Assembler("s", profile, layout)
    scans = []
    for recorded in scanner.scan_all():
        for entry in recorded.entries:
            if isinstance(entry, KeyEvent):
                scans += assembler.key(entry.code, entry.value, entry.at_us)
            elif isinstance(entry, BytesRead):
                data = bytes(byte & (0x7F if profile.serial.data_bits == 7 else 0xFF) for byte in entry.data)
                scans += assembler.bytes_read(data, entry.at_us)
        if (deadline_us := assembler.deadline_us) is not None:
            scans += assembler.tick(deadline_us)
    assert [scan.fault for scan in scans] == [None] * len(SYMBOLS)
    return [scan.raw for scan in scans]


CODES = [(one.text + ("\x1d" + one.rest if one.rest else "")).encode() for one in SYMBOLS]


BEFORE = st.sampled_from(["", "\x02"])
SUFFIX = st.sampled_from(sorted(SUFFIXES))
PACE_US = st.integers(500, 60_000)
KEYBOARDS = st.builds(
    Scanner,
    layout=st.sampled_from(shipped_layouts()),
    separator=st.sampled_from([*SEPARATOR_CHORDS, *TEXT_FOR_GS]),
    before=BEFORE,
    suffix=SUFFIX,
    aim=st.booleans(),
    pace_us=PACE_US,
)
LINES = st.builds(
    Scanner,
    separator=st.sampled_from(["\x1d", "", *TEXT_FOR_GS]),
    before=BEFORE,
    suffix=SUFFIX,
    aim=st.booleans(),
    pace_us=PACE_US,
    parity=st.sampled_from(["none", "even", "odd", "mark"]),
)
# With Caps Lock assumed, all capitals are all small letters without it: one is told as the other.
LETTERS_AND_CAPS_LOCK = st.sampled_from(
    [("as printed", True), ("as printed", False), ("capitals", False), ("small", False)]
)


def told_of(scanner: Scanner) -> dict[str, object]:
    """What the rules should say of a scanner that is set up so."""
    sent_as = {"alt": "\x1d", "alt_short": "\x1d", "ctrl": "\x1d", "none": ""}
    key = scanner.separator if scanner.separator.startswith("KEY_") else ""
    return {
        "link": "keyboard" if scanner.layout else "serial",
        "layout": scanner.layout,
        "caps_lock": scanner.caps_lock,
        "letters": scanner.letters,
        "separator": "" if key else sent_as.get(scanner.separator, scanner.separator),
        "separator_key": key,
        "suffix": SUFFIXES[scanner.suffix],
        "stx": scanner.before == "\x02",
        "aim_prefix": scanner.aim,
        "longest_gap_ms": -(-scanner.pace_us // 1000),
        "baud_rate": 9600,
        "data_bits": 8 if scanner.parity == "none" else 7,
        "parity": scanner.parity,
    }


def settings_only(told: Found) -> dict[str, object]:
    """The same of what the rules say."""
    words = {"must_change", "advice"}
    return {name: value for name, value in msgspec.structs.asdict(told).items() if name not in words}


@settings(max_examples=200)
@given(scanner=KEYBOARDS, letters_and_caps_lock=LETTERS_AND_CAPS_LOCK)
def test_a_keyboard_scanner_is_found_back(scanner: Scanner, letters_and_caps_lock: tuple[str, bool]) -> None:
    letters, caps_lock = letters_and_caps_lock
    set_up = msgspec.structs.replace(scanner, letters=letters, caps_lock=caps_lock)
    assert settings_only(found(set_up)) == told_of(set_up)


@given(scanner=LINES, letters=st.sampled_from(list(Letters)))
def test_a_serial_scanner_is_found_back(scanner: Scanner, letters: Letters) -> None:
    set_up = msgspec.structs.replace(scanner, letters=letters)
    assert settings_only(found(set_up)) == told_of(set_up)


@settings(max_examples=200)
@given(scanner=KEYBOARDS | LINES, caps_lock=st.booleans())
def test_with_the_profile_every_code_of_the_sheet_is_read_as_printed(
    scanner: Scanner, caps_lock: bool
) -> None:
    set_up = msgspec.structs.replace(
        scanner,
        caps_lock=caps_lock and bool(scanner.layout),
        separator={"": "\x1d", "none": "ctrl"}.get(scanner.separator, scanner.separator),
    )
    profile = profile_of(found(set_up), "own")
    assert read_back(set_up, profile) == CODES
    assert parse_profile(profile_toml(profile), "own.toml") == profile


@pytest.mark.parametrize("layout", shipped_layouts())
def test_a_scanner_that_presses_alt_codes_alone_needs_no_layout(layout: str) -> None:
    told = found(Scanner(layout=layout, alt_codes_only=True, separator="alt"))
    assert (told.layout, told.caps_lock, told.must_change) == ("us", False, ())


def test_a_pause_twice_as_long_as_any_of_the_scanner_ends_no_code() -> None:
    profile = profile_of(found(Scanner(layout="us", separator="ctrl", suffix="", pace_us=90_000)), "own")
    assert profile.framing.idle_timeout_ms == 360


@pytest.mark.parametrize("key", [LETTERS, SIGNS, SEPARATOR])
def test_the_symbol_that_is_missing_is_asked_for(key: str) -> None:
    scanner = Scanner(layout="de", separator="ctrl")
    assert asked(*(scanner.scan(one) for one in SYMBOLS if one.key != key)).symbol == key


def test_symbols_may_be_scanned_in_any_order_and_twice() -> None:
    scans = Scanner(layout="fr", separator="ctrl").scan_all()
    assert settings_of([*reversed(scans), scans[1]]) == settings_of(scans)


def test_a_scan_of_something_else_changes_nothing_and_is_told() -> None:
    other = typed([chords_of("us")[digit] for digit in "4006381333931"])
    told = asked(Scanner(layout="us").scan(symbol(LETTERS)), other)
    assert (told.symbol, told.why.startswith("what came is none of the symbols")) == (SIGNS, True)


def test_a_scanner_whose_settings_changed_half_way_scans_the_old_symbol_again() -> None:
    before, after = Scanner(layout="us", separator="ctrl"), Scanner(layout="de", separator="ctrl")
    told = asked(before.scan(symbol(LETTERS)), after.scan(symbol(SIGNS)), after.scan(symbol(SEPARATOR)))
    assert told == ScanNext(symbol=LETTERS, why="an earlier scan of it does not fit the newer ones")


def test_a_scan_with_lost_keys_is_asked_for_again() -> None:
    scan = Scanner(layout="us").scan(symbol(LETTERS))
    lost = msgspec.structs.replace(scan, entries=(*scan.entries, Dropped(device="s", at_us=10**6)))
    assert asked(lost) == ScanNext(symbol=LETTERS, why="the machine was too busy and lost key presses")


def test_one_symbol_scanned_twice_in_one_go_is_asked_for_again() -> None:
    twice = Scanner().scan(symbol(LETTERS)).data * 2
    assert asked(sent(twice)).symbol == LETTERS


def test_noise_on_a_serial_line_has_the_next_baud_rate_tried() -> None:
    told = asked(sent(b"\x00\xf8\x80\x1e\xe6", baud_rate=9600))
    assert (told.symbol, told.baud_rate) == (LETTERS, 115_200)


def test_after_the_last_baud_rate_comes_the_first_again() -> None:
    assert asked(sent(b"\x00\xf8\x80", baud_rate=1200)).baud_rate == 9600


@pytest.mark.parametrize(
    ("scanner", "words"),
    [
        (Scanner(letters="capitals"), "switch the scanner's case conversion off"),
        (Scanner(separator=""), "the group separator is left out"),
        (Scanner(separator="-"), "which codes hold themselves"),
        (Scanner(separator="\xa7"), "the group separator arrives as '§'"),
        (Scanner(layout="us", separator="none"), "the group separator is left out"),
        (Scanner(before="A"), "'A' stands before each code; switch this prefix off"),
        (Scanner(suffix="Z\r"), "'Z' stands after each code"),
    ],
)
def test_what_no_profile_can_mend_is_told(scanner: Scanner, words: str) -> None:
    (told,) = found(scanner).must_change
    assert words in told


def test_what_could_be_better_is_told() -> None:
    told = found(Scanner(suffix="", aim=False))
    assert [text.partition(";")[0] for text in told.advice] == [
        "there is no suffix, so only a pause ends a code",
        "AIM identifiers are off",
    ]


def test_nothing_scanned_yet_asks_for_the_first_symbol() -> None:
    assert asked() == ScanNext(symbol=LETTERS, why="first")
