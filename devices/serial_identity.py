"""Serial ports by the identity of the scanner behind them. Pure: the ports of the machine in, the one meant out."""

from __future__ import annotations

import msgspec

from devices.connection import Trouble
from devices.errors import DevicesError
from devices.identity import DeviceIdentity
from devices.scan import DeviceState


class FoundPort(msgspec.Struct, frozen=True, kw_only=True):
    """A serial port on this machine; `stable_path` is what to write into the configuration."""

    path: str
    stable_path: str
    description: str
    vendor_id: int | None
    product_id: int | None
    serial_number: str | None
    identity: DeviceIdentity | None
    """Who is behind it, as far as the port tells: vendor, product, serial number and socket; USB alone does."""
    usable: bool
    why_not: str = ""


def identity_in(path: str) -> DeviceIdentity | None:
    """The identity that stands in place of a path; None for a path."""
    if path[4:5] != ":":
        return None
    try:
        return DeviceIdentity.parse(path)
    except DevicesError:
        return None


def port_of(identity: DeviceIdentity, ports: list[FoundPort]) -> str | Trouble:
    """The one port among these that has this identity, or why none is to be opened."""
    fitting = [port for port in ports if port.identity is not None and identity.fits(port.identity)]
    if len(fitting) == 1:
        return fitting[0].path
    if fitting:
        named = ", ".join(port.path for port in fitting)
        return Trouble(
            state=DeviceState.FAILED,
            detail=f"{identity} fits {len(fitting)} ports ({named}); adopt the one meant with its socket",
        )
    return Trouble(state=DeviceState.ABSENT, detail=f"no scanner {identity} is there; plug the scanner in")
