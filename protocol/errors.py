"""The one error family of the protocol package."""

from __future__ import annotations


class ProtocolError(ValueError):
    """Something that cannot be read or must not be sent.

    The text says what failed, the value, what was expected and what to do; it is fit to be shown to a person.
    """


class Malformed(ProtocolError):
    """The bytes are not a message of this protocol, or break one of its limits."""


class UnknownVersion(ProtocolError):
    """The message is of a version that this software does not read. It must be held and reported, never dropped."""

    def __init__(self, version: int, supported: int) -> None:
        super().__init__(
            f"message version {version} is not known here (newest known: {supported}); update this software to read it"
        )
        self.version = version
