"""The ``[printer]`` of a shop's configuration."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

CodePage = Literal[
    "gb18030", "big5", "cp437", "cp737", "cp775", "cp850", "cp852", "cp855", "cp857", "cp858", "cp860", "cp861", "cp862",
    "cp863", "cp864", "cp865", "cp866", "cp869", "cp874", "cp1125", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254",
    "cp1255", "cp1256", "cp1257", "cp1258",
]  # fmt: skip
DOUBLE_BYTE = {"gb18030": "gb18030", "big5": "cp950"}
"""Chinese printers by the table in them, and Python's name of it."""
TEMPLATE_FIELDS = ("receipt", "sale_id", "site")


class TaxSettings(BaseModel):
    """A tax that is in all prices, told on the receipt: ``label = "VAT"``, ``percent = "19"``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, max_length=20)
    percent: str

    @field_validator("percent")
    @classmethod
    def _a_rate(cls, percent: str) -> str:
        try:
            rate = Decimal(percent)
        except InvalidOperation:
            rate = Decimal(-1)
        if not (rate.is_finite() and 0 < rate < 100):
            raise ValueError(
                f'{percent!r}: expected a rate between 0 and 100, as text, such as "19" or "8.875"'
            )
        return percent


class PrinterSettings(BaseModel):
    """A receipt printer that speaks ESC/POS, and the drawer on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["network", "serial", "usb"]
    host: str | None = None
    port: int = Field(default=9100, ge=1, le=65535)
    path: str | None = Field(
        default=None,
        description="of a serial port, best its stable link; of a USB printer, such as /dev/usb/lp0",
    )
    baud_rate: int = Field(default=9600, ge=300, le=4_000_000)
    columns: Literal[32, 40, 42, 48] = 48
    code_page: CodePage = "cp858"
    font: Path | None = Field(
        default=None, description="a TrueType font for lines that the code page cannot print"
    )
    language: Literal["en", "zh-Hans", "zh-Hant"] | None = Field(
        default=None, description="default: till.language"
    )
    receipts: Literal["every_sale", "on_request"] = "every_sale"
    header: tuple[str, ...] = Field(default=(), max_length=12)
    footer: tuple[str, ...] = Field(default=(), max_length=12)
    tax: TaxSettings | None = None
    qr: str | None = Field(
        default=None, max_length=300, description="contents, with {receipt}, {sale_id}, {site}"
    )
    cut: bool = True
    drawer: Literal["none", "cash_sales", "on_request"] = Field(
        default="none", description="a drawer, and when it opens"
    )
    drawer_pin: Literal[2, 5] = 2
    answers: bool = Field(default=True, description="whether it answers status requests; most do")
    keep_minutes: int = Field(
        default=60,
        ge=1,
        le=10_080,
        description="a receipt that could not be printed for so long is not printed any more",
    )
    timeout_ms: int = Field(default=5_000, ge=200, le=60_000)

    @field_validator("qr")
    @classmethod
    def _a_template(cls, template: str | None) -> str | None:
        if template is not None:
            try:
                template.format(**dict.fromkeys(TEMPLATE_FIELDS, ""))
            except (KeyError, IndexError, ValueError):
                raise ValueError(
                    f"{template!r}: expected text with {{receipt}}, {{sale_id}} or {{site}} in it"
                ) from None
        return template

    @field_validator("font")
    @classmethod
    def _a_file(cls, font: Path | None) -> Path | None:
        if font is not None and not font.is_file():
            raise ValueError(f"{font}: there is no such file; expected a TrueType or OpenType font")
        return font

    @model_validator(mode="after")
    def _reachable(self) -> PrinterSettings:
        wanted = ("host", self.host) if self.kind == "network" else ("path", self.path)
        key, value = wanted
        if not value:
            raise ValueError(f"kind {self.kind!r}: expected {key} too")
        return self

    @property
    def where(self) -> str:
        """The printer's place, for messages."""
        return f"{self.host}:{self.port}" if self.kind == "network" else f"{self.path}"

    @property
    def can_answer(self) -> bool:
        """Whether the printer is asked how it is. The kernel's own way to a USB printer is one-way."""
        return self.answers and self.kind != "usb"
