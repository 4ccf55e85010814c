"""A frame -> a `Scan`: take the AIM identifier off, and write every form of the group separator as 0x1D. Pure."""

from __future__ import annotations

import re

import msgspec

from devices.framing import Frame
from devices.scan import Scan

GS = b"\x1d"

# ISO/IEC 15424: ']', a letter for the symbology, one character for its options.
_AIM_IDENTIFIER = re.compile(rb"\][A-Za-z][0-9A-Za-z]")
_AIM_ALONE = re.compile(r"\][A-Za-z][0-9A-Za-z]")


class CodeRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one scanner adds to a code, and how it writes what has no printable character."""

    aim_prefix: bool = True
    """Take an AIM identifier off the front where there is one. No product code begins with such three characters."""
    group_separators: tuple[str, ...] = ("\x1d",)
    """Every way this scanner writes GS (the FNC1 between element strings), such as '<GS>', '^]' or '\\x1d'."""

    def __post_init__(self) -> None:
        for form in self.group_separators:
            if not form or not form.isascii():
                raise ValueError(f"group_separators: {form!r} is not one or more ASCII characters")


def scan_from_frame(
    frame: Frame, rules: CodeRules, *, device: str, wall_us: int, identifier: str = ""
) -> Scan:
    """The scan a frame amounts to; a fault stays a fault, with its bytes as they came.

    `identifier` is the AIM identifier where the scanner sends it beside the code and not in front of it; what is none
    (a maker's own number) is passed over.
    """
    symbology = identifier if _AIM_ALONE.fullmatch(identifier) else None
    raw, fault = frame.raw, frame.fault
    if frame.intact:
        if rules.aim_prefix and (prefix := _AIM_IDENTIFIER.match(raw)):
            symbology = symbology or prefix.group().decode("ascii")
            raw = raw[prefix.end() :]
        for form in rules.group_separators:
            raw = raw.replace(form.encode("ascii"), GS)
        if not raw:
            fault = f"only a symbology identifier ({symbology or identifier}) and no code; scan it again"
    return Scan(
        raw=raw,
        symbology=symbology,
        device=device,
        wall_us=wall_us,
        monotonic_us=frame.last_us,
        intact=fault is None,
        fault=fault,
    )
