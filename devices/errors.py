"""The one error family of this package.

Trouble with a device is no exception: it is a `DeviceStatus`. These are faults in what a person wrote (a profile, a
layout, a recording) or in what is installed.
"""

from __future__ import annotations


class DevicesError(Exception):
    """Whatever `devices` refuses; the text says what failed, the value, what was expected and what to do."""


class ProfileError(DevicesError):
    """A scanner profile that cannot be used."""


class LayoutError(DevicesError):
    """A keyboard layout that cannot be used."""


class DescriptorError(DevicesError):
    """A HID report descriptor that makes no sense, or names no scanned data where it should."""


class RecordingError(DevicesError):
    """A recording that cannot be read."""


class DriverMissingError(DevicesError):
    """The library a driver needs is not installed on this machine."""
