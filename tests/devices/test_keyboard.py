"""Key presses to characters: layouts, modifiers, Alt codes and the group separator in all its forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.keyboard import KeyDecoder, KeyOutput
from devices.keycodes import KEY_CODES
from devices.layout import Layout, load_layout, shipped_layouts

GS = b"\x1d"


def decoder(layout: str = "us") -> KeyDecoder:
    return KeyDecoder(load_layout(layout), {"KEY_F8": "\x1d"})


def press(keys: KeyDecoder, chords: str) -> tuple[bytes, list[str]]:
    """Press chords such as 'LEFTSHIFT+A 1 ENTER', each key down in order and up in reverse."""
    outputs: list[KeyOutput] = []
    for chord in chords.split():
        codes = [KEY_CODES[f"KEY_{name}"] for name in chord.split("+")]
        outputs += [keys.key(code, 1) for code in codes]
        outputs += [keys.key(code, 0) for code in reversed(codes)]
    return b"".join(output.data for output in outputs), [output.fault for output in outputs if output.fault]


def typed(chords: str, layout: str = "us") -> bytes:
    data, faults = press(decoder(layout), chords)
    assert faults == []
    return data


def test_key_codes_are_the_kernels() -> None:
    from evdev import ecodes  # of all these tests, the only one that needs Linux

    assert {name: ecodes.ecodes[name] for name in KEY_CODES} == KEY_CODES


def test_digits_letters_and_enter() -> None:
    assert typed("4 0 0 A LEFTSHIFT+B ENTER") == b"400aB\r"


@pytest.mark.parametrize(
    ("layout", "chords", "expected"),
    [
        ("us", "LEFTSHIFT+2 LEFTSHIFT+APOSTROPHE Y Z", '@"yz'),
        ("uk", "LEFTSHIFT+2 LEFTSHIFT+APOSTROPHE BACKSLASH LEFTSHIFT+3", '"@#£'),
        ("de", "Y Z LEFTSHIFT+7 SLASH RIGHTALT+Q LEFTSHIFT+0", "zy/-@="),
        ("fr", "LEFTSHIFT+1 LEFTSHIFT+0 Q A SEMICOLON LEFTSHIFT+DOT RIGHTALT+0", "10aqm/@"),
        ("cz", "LEFTSHIFT+1 LEFTSHIFT+0 Y Z LEFTSHIFT+LEFTBRACE RIGHTALT+V", "10zy/@"),
    ],
)
def test_layouts_print_what_their_keyboards_print(layout: str, chords: str, expected: str) -> None:
    assert typed(chords, layout) == expected.encode()


def test_caps_lock_turns_letters_and_leaves_digits() -> None:
    assert typed("CAPSLOCK A 1 LEFTSHIFT+B CAPSLOCK A") == b"A1ba"


def test_keypad_digits_are_digits() -> None:
    assert typed("KP4 KP0 KP0 KPDOT KPENTER") == b"400.\r"


def test_the_keypads_decimal_key_follows_the_layout() -> None:
    assert typed("KPDOT", "de") == b","


@pytest.mark.parametrize("layout", shipped_layouts())
@pytest.mark.parametrize(
    "chords",
    [
        "LEFTALT+KP0+KP2+KP9",
        "LEFTALT+KP2+KP9",
        "RIGHTALT+KP0+KP0+KP2+KP9",
        "LEFTCTRL+RIGHTBRACE",
        "RIGHTCTRL+RIGHTBRACE",
        "F8",
    ],
)
def test_every_way_to_press_the_group_separator(layout: str, chords: str) -> None:
    assert typed(chords, layout) == GS


def test_alt_codes_carry_whole_codes_too() -> None:
    assert typed("LEFTALT+KP0+KP5+KP2 LEFTALT+KP6+KP5 LEFTALT+KP0+KP1+KP2+KP8") == "4A€".encode()


@pytest.mark.parametrize("layout", shipped_layouts())
def test_a_whole_label_in_alt_codes_is_read_alike_under_every_layout(layout: str) -> None:
    label = "]d20104006381333931217aB-_/(Q" + "\x1d" + "10L&42"
    chords = " ".join("LEFTALT+KP0+" + "+".join(f"KP{digit}" for digit in str(ord(one))) for one in label)
    assert typed(f"{chords} ENTER", layout) == label.encode() + b"\r"


def test_a_chinese_pinyin_desktop_changes_no_key() -> None:
    """There, letters call up candidates, Shift changes the language, Space and Enter choose, and ( [ ; come out wide.

    None of that is in the key codes: the keyboard is a US one, and what is grabbed never reaches the input method.
    """
    chords = (
        "RIGHTBRACE LEFTSHIFT+Q 3 LEFTSHIFT+9 N I LEFTSHIFT+0 SPACE SEMICOLON LEFTBRACE H A O BACKSLASH ENTER"
    )
    assert typed(chords) == b"]Q3(ni) ;[hao\\\r"


def test_caps_lock_pressed_around_a_code_to_keep_pinyin_off_gives_the_code_back() -> None:
    """Scanners set up for such desktops press Caps Lock, send letters with Shift turned round, and press it again."""
    assert typed("CAPSLOCK LEFTSHIFT+N 1 A CAPSLOCK ENTER N ENTER") == b"n1A\rn\r"


def test_an_alt_code_beyond_255_is_no_character() -> None:
    assert press(decoder(), "LEFTALT+KP9+KP9+KP9") == (b"", ["Alt+999 is no character"])


def test_ctrl_and_alt_together_are_altgr() -> None:
    assert typed("LEFTCTRL+LEFTALT+Q", "de") == b"@"


def test_a_dead_key_and_space_print_the_accent_alone() -> None:
    assert typed("GRAVE SPACE", "de") == b"^"


def test_a_dead_key_and_a_letter_print_the_accented_letter() -> None:
    assert typed("EQUAL E", "de") == "é".encode()


def test_a_dead_key_and_anything_else_print_both() -> None:
    assert typed("GRAVE 1", "de") == b"^1"


def test_repeats_are_not_data() -> None:
    keys = decoder()
    assert [keys.key(KEY_CODES["KEY_1"], value).data for value in (1, 2, 2, 0)] == [b"1", b"", b"", b""]


def test_a_modifier_held_when_keys_were_lost_is_taken_over() -> None:
    keys = decoder()
    keys.reset([KEY_CODES["KEY_LEFTSHIFT"]])
    assert keys.key(KEY_CODES["KEY_A"], 1).data == b"A"


def test_caps_lock_is_off_after_keys_were_lost() -> None:
    keys = decoder()
    press(keys, "CAPSLOCK")
    keys.reset()
    assert keys.key(KEY_CODES["KEY_A"], 1).data == b"a"


@pytest.mark.parametrize("chords", ["F5", "LEFTALT+A", "LEFTCTRL+1", "RIGHTALT+A", "ESC", "LEFTMETA"])
def test_a_key_that_means_nothing_is_a_cause_and_never_nothing(chords: str) -> None:
    data, faults = press(decoder(), chords)
    assert (data, len(faults)) == (b"", 1)


def chords_for(layout: Layout) -> dict[str, str]:
    """How to press each character this layout prints without a dead key."""
    found: dict[str, str] = {}
    held = {(False, False): "", (True, False): "LEFTSHIFT+", (False, True): "RIGHTALT+"}
    for key in layout.keys:
        for (shift, alt_gr), prefix in held.items():
            character = layout.character(key, shift=shift, alt_gr=alt_gr)
            if character is not None and len(character) == 1:
                found.setdefault(character, prefix + key.removeprefix("KEY_"))
    return found


@pytest.mark.parametrize("name", shipped_layouts())
def test_every_layout_prints_all_digits_and_letters_of_product_codes(name: str) -> None:
    needed = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_./:?=&%+()")
    assert needed - chords_for(load_layout(name)).keys() == set()


@given(data=st.data(), name=st.sampled_from(shipped_layouts()))
def test_whatever_a_layout_prints_is_decoded_again(data: st.DataObject, name: str) -> None:
    chords = chords_for(load_layout(name))
    text = data.draw(st.lists(st.sampled_from(sorted(chords)), max_size=30).map("".join))
    assert typed(" ".join(chords[character] for character in text), name) == text.encode()
