"""What a site and a dealer are, and what a line of a site file means. Pure."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from central.imports.rules import Columns, Fields, Wrong
from central.prices.rules import CURRENCY, PRICE_LIST

COLUMNS = Columns(
    required=("site", "name", "kind"),
    optional=(
        "dealer",
        "dealer_name",
        "dealer_parent",
        "time_zone",
        "currency",
        "serving_site",
        "price_list",
        "latitude",
        "longitude",
    ),
)
KINDS = ("store", "dealer", "warehouse")
# An id becomes part of an agent's name, of a location in the ledger and of a comma-joined scope: none of their separators.
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
EXPECTED_ID = "1 to 40 letters, digits, '_' or '-'"
BRAND_DEALER = "brand"
"""Whose the sites are for which a file names no dealer."""


class SiteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a site file."""

    site: str
    name: str
    kind: str
    dealer: str = BRAND_DEALER
    dealer_name: str | None = None
    dealer_parent: str | None = None
    time_zone: str = "UTC"
    currency: str = "CNY"
    serving_site: str | None = None
    price_list: str = "default"
    latitude: float | None = None
    longitude: float | None = None


def parse_row(fields: Fields, currency: str) -> SiteRow | Wrong:
    """A line of a site file; ``currency`` where it names none."""
    latitude, longitude = _degrees(fields, "latitude"), _degrees(fields, "longitude")
    if isinstance(latitude, Wrong):
        return latitude
    if isinstance(longitude, Wrong):
        return longitude
    row = SiteRow(
        site=fields["site"],
        name=fields["name"] or fields["site"],
        kind=fields["kind"].lower(),
        dealer=fields.get("dealer") or BRAND_DEALER,
        dealer_name=fields.get("dealer_name") or None,
        dealer_parent=fields.get("dealer_parent") or None,
        time_zone=fields.get("time_zone") or "UTC",
        currency=fields.get("currency") or currency,
        serving_site=fields.get("serving_site") or None,
        price_list=fields.get("price_list") or "default",
        latitude=latitude,
        longitude=longitude,
    )
    return wrong_in(row) or row


def wrong_in(row: SiteRow) -> Wrong | None:
    """What is wrong with a site, None if nothing is."""
    for column, value in (
        ("site", row.site),
        ("dealer", row.dealer),
        ("dealer_parent", row.dealer_parent),
        ("serving_site", row.serving_site),
    ):
        if value is not None and not ID.fullmatch(value):
            return Wrong(column, value, EXPECTED_ID)
    if row.kind not in KINDS:
        return Wrong("kind", row.kind, " or ".join(KINDS))
    if not is_time_zone(row.time_zone):
        return Wrong(
            "time_zone", row.time_zone, "a name of the IANA time zone database, such as Asia/Shanghai"
        )
    if not CURRENCY.fullmatch(row.currency):
        return Wrong("currency", row.currency, "a currency of ISO 4217, such as CNY")
    if not PRICE_LIST.fullmatch(row.price_list):
        return Wrong("price_list", row.price_list, "letters, digits, '.', '_' or '-', such as 'default'")
    wrong = _wrong_place(row)
    if wrong is not None:
        return wrong
    if row.serving_site == row.site:
        return Wrong("serving_site", row.serving_site, "another site than the one it serves")
    return None


def _degrees(fields: Fields, column: str) -> float | Wrong | None:
    text = fields.get(column) or ""
    try:
        return float(text) if text else None
    except ValueError:
        return Wrong(column, text, "degrees, such as 31.2304")


def _wrong_place(row: SiteRow) -> Wrong | None:
    if (row.latitude is None) != (row.longitude is None):
        missing = "latitude" if row.latitude is None else "longitude"
        return Wrong(missing, "", "latitude and longitude together, or neither")
    for column, value, limit in (("latitude", row.latitude, 90), ("longitude", row.longitude, 180)):
        if value is not None and not -limit <= value <= limit:
            return Wrong(column, str(value), f"degrees from -{limit} to {limit} (WGS 84)")
    return None


def child_path(parent_path: str, dealer: str) -> str:
    """The path of a dealer below ``parent_path`` ('' for a root): ids joined and ended by '/', so that a subtree is a prefix."""
    return f"{parent_path}{dealer}/"


@cache
def is_time_zone(name: str) -> bool:
    """Whether the time zone database knows ``name``."""
    return name in available_timezones() and ZoneInfo(name).key == name
