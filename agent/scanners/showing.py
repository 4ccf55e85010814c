"""A trigger as a person or a program sees it: raw bytes or keys, the ending, the scan, and what the label is.

Codes of single items, of members and for payment are as good as what they stand for, so they are masked: whatever
prints becomes a dot, since under a wrong layout signs are digits, too. Only product numbers, prices and control codes are shown whole, and whatever is shown on demand.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import msgspec

from agent.scanners.tapping import Trigger
from devices.keycodes import KEY_NAMES
from devices.recording import BytesRead, Dropped, KeyEvent
from devices.scan import Scan
from protocol.codes import Code, Rules, recognise

_OPEN_KINDS = frozenset({"gtin", "in_store", "control"})
_DOT = "•"
_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_ENDS = {"\r": "CR", "\n": "LF", "\t": "TAB", "\x03": "ETX"}
_CONTROLS = {**_ENDS, "\x1d": "GS", "\x02": "STX", "\x1e": "RS", "\x04": "EOT"}


class ShownScan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One scan of a trigger."""

    intact: bool
    code: str
    label: dict[str, Any]
    symbology: str | None = None
    fault: str | None = None

    @property
    def summary(self) -> str:
        """The label in one line."""
        return self.fault or "  ".join(f"{name} {value}" for name, value in self.label.items())


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trigger. ``raw`` is text with control characters named; ``keys`` are the presses in order."""

    device: str
    masked: bool
    raw: str
    ending: str
    """Terminators after the last code, and how long the whole took."""
    scans: tuple[ShownScan, ...]
    keys: tuple[str, ...] = ()
    lost_keys: bool = False


def shown(trigger: Trigger, device: str, rules: Rules, today: dt.date, *, show_codes: bool) -> Shown:
    """A trigger, masked unless ``show_codes``."""
    labels = [_label(scan, rules, today) for scan in trigger.scans]
    is_open = show_codes or (bool(labels) and all(_may_be_seen(label) for label in labels))
    data = b"".join(entry.data for entry in trigger.entries if isinstance(entry, BytesRead)).decode("latin-1")
    pressed = [entry.code for entry in trigger.entries if isinstance(entry, KeyEvent) and entry.value == 1]
    return Shown(
        device=device,
        masked=not is_open,
        raw=_spelled(data if is_open else mask(data)),
        ending=_ending(trigger, data),
        scans=tuple(
            _shown_scan(scan, label, is_open=is_open)
            for scan, label in zip(trigger.scans, labels, strict=True)
        ),
        keys=tuple(_key(code, is_open=is_open) for code in pressed),
        lost_keys=any(isinstance(entry, Dropped) for entry in trigger.entries),
    )


def mask(text: str) -> str:
    """Whatever prints as dots; control characters and an AIM identifier in front stay."""
    aim = _AIM.match(text)
    front = aim.group() if aim else ""
    return front + "".join(_DOT if one.isprintable() else one for one in text[len(front) :])


def _label(scan: Scan, rules: Rules, today: dt.date) -> Code | None:
    if not scan.intact:
        return None
    return recognise(scan.raw, symbology=scan.symbology, rules=rules, today=today)


def _may_be_seen(label: Code | None) -> bool:
    return label is not None and label.refusal is None and label.item is None and label.kind in _OPEN_KINDS


def _shown_scan(scan: Scan, label: Code | None, *, is_open: bool) -> ShownScan:
    text = scan.raw.decode("utf-8", errors="backslashreplace")
    return ShownScan(
        intact=scan.intact,
        code=_spelled(text if is_open else mask(text)),
        label={} if label is None else _told(label, is_open=is_open),
        symbology=scan.symbology,
        fault=scan.fault,
    )


def _told(label: Code, *, is_open: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": label.kind, **msgspec.to_builtins(label)}
    if is_open:
        return told
    seen = ("kind", "gtin", "symbology", "refusal", "refusal_cause")  # the words of a refusal quote no code
    return {name: told[name] for name in seen if name in told}


def _key(code: int, *, is_open: bool) -> str:
    name = KEY_NAMES.get(code, f"key {code}").removeprefix("KEY_")
    if is_open:
        return name
    return _DOT if len(name) == 1 else re.sub(r"^KP\d$", f"KP{_DOT}", name)


def _ending(trigger: Trigger, data: str) -> str:
    times = [entry.at_us for entry in trigger.entries]
    took = f"{(times[-1] - times[0]) / 1000:.0f} ms" if times else ""
    if data:
        tail = data[len(data.rstrip("".join(_ENDS))) :]
        return f"{' '.join(_ENDS[one] for one in tail) or 'no suffix'}, {took}"
    pressed = [entry.code for entry in trigger.entries if isinstance(entry, KeyEvent) and entry.value == 1]
    last = KEY_NAMES.get(pressed[-1], "") if pressed else ""
    return f"{last.removeprefix('KEY_') if last in {'KEY_ENTER', 'KEY_KPENTER', 'KEY_TAB'} else 'no suffix'}, {took}"


def _spelled(text: str) -> str:
    return "".join(
        f"<{_CONTROLS[one]}>" if one in _CONTROLS else one if one.isprintable() else f"<{ord(one):02X}>"
        for one in text
    )
