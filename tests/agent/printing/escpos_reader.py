"""Reads ESC/POS as a printer would: text by code page, QR codes, pictures, cuts, pulses. Refuses what it does not know."""

from __future__ import annotations

from dataclasses import dataclass, field

# ESC and GS commands that are a fixed number of bytes long, without their prefix and letter.
_ESC = {
    "@": 0,
    "t": 1,
    "!": 1,
    "E": 1,
    "a": 1,
    "-": 1,
    "{": 1,
    "d": 1,
    "J": 1,
    "M": 1,
    "2": 0,
    "3": 1,
    "G": 1,
    "p": 3,
    "S": 0,
}
_GS = {"!": 1, "B": 1, "b": 1, "r": 1, "L": 2, "W": 2, "V": 1}
_TABLES = {0: "cp437", 2: "cp850", 16: "cp1252", 17: "cp866", 19: "cp858"}


@dataclass
class Page:
    """What came out of the printer."""

    lines: list[str] = field(default_factory=list)
    big: list[str] = field(default_factory=list)
    qr: list[str] = field(default_factory=list)
    pictures: list[tuple[int, int, bytes]] = field(default_factory=list)
    cuts: int = 0
    pulses: list[int] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


class _Reader:
    def __init__(self, data: bytes, chinese: str) -> None:
        self.page = Page()
        self._data = data
        self._chinese = chinese
        self._at = 0
        self._table = "cp437"
        self._is_chinese = self._is_big = False
        self._line = b""

    def step(self) -> bool:
        """Read one command or sign; False at the end."""
        if self._at >= len(self._data):
            return False
        byte = self._data[self._at]
        commands = {0x1B: self._esc, 0x1C: self._fs, 0x1D: self._gs, 0x10: lambda _: 3, 0x0A: self._line_end}
        if byte in commands:
            self._at += commands[byte](
                chr(self._data[self._at + 1]) if self._at + 1 < len(self._data) else ""
            )
            return True
        assert byte >= 0x20, f"0x{byte:02x} at {self._at} is no command that this reader knows"
        size = 2 if self._is_chinese and byte >= 0x80 else 1
        self._line += self._data[self._at : self._at + size]
        self._at += size
        return True

    def _number(self, offset: int, size: int = 1) -> int:
        return int.from_bytes(self._data[self._at + offset : self._at + offset + size], "little")

    def _esc(self, letter: str) -> int:
        if letter == "t":
            self._table = _TABLES[self._number(2)]
        if letter == "p":
            self.page.pulses.append(self._number(2))
        return 2 + _ESC[letter]

    def _fs(self, letter: str) -> int:
        self._is_chinese = {"&": True, ".": False}[letter]
        return 2

    def _gs(self, letter: str) -> int:
        if letter == "(":
            size = self._number(3, 2)
            body = self._data[self._at + 5 : self._at + 5 + size]
            if body[:2] == b"1P":
                self.page.qr.append(body[3:].decode())
            return 5 + size
        if letter == "v":
            width, height = self._number(4, 2), self._number(6, 2)
            dots = self._data[self._at + 8 : self._at + 8 + width * height]
            self.page.pictures.append((width, height, dots))
            return 8 + width * height
        self.page.cuts += letter == "V"
        if letter == "!":
            self._is_big = self._number(2) & 0x0F > 0
        return 2 + _GS[letter]

    def _line_end(self, _: str) -> int:
        text = self._line.decode(self._chinese if self._is_chinese else self._table)
        self.page.lines.append(text)
        if self._is_big:
            self.page.big.append(text)
        self._line = b""
        return 1


def read(data: bytes, chinese: str = "gb18030") -> Page:
    """The page that these bytes print."""
    reader = _Reader(data, chinese)
    while reader.step():
        pass
    return reader.page
