"""The page: complete in itself, in three languages, and deaf to what is smuggled into a name."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import product

import msgspec
import pytest

from central.resolver import page
from central.resolver.counts import HowOften
from central.resolver.negotiation import Language
from central.resolver.page import TONES, View, render
from central.resolver.rules import Answer, Proof, Reason, Verdict
from central.resolver.texts import TEXTS, Said, Texts, checks_said, said

ANSWERS = [
    Answer(Verdict.OURS, proof=Proof.SIGNED),
    Answer(Verdict.OURS, proof=Proof.NUMBER),
    Answer(Verdict.NOT_FOR_SALE, Reason.RECALLED),
    Answer(Verdict.NOT_FOR_SALE, Reason.PAST_ITS_DATE),
    Answer(Verdict.NOT_FOR_SALE),
    Answer(Verdict.NOT_CONFIRMED),
    Answer(Verdict.PRODUCT),
]
MARCH = datetime(2026, 3, 2, tzinfo=UTC)
VOID = {"meta", "link", "br", "img"}


class Outline(HTMLParser):
    """Elements in order, and those that were not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def view(language: Language, answer: Answer, **more: object) -> View:
    checks = checks_said(HowOften.SEVERAL, MARCH, TEXTS[language]) if answer.proof else None
    shown = View(
        language=language,
        said=said(answer, TEXTS[language]),
        tone=TONES[answer.verdict],
        details=(("product", "Watch"), ("gtin", "00012345678905"), ("serial", "A7K2")),
        checks=checks,
        advice=("Compare it.",),
        brand="Example",
        contact="https://example.com/help?a=1&b=2",
    )
    return msgspec.structs.replace(shown, **more)


@pytest.mark.parametrize(("language", "answer"), list(product(Language, ANSWERS)))
def test_every_answer_is_a_sound_document_that_fetches_and_runs_nothing(
    language: Language, answer: Answer
) -> None:
    outline = Outline()
    document = render(view(language, answer))
    outline.feed(document)
    tags = {tag for tag, _ in outline.seen}
    addressed = {
        name
        for _, attributes in outline.seen
        for name in attributes
        if name in {"src", "style", "onload", "srcset"}
    }
    assert (outline.open, tags & {"script", "img", "link", "iframe", "form"}, addressed) == ([], set(), set())
    assert (outline.seen[0], [tag for tag, _ in outline.seen].count("h1")) == (
        ("html", {"lang": language}),
        1,
    )
    assert ("url(" in document, "@import" in document, "$" in document) == (False, False, False)


def test_the_policy_allows_the_one_style_and_nothing_else() -> None:
    found = re.search(r"<style>(.*)</style>", render(view(Language.ENGLISH, ANSWERS[0])), re.DOTALL)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert page.HEADERS["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    "smuggled", ["<script>alert(1)</script>", '" onload="x', "</style><b>", "$headline ${x}"]
)
def test_a_name_is_text_whatever_it_holds(smuggled: str) -> None:
    shown = view(
        Language.ENGLISH,
        ANSWERS[0],
        details=(("product", smuggled),),
        brand=smuggled,
        contact=smuggled,
        said=Said(smuggled, smuggled),
    )
    outline = Outline()
    outline.feed(render(shown))
    plain = Outline()
    plain.feed(
        render(
            msgspec.structs.replace(
                shown, details=(("product", "x"),), brand="x", contact="x", said=Said("x", "x")
            )
        )
    )
    assert outline.seen == plain.seen


def test_a_contact_may_be_a_page_a_mail_address_or_a_number() -> None:
    documents = [
        render(view(Language.ENGLISH, ANSWERS[0], contact=one))
        for one in ("https://a.example/?x=1&y=2", "help@a.example", "400 123")
    ]
    hrefs = [re.findall(r'href="([^"]+)"', document) for document in documents]
    assert hrefs == [["https://a.example/?x=1&amp;y=2"], ["mailto:help@a.example"], []]


def test_no_language_lacks_a_sentence_or_borrows_one_from_another() -> None:
    fields = [name for name in Texts.__struct_fields__ if name != "labels"]
    shared = [name for name in fields if len({repr(getattr(texts, name)) for texts in TEXTS.values()}) < 2]
    assert (shared, len({tuple(sorted(texts.causes)) for texts in TEXTS.values()})) == ([], 1)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (Language.ENGLISH, "Several times, first in March 2026."),
        (Language.SIMPLIFIED_CHINESE, "查询过几次，首次在2026年3月。"),
        (Language.TRADITIONAL_CHINESE, "查詢過幾次，首次在2026年3月。"),
    ],
)
def test_since_when_is_said_as_a_month(language: Language, expected: str) -> None:
    assert checks_said(HowOften.SEVERAL, MARCH, TEXTS[language]).startswith(expected)


def test_a_code_that_was_checked_many_times_is_not_waved_through() -> None:
    words = said(ANSWERS[0], TEXTS[Language.ENGLISH], HowOften.MANY, MARCH)
    assert (
        words.headline,
        words.meaning.startswith("It was checked many times before, first in March 2026."),
    ) == (
        "Ours, but it may be a copy",
        True,
    )
