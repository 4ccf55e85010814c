"""Which kind of answer, in which language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.resolver.negotiation import Kind, Language, kind_for, language_for

IPHONE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
EN, HANS, HANT = Language.ENGLISH, Language.SIMPLIFIED_CHINESE, Language.TRADITIONAL_CHINESE


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Kind.PAGE),
        ("*/*", Kind.PAGE),
        (IPHONE, Kind.PAGE),
        ("application/json", Kind.JSON),
        ("application/json;charset=utf-8", Kind.JSON),
        ("application/json, */*;q=0.5", Kind.JSON),
        ("text/html;q=0.2, application/json;q=0.7", Kind.JSON),
        ("application/linkset+json", Kind.LINKSET),
        ("application/json;q=0, text/html;q=0.1", Kind.PAGE),
        ("image/png", Kind.PAGE),
        ("APPLICATION/JSON", Kind.JSON),
        ("text/html;q=x, application/json;q=....", Kind.PAGE),
    ],
)
def test_the_kind_is_the_one_wanted_most(accept: str, expected: Kind) -> None:
    assert kind_for(accept) == expected


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        ("", EN),
        ("de-DE, de;q=0.9", EN),
        ("zh-CN,zh;q=0.9,en;q=0.8", HANS),
        ("zh", HANS),
        ("zh-SG", HANS),
        ("zh-Hans-HK", HANS),
        ("zh-TW,zh;q=0.9", HANT),
        ("zh-HK", HANT),
        ("zh-Hant-CN", HANT),
        ("fr, zh-TW;q=0.5, en;q=0.4", HANT),
        ("en-GB, zh-CN;q=0.9", EN),
        ("zh;q=0, en", EN),
    ],
)
def test_the_language_is_the_one_wanted_most_of_those_there_are(
    accept_language: str, expected: Language
) -> None:
    assert language_for(accept_language) == expected


@given(st.text(max_size=200))
def test_no_header_is_a_fault(header: str) -> None:
    assert (kind_for(header) in Kind, language_for(header) in Language) == (True, True)
