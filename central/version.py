"""Which version of the software this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("countermark")
except PackageNotFoundError:  # run from a checkout that was never installed
    VERSION = "0+checkout"
