"""The keyboard driver as far as it runs without a device; with one it is the virtual machine's turn."""

from __future__ import annotations

import errno
import os

import pytest

from devices.connection import Backoff
from devices.errors import LayoutError, ProfileError
from devices.evdev_input import KeyboardSource, _trouble_with
from devices.identity import DeviceIdentity
from devices.input_nodes import InputNode
from devices.profile import load_profile, parse_profile
from devices.scan import DeviceState
from tests.devices.pseudo_terminal import running

NOBODY = DeviceIdentity(vendor_id=0xFFFF, product_id=0xFFFF, serial_number="none")
NODE = InputNode(path="/dev/input/event7", name="Scanner", identity=NOBODY, usable=True, remark="")


def test_a_scanner_that_is_not_plugged_in_is_absent_and_no_other_is_touched() -> None:
    source = KeyboardSource(NOBODY, load_profile("generic-keyboard"), backoff=Backoff(0.01, 0.02))
    with running(source) as till:
        absent = till.until(DeviceState.ABSENT)
    assert (absent.device, absent.kind, absent.detail) == (
        "ffff:ffff#none",
        "keyboard",
        "no keyboard scanner ffff:ffff#none is there; plug it in or switch it on",
    )


def test_a_serial_profile_is_refused() -> None:
    with pytest.raises(ProfileError, match="expected one for a keyboard scanner"):
        KeyboardSource(NOBODY, load_profile("generic-serial"))


def test_an_unknown_layout_is_refused_before_anything_is_opened() -> None:
    own = parse_profile('name = "x"\ntitle = "X"\nlink = "keyboard"\n[keyboard]\nlayout = "zz"\n', "own.toml")
    with pytest.raises(LayoutError, match="'zz' is not known"):
        KeyboardSource(NOBODY, own)


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (errno.EACCES, DeviceState.NO_PERMISSION),
        (errno.EBUSY, DeviceState.BUSY),
        (errno.ENODEV, DeviceState.ABSENT),
        (errno.EINVAL, DeviceState.FAILED),
    ],
)
def test_what_a_failed_opening_or_grab_means(number: int, state: DeviceState) -> None:
    assert _trouble_with(OSError(number, os.strerror(number)), NODE).state is state
