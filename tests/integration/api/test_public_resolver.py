"""The rules of the GS1-Conformant Resolver standard 1.2 and of Digital Link, statement by statement, as far as they apply to one that
answers itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from central.database import Database
from tests.integration.api.public import Brand, open_brand
from tests.integration.api.world import WATCH, World

ITEM = f"/01/{WATCH}/21/A7K2"
ROOT = "https://central.example"
VOC = "https://ref.gs1.org/voc/"
UNKNOWN_GTIN = "09506000134352"


@pytest.fixture
def brand(world: World) -> Iterator[Brand]:
    with open_brand(world, name="Example", product_url="https://brand.example/p?id={gtin}") as opened:
        yield opened


def test_get_head_and_options_are_supported(brand: Brand) -> None:
    got, head, options = (brand.get(ITEM, method=method) for method in ("GET", "HEAD", "OPTIONS"))
    assert [(one.status_code, bool(one.content)) for one in (got, head, options)] == [
        (200, True),
        (200, False),
        (204, False),
    ]
    assert (head.headers["content-length"], options.headers["allow"]) == (
        got.headers["content-length"],
        "GET, HEAD, OPTIONS",
    )


def test_any_origin_may_ask_whatever_the_answer(brand: Brand) -> None:
    paths = [
        ITEM,
        "/01/00012345678904",
        f"/01/{UNKNOWN_GTIN}",
        f"{ITEM}?linkType=linkset",
        "/.well-known/gs1resolver",
    ]
    answers = [brand.get(path, Origin="https://elsewhere.example") for path in paths]
    assert {one.headers["access-control-allow-origin"] for one in answers} == {"*"}
    preflight = brand.get(ITEM, method="OPTIONS", Access_Control_Request_Method="GET")
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("/01/00012345678904/21/A", "check_digit"),
        ("/01/notagtin", "bad_value"),
        (f"{ITEM}/foo", "bad_value"),
        (f"/01/{WATCH}/8011/5", "unknown_ai"),
        (f"/01/{WATCH}/21/A/10/B", "bad_value"),
        (f"{ITEM}?17=261399", "bad_value"),
        ("/00/123456789012345678", "check_digit"),
    ],
)
def test_what_is_not_syntactically_sound_is_a_bad_request_with_the_reason(
    brand: Brand, path: str, cause: str
) -> None:
    as_json, as_page = brand.get(path), brand.get(path, Accept="text/html")
    assert (as_json.status_code, as_json.json()["cause"], as_page.status_code) == (400, cause, 400)
    assert (as_json.headers["content-type"], as_page.headers["content-type"]) == (
        "application/problem+json",
        "text/html; charset=utf-8",
    )


@pytest.mark.parametrize(
    "path",
    [
        f"/01/{UNKNOWN_GTIN}/21/A",
        "/00/998440410914660971",
        "/414/5060917510004",
        "/c/ABCD0123456789XYZW00",
        f"/8006/{WATCH}0102",
    ],
)
def test_what_is_sound_but_none_of_ours_is_not_found(brand: Brand, path: str) -> None:
    assert brand.get(path).status_code == 404


def test_a_trailing_slash_is_tolerated(brand: Brand) -> None:
    assert brand.told(f"{ITEM}/") == brand.told(ITEM)


def test_the_answer_says_where_its_linkset_is(brand: Brand) -> None:
    link = brand.get(ITEM).headers["link"]
    assert link == f'<{ROOT}{ITEM}?linkType=linkset>; rel="linkset"; type="application/linkset+json"'


def test_a_compressed_link_is_answered_and_says_what_it_stands_for(world: World) -> None:
    _add_product(world.database, "05412345000013")
    with open_brand(world) as brand:
        answer = brand.get("/AQnYUc1gmiCNV4JGQhcNT6K6c")
    full = f"{ROOT}/01/05412345000013/10/ABC123/21/72292641703"
    assert (
        answer.status_code,
        answer.json()["serial"],
        f'<{full}>; rel="owl:sameAs"' in answer.headers["link"],
    ) == (200, "72292641703", True)


@pytest.mark.parametrize(
    ("query", "accept"),
    [("?linkType=linkset", "text/html"), ("?linkType=all", "*/*"), ("", "application/linkset+json")],
)
def test_the_linkset_has_every_level_up_to_the_key_with_a_default_and_a_descriptive_type(
    brand: Brand, query: str, accept: str
) -> None:
    answer = brand.get(f"{ITEM}{query}", Accept=accept)
    body = answer.json()
    assert answer.headers["content-type"] == "application/linkset+json"
    assert [level["anchor"] for level in body["linkset"]] == [f"{ROOT}{ITEM}", f"{ROOT}/01/{WATCH}"]
    assert [level[f"{VOC}defaultLink"] for level in body["linkset"]] == [
        [{"href": level["anchor"], "title": "Watch"}] for level in body["linkset"]
    ]
    links = [
        link
        for level in body["linkset"]
        for name, links in level.items()
        if name.startswith(VOC)
        for link in links
    ]
    assert [sorted({"href", "title"} - link.keys()) for link in links] == [[]] * len(links)
    assert 'rel="http://www.w3.org/ns/json-ld#context"' in answer.headers["link"]


def test_a_linkset_says_nothing_of_whether_the_item_is_known(brand: Brand) -> None:
    brand.world.sold_items("A7K2", site="D1")
    texts = [
        brand.get(f"/01/{WATCH}/21/{serial}?linkType=linkset").text.replace(serial, "")
        for serial in ("A7K2", "NEVER")
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("link_type", ["gs1:defaultLink", f"{VOC}recallStatus", "gs1:recallStatus"])
def test_the_default_and_its_descriptive_type_are_the_answer_itself(brand: Brand, link_type: str) -> None:
    assert brand.told(f"{ITEM}?linkType={link_type}")["verdict"] == "not_confirmed"


@pytest.mark.parametrize("link_type", ["gs1:pip", f"{VOC}pip", "https://gs1.org/voc/pip"])
def test_the_product_page_is_a_redirection_that_takes_the_query_along_but_no_proof(
    brand: Brand, link_type: str
) -> None:
    answer = brand.get(f"{ITEM}?linkType={link_type}&utm=a%20b&11=260101&91=K7Q3&92={'A' * 88}")
    assert (answer.status_code, answer.headers["location"]) == (
        307,
        f"https://brand.example/p?id={WATCH}&utm=a+b&11=260101",
    )


def test_without_a_page_of_the_brand_the_product_page_is_the_answer_itself(world: World) -> None:
    with open_brand(world) as brand:
        assert brand.told(f"/01/{WATCH}?linkType=gs1:pip")["verdict"] == "product"


def test_a_link_of_a_type_that_is_not_there_is_not_found(brand: Brand) -> None:
    answers = [
        brand.get(f"{ITEM}?linkType={one}", Accept=kind)
        for one in ("gs1:recipeInfo", "x:y", "")
        for kind in ("text/html", "application/json")
    ]
    assert {one.status_code for one in answers} == {404}


def test_the_resolver_describes_itself(brand: Brand) -> None:
    answer = brand.get("/.well-known/gs1resolver")
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (
        200,
        "application/json",
        {
            "name": "Example",
            "resolverRoot": ROOT,
            "supportedPrimaryKeys": ["01"],
            "supportedLinkType": [{"namespace": VOC, "prefix": "gs1:"}],
            "linkTypeDefaultCanBeLinkset": False,
            "contextFile": "https://ref.gs1.org/standards/resolver/linkset-context",
        },
    )


def test_a_host_of_its_own_is_the_root_of_every_address(world: World) -> None:
    with open_brand(world, host="id.example.com") as brand:
        answer = brand.get(ITEM, Host="id.example.com")
    assert answer.headers["link"].startswith(f"<https://id.example.com{ITEM}?")


def test_the_page_comes_in_the_language_of_the_phone_with_strict_headers(brand: Brand) -> None:
    pages = {
        tag: brand.get(ITEM, Accept="text/html", Accept_Language=tag)
        for tag in ("en-GB", "zh-CN", "zh-TW", "de")
    }
    assert {tag: one.headers["content-language"] for tag, one in pages.items()} == {
        "en-GB": "en", "zh-CN": "zh-Hans", "zh-TW": "zh-Hant", "de": "en"
    }  # fmt: skip
    headers = pages["en-GB"].headers
    assert {
        name: headers[name]
        for name in (
            "x-content-type-options",
            "referrer-policy",
            "cache-control",
            "x-frame-options",
            "vary",
            "x-robots-tag",
        )
    } == {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-frame-options": "DENY",
        "vary": "Accept, Accept-Language",
        "x-robots-tag": "noindex",
    }
    assert "script" not in headers["content-security-policy"]


def _add_product(database: Database, gtin: str) -> None:
    database.run(
        lambda connection: connection.execute(
            "INSERT INTO products (gtin, name) VALUES (%s, 'Biscuits')", (gtin,)
        )
    )
