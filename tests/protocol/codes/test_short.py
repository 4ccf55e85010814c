"""Short codes: a token that is made is read, sound with its own key alone, and never taken for anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import Code, recognise
from protocol.codes.short import (
    ALPHABET,
    LETTERS,
    RANDOM_CHARACTERS,
    ShortCode,
    code_of_short,
    in_alphabet,
    is_sound,
    is_tag,
    mac_of,
    parse_short,
    short_in_scan,
)

KEY = bytes(32)
TOKEN = f"K7Q3000000000G{mac_of('K7Q3', '000000000G', KEY)}"
tags = st.tuples(st.sampled_from(LETTERS), st.text(ALPHABET, min_size=3, max_size=3)).map("".join)
randoms = st.text(ALPHABET, min_size=RANDOM_CHARACTERS, max_size=RANDOM_CHARACTERS)
keys = st.binary(min_size=16, max_size=64)


def made(tag: str, random: str, key: bytes) -> str:
    return tag + random + mac_of(tag, random, key)


@given(tags, randoms, keys)
def test_a_token_reads_back_and_is_sound(tag: str, random: str, key: bytes) -> None:
    short = parse_short(made(tag, random, key))
    assert short == ShortCode(tag=tag, random=random, mac=mac_of(tag, random, key))
    assert is_sound(short, key)


@given(tags, randoms, keys, st.integers(0, 19), st.sampled_from(ALPHABET))
def test_a_token_with_one_character_changed_is_none_or_not_sound(
    tag: str, random: str, key: bytes, at: int, other: str
) -> None:
    token = made(tag, random, key)
    changed = parse_short(token[:at] + other + token[at + 1 :])
    assert changed is None or is_sound(changed, key) == (changed.token == token)


def test_a_token_is_not_sound_with_the_key_of_another_order() -> None:
    short = parse_short(TOKEN)
    assert short is not None
    assert (is_sound(short, KEY), is_sound(short, b"\1" * 32)) == (True, False)


def test_the_mac_is_the_front_of_an_hmac_sha256_in_five_bits_a_character() -> None:
    # RFC 4231, test case 2: HMAC-SHA256 of "what do ya want for nothing?" with the key "Jefe" begins 5bdcc146.
    assert mac_of("what do ya want ", "for nothing?", b"Jefe") == in_alphabet(0x5BDCC146 >> 2, 6)


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"https://b.example/{TOKEN}",
        f"HTTPS://B.EXAMPLE/{TOKEN}",
        f"http://b.example/c/d/{TOKEN}/",
        f"https://b.example/{TOKEN}?from=label#top",
    ],
)
def test_a_token_is_read_alone_and_at_the_end_of_a_web_address(text: str) -> None:
    found = parse_short(text)
    assert found is not None
    assert found.token == TOKEN


@pytest.mark.parametrize("raw", [TOKEN, f"{TOKEN}\r\n", f"]d1{TOKEN}", f"]Q1https://b.example/{TOKEN}\r"])
def test_a_scanners_line_end_and_symbology_identifier_are_left_out(raw: str) -> None:
    assert short_in_scan(raw.encode()) == short_in_scan(raw) == parse_short(TOKEN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TOKEN[:-1],
        TOKEN + "0",
        TOKEN.lower(),
        TOKEN.replace("Q", "O"),
        "4" + TOKEN[1:],  # no tag begins with a digit
        "28123456789012345678",
        f"x/{TOKEN}",
        f"ftp://b.example/{TOKEN}",
        f"https://b.example?{TOKEN}",
        f"https://b.example/{TOKEN}/more",
        f"https://{TOKEN}",
        f"{TOKEN}\n{TOKEN}",
        "https://b.example/" + "a/" * 2000 + TOKEN,
    ],
)
def test_what_is_no_token_is_none(text: str) -> None:
    assert parse_short(text) is None


@given(st.text() | st.binary())
def test_any_scan_has_a_token_or_none(raw: str | bytes) -> None:
    assert isinstance(short_in_scan(raw), ShortCode | None)


@given(tags, randoms, keys)
def test_a_bare_token_is_nothing_to_who_does_not_know_its_order(tag: str, random: str, key: bytes) -> None:
    code = recognise(made(tag, random, key))
    assert (code.kind, code.refusal_cause) == ("unknown", "not_recognised")


@pytest.mark.parametrize(
    ("text", "is_one"), [("K7Q3", True), ("Z000", True), ("7KQ3", False), ("K7QI", False), ("K7Q", False)]
)
def test_a_tag_begins_with_a_letter(text: str, is_one: bool) -> None:
    assert is_tag(text) is is_one


def test_the_item_of_a_token_has_the_token_as_its_serial_and_the_rest_from_its_order() -> None:
    short = parse_short(TOKEN)
    assert short is not None
    assert code_of_short(
        short, gtin="04912345123459", batch="LOT7", expiry="2027-01-31", words="QR Code"
    ) == Code(
        kind="sgtin",
        gtin="04912345123459",
        serial=TOKEN,
        batch="LOT7",
        expiry="2027-01-31",
        item=f"010491234512345921{TOKEN}",
        symbology="QR Code",
    )
