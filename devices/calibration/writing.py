"""The settings of a scanner -> a profile, as TOML that `devices.profile` reads back."""

from __future__ import annotations

import json

import msgspec

from devices.calibration.rules import GS, Found
from devices.decoding import CodeRules
from devices.framing import Ending, FramingRules, Terminator
from devices.profile import KeyboardRules, Profile, SerialLine

_SHORTEST_PAUSE_MS = {"serial": 100, "keyboard": 250}
_LONGEST_PAUSE_MS = 10_000


def profile_of(found: Found, name: str) -> Profile:
    """The profile for a scanner with these settings, called `name`."""
    return Profile(
        name=name,
        title=f"{name}, as calibrated",
        link=found.link,
        setup="As the calibration sheet found it; calibrate anew after any change of the scanner's settings.",
        framing=_framing(found),
        code=CodeRules(
            aim_prefix=found.aim_prefix,
            group_separators=(found.separator if _is_usable(found.separator) else GS,),
        ),
        serial=SerialLine(baud_rate=found.baud_rate, data_bits=found.data_bits, parity=found.parity)
        if found.link == "serial"
        else SerialLine(),
        keyboard=_keyboard(found) if found.link == "keyboard" else KeyboardRules(),
    )


def profile_toml(profile: Profile) -> str:
    """A profile as TOML: what differs from the defaults, and the tables that matter for its link."""
    lines = [f"{key} = {_value(getattr(profile, key))}" for key in ("name", "title", "link", "setup")]
    tables: dict[str, msgspec.Struct] = {"framing": profile.framing, "code": profile.code}
    tables[profile.link] = profile.serial if profile.link == "serial" else profile.keyboard
    for name, table in tables.items():
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {_value(value)}" for key, value in msgspec.structs.asdict(table).items()]
    return "\n".join(lines) + "\n"


def _framing(found: Found) -> FramingRules:
    # Scanners keep their pace, and a machine under load hears it late: four times the longest pause is a new code.
    idle_ms = max(_SHORTEST_PAUSE_MS[found.link], min(4 * found.longest_gap_ms, _LONGEST_PAUSE_MS))
    terminators: list[Terminator] = list(dict.fromkeys(found.suffix))
    if found.stx and "ETX" not in terminators:
        terminators.append("ETX")  # an STX is taken off only beside it
    return FramingRules(
        terminators=tuple(terminators),
        ending=Ending.TERMINATOR if found.suffix else Ending.IDLE,
        idle_timeout_ms=idle_ms,
        stall_timeout_ms=min(max(500, 2 * idle_ms), _LONGEST_PAUSE_MS),
    )


def _keyboard(found: Found) -> KeyboardRules:
    keys = {"special_keys": {found.separator_key: GS}} if found.separator_key else {}
    return KeyboardRules(layout=found.layout, caps_lock=found.caps_lock, **keys)


def _is_usable(separator: str) -> bool:
    return bool(separator) and separator.isascii()


def _value(value: object) -> str:
    """A TOML value. Strings are written as in JSON, whose escapes TOML shares (TOML 1.0, 'String')."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case dict():
            return "{ " + ", ".join(f"{_value(key)} = {_value(one)}" for key, one in value.items()) + " }"
        case tuple() | list():
            return "[" + ", ".join(_value(one) for one in value) + "]"
        case _:
            return json.dumps(str(value)).replace("\x7f", "\\u007f")
