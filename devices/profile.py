"""Scanner profiles: what differs between models, as data.

A profile is a TOML file. Those shipped stand in `devices/profiles/`; a shop's own may stand anywhere and is named by
its path. Unknown keys, wrong types and values out of range are refused with the file, the key and what was expected.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from devices.decoding import CodeRules
from devices.errors import ProfileError
from devices.feedback import FeedbackCommands
from devices.framing import FramingRules
from devices.keycodes import KEY_CODES

Link = Literal["serial", "keyboard", "hidpos"]
"""How a scanner is joined to the machine."""


class SerialLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The line settings of an RS-232 scanner; a USB one (CDC) takes any."""

    baud_rate: Annotated[int, msgspec.Meta(ge=300, le=4_000_000)] = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd", "mark", "space"] = "none"
    stop_bits: Literal[1, 2] = 1
    rts_cts: bool = False
    xon_xoff: bool = False


class KeyboardRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a scanner that poses as a keyboard presses its keys."""

    layout: str = "us"
    """The layout the scanner was set up for, not that of the desktop: its key codes are decoded here."""
    special_keys: dict[str, str] = msgspec.field(default_factory=lambda: {"KEY_F8": "\x1d"})
    """Keys that stand for a character no key prints: the kernel's key name to the character."""
    caps_lock: bool = False
    """The scanner was set up for a desktop whose Caps Lock is on: it presses Shift for small letters."""

    def __post_init__(self) -> None:
        for key in self.special_keys:
            if key not in KEY_CODES:
                raise ValueError(
                    f"special_keys: {key!r} is no key name of the kernel; expected one like KEY_F8"
                )


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything the drivers need to know about one kind of scanner."""

    name: str
    title: str
    link: Link
    models: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    """The maker's public documents the values were taken from."""
    setup: str = ""
    """What must be set on the scanner for this profile to fit, in words."""
    framing: FramingRules = FramingRules()
    code: CodeRules = CodeRules()
    serial: SerialLine = SerialLine()
    keyboard: KeyboardRules = KeyboardRules()
    feedback: FeedbackCommands = FeedbackCommands()

    def require_link(self, link: Link) -> None:
        """Raise ProfileError unless this profile is for that kind of link."""
        if self.link != link:
            raise ProfileError(
                f"scanner profile {self.name}: it is for a {self.link} scanner; expected one for a {link} scanner"
            )


def parse_profile(text: str, where: str) -> Profile:
    """A profile from TOML; `where` names it in the error.

    Raises ProfileError for TOML that cannot be read, unknown keys and values out of range.
    """
    try:
        return msgspec.toml.decode(text, type=Profile)
    except msgspec.DecodeError as error:
        raise ProfileError(
            f"scanner profile {where}: {error}; compare it with a shipped one, such as generic-serial.toml"
        ) from error


def shipped_profiles() -> list[str]:
    """Names of the profiles that come with the program, sorted."""
    folder = resources.files("devices") / "profiles"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load_profile(name_or_path: str) -> Profile:
    """A shipped profile by its name, or a shop's own by its path (which ends in .toml). Raises ProfileError."""
    if name_or_path.endswith(".toml"):
        try:
            text = Path(name_or_path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProfileError(f"scanner profile {name_or_path}: cannot be read: {error}") from error
        return parse_profile(text, name_or_path)
    names = shipped_profiles()
    if name_or_path not in names:
        raise ProfileError(
            f"scanner profile {name_or_path!r} is not known; expected one of {', '.join(names)}, "
            "or the path of a .toml file"
        )
    text = (resources.files("devices") / "profiles" / f"{name_or_path}.toml").read_text(encoding="utf-8")
    return parse_profile(text, f"{name_or_path}.toml")
