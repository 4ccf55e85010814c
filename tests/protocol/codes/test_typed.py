"""What a person types for what a scanner would send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import parse_typed


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (r"A\x1dB", b"A\x1dB"),
        ("A<GS>B", b"A\x1dB"),
        ("A{GS}B", b"A\x1dB"),
        ("<FNC1>A", b"\x1dA"),
        ("A\u241dB", b"A\x1dB"),
        (r"A\u001dB", b"A\x1dB"),
        (r"\t\r\n\\x1d", b"\t\r\n\\x1d"),
        ("<RS><FS><US><EOT><CR><LF><TAB>", b"\x1e\x1c\x1f\x04\r\n\t"),
        (r"\xff", b"\xff"),
        (r"\u4e2d", "中".encode()),
        ("中", "中".encode()),
        (r"\q <gs> \x1", rb"\q <gs> \x1"),
        ("", b""),
    ],
)
def test_control_characters_may_be_spelt_out(typed: str, meant: bytes) -> None:
    assert parse_typed(typed) == meant


@given(st.text(st.characters(exclude_characters="\\<{\u241d")))
def test_text_without_escapes_stands_for_itself(text: str) -> None:
    assert parse_typed(text) == text.encode("utf-8", "surrogatepass")
