"""Where sites are: on the map, and in the tree of dealers. Pure.

A territory is a dealer with all dealers below it: goods sent to a wholesaler are at home with its own dealers.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import asin, cos, radians, sin, sqrt

import msgspec

EARTH_RADIUS_KM = 6371.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A site. ``path`` names its dealer and those above it, from the root down; degrees by WGS 84, None where nobody entered them."""

    path: str
    latitude: float | None = None
    longitude: float | None = None


class Places(msgspec.Struct, frozen=True):
    """The sites that a question is about."""

    by_site: Mapping[str, Place] = {}

    def is_within(self, site: str, territory: str) -> bool:
        """Whether ``site`` belongs to the dealer of ``territory``, or to one below it."""
        if site == territory:
            return True
        here, there = self.by_site.get(site), self.by_site.get(territory)
        return here is not None and there is not None and here.path.startswith(there.path)

    def distance_km(self, one: str, other: str) -> float | None:
        """How far two sites are apart along the ground; None where it is not known of one of them."""
        here, there = self.by_site.get(one), self.by_site.get(other)
        if here is None or there is None:
            return None
        if (
            here.latitude is None
            or here.longitude is None
            or there.latitude is None
            or there.longitude is None
        ):
            return None
        return _great_circle_km((here.latitude, here.longitude), (there.latitude, there.longitude))


NOWHERE = Places()
"""Nothing is known of any site."""


def _great_circle_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    # The haversine formula, which stays exact for two shops in one street.
    north, east = radians(other[0] - one[0]), radians(other[1] - one[1])
    half = sin(north / 2) ** 2 + cos(radians(one[0])) * cos(radians(other[0])) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))
