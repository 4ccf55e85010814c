"""What a scanner hands to the counter, and what it says about itself."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """One pull of the trigger.

    `raw` is the code's bytes without terminator, without STX and without AIM prefix; every way a scanner writes the
    group separator has become 0x1D. When `intact` is False, bytes were lost, cut or garbled: `raw` is then for a
    person to look at and never a code, and `fault` says the cause.

    `wall_us` is microseconds since 1970-01-01 UTC; `monotonic_us` counts from an arbitrary moment and never steps
    back. Both are taken when the scan's last byte or key was read.
    """

    raw: bytes
    symbology: str | None
    """AIM symbology identifier (ISO/IEC 15424) where the scanner sends it, such as ']d2'."""
    device: str
    """Stable identity of the device: the same after a replug or a restart."""
    wall_us: int
    monotonic_us: int
    intact: bool = True
    fault: str | None = None


class DeviceState(StrEnum):
    """Where a device stands. Only OPEN gives scans; every other state is retried, save CLOSED."""

    ABSENT = "absent"
    """Not plugged in, switched off, or its name on this machine is another one."""
    NO_PERMISSION = "no_permission"
    BUSY = "busy"
    """Another program holds it."""
    OPEN = "open"
    FAILED = "failed"
    """There, but it cannot be used; the detail says why."""
    CLOSED = "closed"
    """We let go of it: asked to stop, or a recording has come to its end."""


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one device, told anew whenever the state or its detail changes and after each fault."""

    device: str
    kind: str
    """'serial', 'keyboard' or 'replay'."""
    state: DeviceState
    detail: str
    """What is wrong and what to do about it, in words; empty when all is well."""
    since_wall_us: int
    """When this state began, microseconds since 1970-01-01 UTC."""
    scans: int
    """Intact scans since the agent started."""
    faults: int
    """Scans that were not intact since the agent started."""
