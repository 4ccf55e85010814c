"""The one error family of the central package."""

from __future__ import annotations


class CentralError(Exception):
    """Something that central cannot do.

    The text says what failed, the value, what was expected and what to do; it is fit to be shown to an operator.
    """
