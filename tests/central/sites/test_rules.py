"""What a line of a site file means."""

from __future__ import annotations

import pytest

from central.imports.rules import Wrong
from central.sites.rules import SiteRow, child_path, parse_row

SITE = {"site": "D1", "name": "Shop", "kind": "dealer"}


def test_a_line_gives_a_site_and_fills_in_what_it_does_not_say() -> None:
    assert parse_row(SITE, "EUR") == SiteRow(site="D1", name="Shop", kind="dealer", currency="EUR")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("site", "a/b"), ("site", "a,b"), ("site", "a>b"), ("site", "*"), ("site", "x" * 41), ("dealer", "a/b"),
        ("dealer_parent", "a b"), ("serving_site", "D1"), ("kind", "kiosk"), ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"), ("currency", "yuan"), ("price_list", "a b"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_is_named(column: str, value: str) -> None:
    wrong = parse_row(SITE | {column: value}, "EUR")
    assert isinstance(wrong, Wrong)
    assert (wrong.column, wrong.value) == (column, value)


def test_a_dealers_path_is_a_prefix_of_the_paths_below_it_and_of_no_other() -> None:
    parent, child = child_path("", "acme"), child_path(child_path("", "acme"), "county")
    assert (child.startswith(parent), child_path("", "acme2").startswith(parent)) == (True, False)
