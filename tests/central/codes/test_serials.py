"""Serials by a keyed permutation: every number has its own, and it comes back."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from central.codes.serials import NUMBER_LIMIT, Serials, _start, is_printable
from protocol.codes import Rules, recognise, render_element_string
from protocol.codes.short import ALPHABET, RANDOM_CHARACTERS, in_alphabet, is_sound, parse_short

KEY, OTHER_KEY, MAC_KEY = b"k" * 32, b"o" * 32, b"m" * 32
TAG = "A7K2"
GTIN = "04012345678901"

tags = st.text(ALPHABET, min_size=4, max_size=4)
keys = st.binary(min_size=32, max_size=32)
mac_keys = st.none() | keys
numbers = st.integers(1, NUMBER_LIMIT - 1)


@given(tags, keys, mac_keys, numbers)
def test_a_serial_gives_its_number_back(tag: str, key: bytes, mac_key: bytes | None, number: int) -> None:
    serials = Serials(tag, key, mac_key)
    assert serials.number(serials.serial(number)) == number


@given(keys, st.integers(0, (1 << 50) - 1))
def test_the_permutation_is_undone_by_its_inverse(key: bytes, place: int) -> None:
    serials = Serials(TAG, key)
    assert serials._back(serials._forth(place)) == place


@given(tags, keys, mac_keys, numbers)
def test_every_serial_is_printable(tag: str, key: bytes, mac_key: bytes | None, number: int) -> None:
    assert is_printable(Serials(tag, key, mac_key).serial(number))


@given(tags, keys, numbers, st.booleans())
@example("1726", KEY, int("00131", 32), False)
@example("T172", KEY, 9 << 5 | 3, False)
def test_every_walk_begins_at_a_serial_that_may_be_printed(
    tag: str, key: bytes, number: int, is_short: bool
) -> None:
    serials = Serials(tag, key, MAC_KEY if is_short else None)
    assert is_printable(serials._whole(_start(number)))


def test_the_first_hundred_thousand_are_all_different() -> None:
    serials = Serials(TAG, KEY)
    assert len({serials.serial(number) for number in range(1, 100_001)}) == 100_000


def test_serials_that_read_like_two_values_are_passed_over() -> None:
    serials = Serials(TAG, KEY)
    passed = [
        number
        for number in range(1, 20_001)
        if not is_printable(serials._whole(serials._forth(_start(number))))
    ]
    assert passed  # one in a thousand
    assert [serials.number(serials.serial(number)) for number in passed] == passed


def test_of_what_was_not_issued_nothing_is_found() -> None:
    serials = Serials(TAG, KEY)
    made = {serials.serial(number) for number in range(1, 1_001)}
    strange = {f"{TAG}{in_alphabet(place * 7_919_993, RANDOM_CHARACTERS)}" for place in range(1, 5_001)}
    found = {serial: serials.number(serial) for serial in strange - made}
    # one in 2²⁵ serials belongs to some number below the limit; none of these to one that an order of ours has
    assert {
        serial for serial, number in found.items() if number is not None and number <= 10_000_000
    } == set()


@pytest.mark.parametrize(
    "serial",
    ["", TAG, "A7K2AAAAAAAAA", "A7K2AAAAAAAAAAA", "B7K2AAAAAAAAAA", "A7K2AAAAAAAAAI", "A7K2aaaaaaaaaa", "A7K2ÄAAAAAAAAA"],
)  # fmt: skip
def test_a_serial_of_another_form_has_no_number(serial: str) -> None:
    assert Serials(TAG, KEY).number(serial) is None


def test_another_key_makes_other_serials() -> None:
    mine, other = (
        {Serials(TAG, key).serial(number) for number in range(1, 1_001)} for key in (KEY, OTHER_KEY)
    )
    assert mine & other == set()


def test_numbers_side_by_side_give_serials_that_have_nothing_in_common() -> None:
    serials = Serials(TAG, KEY)
    made = [int(serials.serial(number)[4:].translate(_TO_INT32), 32) for number in range(1, 4_001)]
    changed = [(one ^ two).bit_count() for one, two in itertools.pairwise(made)]
    assert 24 < sum(changed) / len(changed) < 26  # half of 50 bits, as of two numbers thrown by dice


@given(numbers)
def test_a_short_code_is_sound_and_the_whole_token_is_the_serial(number: int) -> None:
    token = Serials(TAG, KEY, MAC_KEY).serial(number)
    code = parse_short(token)
    assert code is not None
    assert (code.token, code.tag, is_sound(code, MAC_KEY)) == (token, TAG, True)


def test_a_short_code_with_a_wrong_mac_has_no_number() -> None:
    serials = Serials(TAG, KEY, MAC_KEY)
    token = serials.serial(1)
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert serials.number(wrong) is None


@given(tags.filter(lambda tag: re.search("[A-Z]", tag) is not None), numbers)
def test_a_serial_alone_on_a_label_is_read_as_itself(tag: str, number: int) -> None:
    serial = Serials(tag, KEY).serial(number)
    label = render_element_string({"01": GTIN, "21": serial})
    assert recognise(label, rules=Rules()).item == f"01{GTIN}21{serial}"


@pytest.mark.parametrize("number", [0, -1, NUMBER_LIMIT])
def test_a_number_beyond_the_limit_is_refused_with_what_was_expected(number: int) -> None:
    with pytest.raises(ValueError, match=f"number {number} of order A7K2: expected one from 1 to 33554431"):
        Serials(TAG, KEY).serial(number)


_TO_INT32 = str.maketrans(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")
