"""What we print: whatever is rendered is read back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from protocol.codes import (
    RenderError,
    recognise,
    render_bracketed,
    render_digital_link,
    render_element_string,
    suspects_lost_separator,
)
from protocol.codes.check_digits import check_digit

GS1_CHARACTERS = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
values = partial(st.text, GS1_CHARACTERS, min_size=1)
digits = partial(st.text, "0123456789", min_size=1)


def with_check_digit(body: str) -> str:
    return body + check_digit(body)


gtins = st.from_regex(r"\A[0-9]{13}\Z").filter(lambda body: body.strip("0")).map(with_check_digit)
labels = st.fixed_dictionaries(
    {"01": gtins, "21": values(max_size=20)},
    optional={
        "10": values(max_size=20),
        "11": st.dates().map(lambda date: f"{date:%y%m%d}"),
        "17": st.dates().map(lambda date: f"{date:%y%m%d}"),
        "22": values(max_size=20),
        "240": values(max_size=30),
        "30": digits(max_size=8),
        "3103": digits(min_size=6, max_size=6),
        "3922": digits(max_size=15),
        "91": values(max_size=90),
        "92": values(max_size=90),
    },
)


@given(labels, st.sampled_from(("", "]d2", "]C1", "]Q3")))
def test_any_element_string_that_is_rendered_is_read_back(label: Mapping[str, str], mark: str) -> None:
    text = render_element_string(label)
    assume("\x1d" in text or not suspects_lost_separator(label["21"], label))
    code = recognise(mark + text)
    assert (code.item, code.batch) == (f"01{label['01']}21{label['21']}", label.get("10"))


@given(
    labels, st.sampled_from(("https://id.gs1.org", "HTTPS://BRAND.EXAMPLE", "https://brand.example/a/00/"))
)
def test_any_digital_link_that_is_rendered_is_read_back(label: Mapping[str, str], domain: str) -> None:
    code = recognise(render_digital_link(label, domain))
    assert (code.item, code.batch) == (f"01{label['01']}21{label['21']}", label.get("10"))


@given(labels)
def test_all_carriers_say_the_same(label: Mapping[str, str]) -> None:
    assume("\x1d" in render_element_string(label))
    from_link = recognise(render_digital_link(label))
    assert recognise(render_element_string(label)) == from_link


@given(st.fixed_dictionaries({"01": gtins, "21": st.text("Az09-_.", min_size=1, max_size=20)}))
def test_brackets_read_back_where_no_value_has_brackets(label: Mapping[str, str]) -> None:
    assert recognise(render_bracketed(label)).item == f"01{label['01']}21{label['21']}"


def test_values_of_predefined_length_come_first_and_separators_stand_only_where_needed() -> None:
    rendered = render_element_string({"21": "A1", "01": "04912345123459", "10": "B", "17": "261231"})
    assert rendered == "01049123451234591726123121A1\x1d10B"


def test_a_digital_link_has_its_qualifiers_in_the_path_and_the_rest_in_the_query() -> None:
    rendered = render_digital_link(
        {"17": "261231", "21": "A/1", "01": "04912345123459", "11": "260101"}, "https://a.b/"
    )
    assert rendered == "https://a.b/01/04912345123459/21/A%2F1?11=260101&17=261231"


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (
            {"01": "04912345123458"},
            r"\(01\) cannot hold '04912345123458': \(01\) check digit is 8, expected 9",
        ),
        ({"01": "04912345123459", "21": "A B"}, r"\(21\) cannot hold"),
        ({"01": "04912345123459", "05": "A"}, r"\(05\) is no Application Identifier"),
        ({"01": "04912345123459", "17": "261331"}, r"\(17\) cannot hold"),
    ],
)
def test_what_could_not_be_read_back_is_not_rendered(label: dict[str, str], reason: str) -> None:
    with pytest.raises(RenderError, match=reason):
        render_element_string(label)


@pytest.mark.parametrize("label", [{"10": "B"}, {"01": "04912345123459", "00": "106141412345678908"}])
def test_a_digital_link_has_exactly_one_key(label: dict[str, str]) -> None:
    with pytest.raises(RenderError, match="a Digital Link has one key"):
        render_digital_link(label)
