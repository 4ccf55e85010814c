"""The page of the public check as a person sees it: a real browser of the size of a phone, on a real central."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from central.database import Database
from central.embedded.database import start_database
from central.migrations import migrate
from tests.e2e.browser import Page, browser
from tests.integration.api.public import Brand, open_brand
from tests.integration.api.world import WATCH, open_world

WIDTH, HEIGHT = 390, 844
LANGUAGES = {"en": "en-GB,en;q=0.9", "zh-Hans": "zh-CN,zh;q=0.9", "zh-Hant": "zh-TW,zh;q=0.9"}
CONTRAST = """(() => {
    const channel = (value) => { value /= 255; return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
    const light = (color) => { const [r, g, b] = color.match(/[0-9.]+/g).map(Number); return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
    const ground = (node) => { for (; node; node = node.parentElement) { const color = getComputedStyle(node).backgroundColor;
        if (color !== 'rgba(0, 0, 0, 0)') return color; } return 'rgb(255, 255, 255)'; };
    const texts = [...document.querySelectorAll('h1, h2, p, li, dt, dd, a')].filter((node) => node.innerText.trim());
    return Math.min(...texts.map((node) => { const pair = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
        return (pair[0] + 0.05) / (pair[1] + 0.05); }));
})()"""
"""The lowest contrast of any text on the page (WCAG 2.2, 1.4.3: 4.5 at least)."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def brand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brand]:
    """A brand with codes; its PostgreSQL runs as an account that cannot look into pytest's own folders."""
    place = Path(tempfile.mkdtemp(prefix="cm-page-", dir="/tmp" if os.geteuid() == 0 else None))
    try:
        with start_database(place, settings={"fsync": "off"}) as server:
            url = server.ensure_database("public_page")
            with Database(url, pool_size=2) as database:
                migrate(database)
            with (
                open_world(url, tmp_path_factory.mktemp("world")) as world,
                open_brand(
                    world, name="Example Watches 示例钟表", contact="https://example.com/help"
                ) as opened,
            ):
                yield opened
    finally:
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def addresses(brand: Brand) -> dict[str, str]:
    """One address for each answer there is."""
    order = brand.order(batch="LOT7", expiry=date(2027, 1, 31))
    labels = [brand.label(order, number).code for number in range(1, 7)]
    items = [brand.label(order, number).item for number in range(1, 7)]
    brand.set_state(items[2], "recalled")
    brand.set_state(items[3], "stolen")
    for number in range(12):
        brand.get(labels[1], network=f"203.0.{number}.7")
    brand.get(labels[5], network="203.0.1.7")
    return {
        "ours": labels[0],
        "ours_often_checked": labels[1],
        "ours_by_number": labels[5].partition("?")[0],
        "recalled": labels[2],
        "not_for_sale": labels[3],
        "not_confirmed": f"/01/{WATCH}/21/A-SERIAL-OF-20-CHARS",
        "product": f"/01/{WATCH}",
        "elsewhere": "/01/09506000134352/21/A",
        "unreadable": "/01/00012345678904/21/A",
    }


ANSWERS = (
    "ours", "ours_often_checked", "ours_by_number", "recalled", "not_for_sale", "not_confirmed", "product", "elsewhere", "unreadable",
)  # fmt: skip


def show(page: Page, brand: Brand, address: str, language: str, *, dark: bool = False) -> None:
    """Open an address as a phone does."""
    page.do("Network.enable")
    page.do("Network.setExtraHTTPHeaders", headers={"Accept-Language": LANGUAGES[language]})
    page.do(
        "Emulation.setEmulatedMedia",
        features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
    )
    page.do("Emulation.setScrollbarsHidden", hidden=True)
    page.errors.clear()
    path = "/" + address.partition("://")[2].partition("/")[2] if "://" in address else address
    page.open(f"{str(brand.client.base_url).rstrip('/')}{path}", width=WIDTH, height=HEIGHT)


@pytest.mark.parametrize("language", list(LANGUAGES))
@pytest.mark.parametrize("answer", ANSWERS)
def test_every_answer_fits_a_phone_and_can_be_read_by_day_and_by_night(
    page: Page, brand: Brand, addresses: dict[str, str], tmp_path: Path, answer: str, language: str
) -> None:
    for dark in (False, True):
        show(page, brand, addresses[answer], language, dark=dark)
        page.screenshot(tmp_path / f"{answer}-{language}{'-dark' if dark else ''}.png")
        too_wide = page.run(f"document.documentElement.scrollWidth > {WIDTH}")
        headline_ends_at = page.run("document.querySelector('h1').getBoundingClientRect().bottom")
        faults = [
            error for error in page.errors if "status of 40" not in error
        ]  # the browser reports the status itself
        assert (too_wide, headline_ends_at < HEIGHT / 2, faults, page.run(CONTRAST) >= 4.5) == (
            False,
            True,
            [],
            True,
        )


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "Recalled: do not use it"), ("zh-Hans", "已召回，请勿使用"), ("zh-Hant", "已召回，請勿使用")],
)
def test_a_recall_is_the_first_thing_a_person_reads(
    page: Page, brand: Brand, addresses: dict[str, str], language: str, expected: str
) -> None:
    show(page, brand, addresses["recalled"], language)
    assert (page.text("h1"), page.run("document.documentElement.lang")) == (expected, language)


def test_the_page_is_read_aloud_in_order_with_names_for_its_parts(
    page: Page, brand: Brand, addresses: dict[str, str]
) -> None:
    show(page, brand, addresses["ours_by_number"], "en")
    tree = page.do("Accessibility.getFullAXTree")["nodes"]
    spoken = [
        (node["role"]["value"], node["name"]["value"])
        for node in tree
        if not node["ignored"] and node["role"]["value"] in {"region", "heading", "link", "image", "img"}
    ]
    assert spoken == [
        ("region", "This number is one of ours"),
        ("heading", "This number is one of ours"),
        ("heading", "Checked before"),
        ("heading", "If you are in doubt"),
        ("link", "https://example.com/help"),
    ]


def test_the_page_needs_no_script_and_nothing_from_elsewhere(
    page: Page, brand: Brand, addresses: dict[str, str]
) -> None:
    page.do("Emulation.setScriptExecutionDisabled", value=True)
    show(page, brand, addresses["ours"], "en")
    page.do("Emulation.setScriptExecutionDisabled", value=False)
    fetched = page.run("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert (page.text("h1"), [name for name in fetched if "favicon" not in name]) == (
        "This code is one of ours",
        [],
    )
