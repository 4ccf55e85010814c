"""What a person types for what a scanner would send."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\\x(?P<byte>[0-9A-Fa-f]{2})|\\u(?P<unicode>[0-9A-Fa-f]{4})|\\(?P<letter>[\\trn])"
    r"|[<{](?P<name>GS|FNC1|RS|FS|US|EOT|CR|LF|TAB)[>}]|(?P<picture>\u241d)"
)
_LETTERS = {"\\": b"\\", "t": b"\t", "r": b"\r", "n": b"\n"}
_NAMES = {
    "GS": b"\x1d", "FNC1": b"\x1d", "RS": b"\x1e", "FS": b"\x1c", "US": b"\x1f", "EOT": b"\x04",
    "CR": b"\r", "LF": b"\n", "TAB": b"\t",
}  # fmt: skip


def parse_typed(text: str) -> bytes:
    r"""The bytes meant by `text`, in which control characters are spelt out.

    Known are `\x1d`, `\u001d`, `\t`, `\r`, `\n`, `\\`, and in angle or curly brackets the names GS, FNC1, RS, FS,
    US, EOT, CR, LF and TAB; also the picture of GS, U+241D. Everything else stands for itself, in UTF-8.
    """
    typed = bytearray()
    at = 0
    for escape in _ESCAPE.finditer(text):
        typed += _plain(text[at : escape.start()])
        typed += _meant(escape)
        at = escape.end()
    return bytes(typed + _plain(text[at:]))


def _meant(escape: re.Match[str]) -> bytes:
    if escape["byte"]:
        return bytes.fromhex(escape["byte"])
    if escape["unicode"]:
        return _plain(chr(int(escape["unicode"], 16)))
    if escape["letter"]:
        return _LETTERS[escape["letter"]]
    return _NAMES[escape["name"] or "GS"]


def _plain(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
