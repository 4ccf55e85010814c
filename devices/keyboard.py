"""Key presses -> the bytes a scanner meant. Pure: the kernel's key codes in, bytes or a cause out.

The key codes are decoded here and not by the desktop, so that neither its layout nor its Caps Lock nor an input method
changes a code. Characters come out as UTF-8, Enter as CR, Tab as TAB; the group separator as 0x1D, whether it was
pressed as Alt+029 on the keypad, as Ctrl+] or as a special key such as F8.

A key that means nothing in the layout is told as a cause: a character is missing then, and the code is not intact.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping

import msgspec

from devices.keycodes import KEY_NAMES
from devices.layout import DEAD_KEYS, Layout

_SHIFT = {"KEY_LEFTSHIFT", "KEY_RIGHTSHIFT"}
_CTRL = {"KEY_LEFTCTRL", "KEY_RIGHTCTRL"}
_ALT = {"KEY_LEFTALT", "KEY_RIGHTALT"}
_MODIFIERS = _SHIFT | _CTRL | _ALT
_SILENT = {"KEY_NUMLOCK", "KEY_SCROLLLOCK"}

_KEYPAD_DIGITS = {f"KEY_KP{digit}": str(digit) for digit in range(10)}
_FIXED = {
    **_KEYPAD_DIGITS,
    "KEY_SPACE": " ",
    "KEY_ENTER": "\r",
    "KEY_KPENTER": "\r",
    "KEY_TAB": "\t",
    "KEY_KPASTERISK": "*",
    "KEY_KPMINUS": "-",
    "KEY_KPPLUS": "+",
    "KEY_KPSLASH": "/",
}

# Where a layout prints something else on these keys, Ctrl still means what a US keyboard says: scanners send the key
# and not the character, so that Ctrl+] is GS under every layout.
_US_CONTROL_KEYS = {"KEY_LEFTBRACE": "[", "KEY_BACKSLASH": "\\", "KEY_RIGHTBRACE": "]"}

_PRESSED, _RELEASED = 1, 0


class KeyOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What one key event adds to the stream: bytes, or the cause why a character is missing."""

    data: bytes = b""
    fault: str | None = None


_NOTHING = KeyOutput()


class KeyDecoder:
    """The state of one keyboard-like device: modifiers held, Caps Lock, a dead key or Alt code under way."""

    def __init__(
        self, layout: Layout, special_keys: Mapping[str, str] | None = None, *, caps_lock: bool = False
    ) -> None:
        """`caps_lock` is how it stands before the first key: on for a scanner that expects it to be."""
        self._layout = layout
        self._special = dict(special_keys or {})
        self._held: set[str] = set()
        self._caps_lock_at_rest = caps_lock
        self._caps_lock = caps_lock
        self._alt_digits = ""
        self._dead: str | None = None

    def key(self, code: int, value: int) -> KeyOutput:
        """One key event: the kernel's code, and 1 pressed, 0 released, 2 repeated.

        Repeats are not data: the kernel makes them when a release is late, and a scanner presses each key anew.
        """
        name = KEY_NAMES.get(code, f"key {code}")
        if name in _MODIFIERS:
            return self._modifier(name, value)
        if value != _PRESSED or name in _SILENT:
            return _NOTHING
        if name == "KEY_CAPSLOCK":
            self._caps_lock = not self._caps_lock
            return _NOTHING
        return self._press(name)

    def reset(self, held: Collection[int] = ()) -> None:
        """Events were lost: forget what was under way, and take over the keys the device now reports as held.

        Caps Lock is taken as it is at rest: a scanner that uses it switches it back after each code. The lamps of the device
        say nothing about it, since they follow the desktop and other keyboards.
        """
        self._held = {KEY_NAMES[code] for code in held if KEY_NAMES.get(code) in _MODIFIERS}
        self._caps_lock = self._caps_lock_at_rest
        self._alt_digits = ""
        self._dead = None

    def _modifier(self, name: str, value: int) -> KeyOutput:
        if value == _PRESSED:
            self._held.add(name)
        elif value == _RELEASED:
            self._held.discard(name)
            if name in _ALT and self._alt_digits and not self._held & _ALT:
                digits, self._alt_digits = self._alt_digits, ""
                return _alt_code(digits)
        return _NOTHING

    def _press(self, name: str) -> KeyOutput:
        if name in self._special:
            return self._emit(self._special[name])
        if self._held & _ALT and name in _KEYPAD_DIGITS:
            self._alt_digits += _KEYPAD_DIGITS[name]
            return _NOTHING
        ctrl = bool(self._held & _CTRL)
        # Ctrl+Alt is what Windows calls AltGr, and what scanners set up for Windows press.
        alt_gr = "KEY_RIGHTALT" in self._held or (ctrl and "KEY_LEFTALT" in self._held)
        if ctrl and not alt_gr:
            return self._control(name)
        if "KEY_LEFTALT" in self._held and not alt_gr:
            return KeyOutput(
                fault=f"Alt with {name} means no character; set how the scanner sends control characters"
            )
        return self._print(name, alt_gr=alt_gr)

    def _control(self, name: str) -> KeyOutput:
        character = self._layout.character(name, shift=bool(self._held & _SHIFT), alt_gr=False) or ""
        if not (
            character.isascii() and len(character) == 1 and (character.isalpha() or character in "@[\\]^_")
        ):
            character = _US_CONTROL_KEYS.get(name, "")
        if not character:
            return KeyOutput(fault=f"Ctrl with {name} means no character in layout {self._layout.name}")
        return self._emit(chr(ord(character.upper()) & 0x1F))

    def _print(self, name: str, *, alt_gr: bool) -> KeyOutput:
        if name in _FIXED:
            return self._emit(_FIXED[name])
        if name == "KEY_KPDOT":
            return self._emit(self._layout.decimal)
        shift = bool(self._held & _SHIFT)
        character = self._layout.character(name, shift=shift, alt_gr=alt_gr)
        if character is None:
            return KeyOutput(
                fault=f"{name} prints nothing in layout {self._layout.name} (Shift {shift}, AltGr {alt_gr}); "
                "set the layout the scanner was set up for"
            )
        if character in DEAD_KEYS:
            waiting, self._dead = self._dead, character
            return KeyOutput(data=DEAD_KEYS[waiting][0].encode()) if waiting else _NOTHING
        if self._caps_lock and not alt_gr and len(character.swapcase()) == 1:
            character = character.swapcase()
        return self._emit(character)

    def _emit(self, text: str) -> KeyOutput:
        if self._dead is not None:
            alone, combining = DEAD_KEYS[self._dead]
            self._dead = None
            composed = unicodedata.normalize("NFC", text + combining) if text.isalpha() else ""
            if text == " ":
                text = alone
            elif len(composed) == 1:
                text = composed
            else:
                text = alone + text
        return KeyOutput(data=text.encode())


def _alt_code(digits: str) -> KeyOutput:
    """Alt and a number on the keypad, as Windows reads it: with a leading 0 from code page 1252, else from 437."""
    number = int(digits)
    if number < 0x80:
        return KeyOutput(data=bytes([number]))
    if number <= 0xFF:
        page = "cp1252" if digits.startswith("0") else "cp437"
        try:
            return KeyOutput(data=bytes([number]).decode(page).encode())
        except UnicodeDecodeError:
            pass  # five places of code page 1252 are empty
    return KeyOutput(fault=f"Alt+{digits} is no character")
