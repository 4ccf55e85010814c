"""What stands on a receipt: widths, amounts, names in two scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.printing.paper import Qr, Text, in_two, printable, width, wrap
from agent.printing.rules import Named, Shown, amount, contained_tax_minor, receipt
from agent.printing.settings import PrinterSettings
from protocol.events import Payment, Sale, SaleLine

TEA = "04006381333931"
AT = datetime(2025, 10, 9, 10, 53, tzinfo=UTC)


def paper(**settings: Any) -> PrinterSettings:
    return PrinterSettings.model_validate({"kind": "network", "host": "127.0.0.1", "columns": 32, **settings})


def sold(*lines: SaleLine, currency: str = "EUR", **sale: Any) -> Sale:
    return Sale(sale_id="s-1", receipt="1-000042", currency=currency, lines=lines, **sale)


def tea(**changes: Any) -> SaleLine:
    return SaleLine(**{"gtin": TEA, "quantity": Decimal(2), "amount_minor": 900, **changes})


def printed(sale: Sale, settings: PrinterSettings, name: str = "Green tea", **shown: Any) -> list[str]:
    found = Shown(
        sale=sale, at=AT, site="Berlin", products={TEA: Named(name, shown.pop("unit", "each"))}, **shown
    )
    return [line.text for line in receipt(found, settings) if isinstance(line, Text)]


def test_a_receipt_of_32_columns() -> None:
    sale = sold(
        tea(),
        SaleLine(
            gtin="09506000134352", quantity=Decimal(1), amount_minor=24_500, discount_minor=500,
            item="010950600013435221SN0001",
        ),
        payments=(Payment(method="cash", amount_minor=25_400),), clerk="Ann",
    )  # fmt: skip
    assert printed(sale, paper(tax={"label": "VAT", "percent": "19"}, footer=["Thank you"])) == [
        "Berlin",
        "",
        "Receipt 1-000042",
        "                2025-10-09 10:53",
        "Served by Ann",
        "--------------------------------",
        "Green tea",
        "  2 x 4.50                  9.00",
        "09506000134352            250.00",
        "SN0001",
        "  Discount                 -5.00",
        "--------------------------------",
        "Subtotal                  259.00",
        "Discount                   -5.00",
        "Total EUR                 254.00",
        "incl. VAT 19%              40.55",
        "Cash                      254.00",
        "",
        "Thank you",
    ]


def test_an_ideograph_takes_two_columns() -> None:
    assert in_two("特级绿茶", "9.00", 16) == ["特级绿茶    9.00"]


def test_a_name_wider_than_the_paper_goes_on_in_the_next_line() -> None:
    assert wrap("特级绿茶 Green tea 有机礼盒装", 16) == ["特级绿茶 Green", "tea 有机礼盒装"]


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
@pytest.mark.parametrize("columns", [32, 40, 42, 48])
def test_no_line_is_wider_than_the_paper(columns: int, language: str) -> None:
    settings = paper(columns=columns, header=["云" * 40, "x" * 100], footer=["謝" * 33])
    lines = printed(sold(tea(discount_minor=7)), settings, name="有机 organic " * 9, language=language)
    assert [line for line in lines if width(line) > columns] == []


@given(name=st.text(max_size=200), minor=st.integers(-(10**12), 10**12))
def test_whatever_a_name_is_the_amount_stands_at_the_right_edge(name: str, minor: int) -> None:
    lines = in_two(name, amount(minor, "EUR"), 32)
    assert lines[-1].endswith(amount(minor, "EUR"))
    assert width(lines[-1]) == 32
    assert max(width(line) for line in lines) <= 32


@given(st.text(max_size=100))
def test_a_name_cannot_speak_to_the_printer(name: str) -> None:
    assert all(sign >= " " and sign != "\x7f" for sign in printable(name))


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(125_000, "EUR", "1250.00"), (-5, "EUR", "-0.05"), (1250, "JPY", "1250"), (1250, "KWD", "1.250"), (10**12, "EUR", "10000000000.00")],
)  # fmt: skip
def test_an_amount_is_exact_in_its_currency(minor: int, currency: str, text: str) -> None:
    assert amount(minor, currency) == text


@pytest.mark.parametrize(
    ("total", "percent", "tax"),
    [(11_900, "19", 1_900), (100, "8.875", 8), (-11_900, "19", -1_900), (0, "19", 0)],
)
def test_the_tax_is_in_the_total(total: int, percent: str, tax: int) -> None:
    assert contained_tax_minor(total, percent) == tax


def test_a_price_for_one_is_told_only_where_it_comes_out_exactly() -> None:
    assert "  3                         1.00" in printed(
        sold(tea(quantity=Decimal(3), amount_minor=100)), paper()
    )


def test_a_weighed_label_of_the_shops_scale_shows_its_weight_and_price() -> None:
    line = tea(quantity=Decimal("0.350"), amount_minor=140)
    assert "  0.350 kg x 4.00           1.40" in printed(sold(line), paper(), unit="kg")


def test_a_copy_and_a_voided_sale_say_so() -> None:
    lines = printed(sold(tea()), paper(), is_copy=True, is_voided=True)
    assert [line for line in lines if "*" in line] == ["*** VOIDED ***", "*** COPY ***"]


def test_the_qr_code_holds_what_the_shop_wants() -> None:
    shown = Shown(sale=sold(tea()), at=AT, site="Berlin", products={})
    lines = receipt(shown, paper(qr="https://brand.example/r/{receipt}"))
    assert lines[-1] == Qr(content="https://brand.example/r/1-000042")
