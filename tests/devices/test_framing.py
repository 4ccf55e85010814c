"""Framing: every way a code may end, be cut, drown in noise or come in pieces."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.framing import Ending, Frame, Framer, FramingRules

GTIN = b"4006381333931"
SGTIN = b"0109506000134352" + b"21ABC\x1d" + b"10LOT1"
STRICT = FramingRules(ending=Ending.TERMINATOR)
IDLE = FramingRules(ending=Ending.IDLE)

MS = 1000

codes = st.binary(min_size=1, max_size=60).map(lambda noise: bytes(0x21 + byte % 0x5E for byte in noise))


def raws(frames: list[Frame]) -> list[bytes]:
    return [frame.raw for frame in frames]


def intact_raws(frames: list[Frame]) -> list[bytes]:
    return [frame.raw for frame in frames if frame.intact]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\t", b"\x03"])
def test_every_terminator_ends_a_code(end: bytes) -> None:
    assert intact_raws(Framer(STRICT).feed(GTIN + end + GTIN + end, 0)) == [GTIN, GTIN]


def test_stx_in_front_is_dropped() -> None:
    assert intact_raws(Framer(STRICT).feed(b"\x02" + GTIN + b"\x03", 0)) == [GTIN]


def test_stx_within_a_code_means_that_its_end_was_lost() -> None:
    frames = Framer(STRICT).feed(b"\x024006\x02" + GTIN + b"\x03", 0)
    assert [(frame.raw, frame.intact) for frame in frames] == [(b"4006", False), (GTIN, True)]


def test_separators_and_eot_are_data() -> None:
    message = b"[)>\x1e06\x1d1PABC\x1f\x1c\x1e\x04"
    assert intact_raws(Framer(STRICT).feed(message + b"\r", 0)) == [message]


def test_a_terminator_left_out_of_the_profile_is_data() -> None:
    rules = FramingRules(terminators=("CR",), ending=Ending.TERMINATOR)
    assert intact_raws(Framer(rules).feed(b"A\tB\nC\r", 0)) == [b"A\tB\nC"]


def test_blank_lines_are_no_codes() -> None:
    assert Framer(STRICT).feed(b"\r\n\r\n\t", 0) == []


def test_a_frame_carries_the_times_of_its_first_and_last_byte() -> None:
    framer = Framer(STRICT)
    framer.feed(b"4006", 10)
    assert framer.feed(b"381\r", 25) == [Frame(raw=b"4006381", first_us=10, last_us=25)]


def test_without_terminator_a_pause_ends_the_code() -> None:
    framer = Framer(IDLE)
    assert framer.feed(GTIN, 0) == []
    assert framer.tick(99 * MS) == []
    assert intact_raws(framer.tick(100 * MS)) == [GTIN]


def test_nothing_is_due_while_nothing_has_begun() -> None:
    framer = Framer(IDLE)
    framer.feed(GTIN + b"\r", 0)
    assert framer.deadline_us is None


def test_a_code_that_never_gets_its_terminator_is_a_fault() -> None:
    framer = Framer(STRICT)
    framer.feed(b"400638", 0)
    (frame,) = framer.tick(500 * MS)
    assert (frame.raw, frame.fault) == (b"400638", "no end of code within 500 ms; scan it again")


def test_a_pause_within_a_code_does_not_cut_it() -> None:
    framer = Framer(STRICT)
    framer.feed(b"400638", 0)
    framer.tick(400 * MS)
    assert intact_raws(framer.feed(b"1333931\r", 400 * MS)) == [GTIN]


def test_the_rest_of_a_code_that_was_given_up_is_never_a_code() -> None:
    framer = Framer(STRICT)
    framer.feed(b"400638", 0)
    framer.tick(500 * MS)
    (rest,) = framer.feed(b"1333931\r", 700 * MS)
    assert (rest.raw, rest.intact) == (b"1333931", False)


def test_scanning_again_after_a_cut_code_works() -> None:
    framer = Framer(STRICT)
    framer.feed(b"400638", 0)
    framer.tick(500 * MS)
    assert intact_raws(framer.feed(GTIN + b"\r", 1000 * MS)) == [GTIN]


def test_late_reading_is_no_pause() -> None:
    framer = Framer(STRICT)
    framer.feed(b"400638", 0)
    assert intact_raws(framer.feed(b"1333931\r", 9_000 * MS)) == [GTIN]


def test_learning_takes_a_pause_for_the_end_until_a_terminator_is_seen() -> None:
    framer = Framer(FramingRules())
    framer.feed(GTIN, 0)
    assert intact_raws(framer.tick(100 * MS)) == [GTIN]
    framer.feed(GTIN + b"\r" + b"400638", 1000 * MS)
    (cut,) = framer.tick(1500 * MS)
    assert not cut.intact


def test_learning_forgets_a_suffix_that_was_switched_off() -> None:
    framer = Framer(FramingRules())
    framer.feed(GTIN + b"\r", 0)
    refused = []
    for second in (1, 3, 5):
        framer.feed(GTIN, second * 1000 * MS)
        refused += framer.tick((second * 1000 + 500) * MS)
    assert intact_raws(refused) == []
    framer.feed(GTIN, 9_000 * MS)
    assert intact_raws(framer.tick(9_100 * MS)) == [GTIN]


@pytest.mark.parametrize("noise", [b"\x00", b"\x06", b"\x11", b"\x7f"])
def test_a_code_with_noise_in_it_is_a_fault(noise: bytes) -> None:
    (frame,) = Framer(STRICT).feed(b"4006" + noise + b"381\r", 0)
    assert frame.fault == (
        f"byte 0x{noise[0]:02X} at position 4 is no part of a code; line noise, a loose plug or a wrong baud rate"
    )


def test_a_code_of_exactly_the_cap_passes() -> None:
    rules = FramingRules(ending=Ending.TERMINATOR, max_length=16)
    assert intact_raws(Framer(rules).feed(b"A" * 16 + b"\r", 0)) == [b"A" * 16]


def test_past_the_cap_all_is_dropped_up_to_the_next_terminator() -> None:
    rules = FramingRules(ending=Ending.TERMINATOR, max_length=16)
    frames = Framer(rules).feed(b"A" * 17 + b"REST\r" + GTIN + b"\r", 0)
    assert [(frame.raw, frame.intact) for frame in frames] == [(b"A" * 16, False), (GTIN, True)]


def test_past_the_cap_a_pause_resynchronises() -> None:
    framer = Framer(IDLE)
    framer.feed(b"A" * 5000, 0)
    assert framer.tick(100 * MS) == []
    assert intact_raws(framer.feed(GTIN + b"\r", 200 * MS)) == [GTIN]


def test_a_megabyte_without_terminator_is_one_fault_of_bounded_size() -> None:
    framer = Framer(STRICT)
    frames = [frame for _ in range(256) for frame in framer.feed(b"\xa5" * 4096, 0)]
    assert [(len(frame.raw), frame.intact) for frame in frames] == [(4096, False)]


def test_distrust_without_bytes_is_still_told() -> None:
    framer = Framer(STRICT)
    framer.distrust("keys were lost", 0)
    assert [(frame.raw, frame.fault) for frame in framer.tick(500 * MS)] == [(b"", "keys were lost")]


def test_distrust_spoils_only_the_code_under_way() -> None:
    framer = Framer(STRICT)
    framer.feed(b"40", 0)
    framer.distrust("keys were lost", 0)
    frames = framer.feed(b"31\r" + GTIN + b"\r", 0)
    assert [(frame.raw, frame.fault) for frame in frames] == [(b"4031", "keys were lost"), (GTIN, None)]


def test_what_was_begun_before_the_line_was_lost_never_meets_what_comes_after() -> None:
    framer = Framer(STRICT)
    framer.feed(b"400638", 0)
    assert [frame.intact for frame in framer.abandon("unplugged")] == [False]
    assert intact_raws(framer.feed(b"1333931\r", 0)) == [b"1333931"]


@given(
    stream=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400)), cap=st.sampled_from([16, 64, 4096])
)
def test_any_split_of_a_stream_gives_the_same_frames(stream: bytes, cuts: list[int], cap: int) -> None:
    rules = FramingRules(max_length=cap)
    whole, pieces = Framer(rules), Framer(rules)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    split = [
        frame for start, end in itertools.pairwise(places) for frame in pieces.feed(stream[start:end], 7)
    ]
    expected = whole.feed(stream, 7) + whole.tick(10_000 * MS)
    assert expected == split + pieces.tick(10_000 * MS)


@given(sent=st.lists(st.tuples(codes, st.sampled_from([b"\r", b"\n", b"\r\n", b"\t", b"\x03"]))))
def test_every_code_sent_arrives_once_and_in_order(sent: list[tuple[bytes, bytes]]) -> None:
    stream = b"".join(code + end for code, end in sent)
    framer = Framer(FramingRules())
    frames = [frame for byte in stream for frame in framer.feed(bytes([byte]), 0)]
    assert [code for code, _ in sent] == intact_raws(frames)


@given(noise=st.binary(max_size=300))
def test_after_noise_and_a_pause_the_next_code_is_read(noise: bytes) -> None:
    framer = Framer(STRICT)
    framer.feed(noise, 0)
    framer.tick(500 * MS)
    assert raws(framer.feed(GTIN + b"\r", 2_000 * MS))[-1:] == [GTIN]


@given(code=codes.filter(lambda code: len(code) > 1), data=st.data())
def test_no_part_of_a_cut_code_is_ever_intact(code: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(code) - 1))
    framer = Framer(STRICT)
    frames = framer.feed(code[:cut], 0) + framer.tick(500 * MS)
    frames += framer.feed(code[cut:] + b"\r", 600 * MS)
    assert intact_raws(frames) == []
