"""The words of a receipt in the languages of the till."""

from __future__ import annotations

import msgspec


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One language. ``methods`` names the ways of paying."""

    receipt: str
    reference: str
    clerk: str
    discount: str
    subtotal: str
    total: str
    includes: str
    copy: str
    voided: str
    pieces: str
    methods: dict[str, str]


WORDS = {
    "en": Words(
        receipt="Receipt", reference="Reference", clerk="Served by", discount="Discount", subtotal="Subtotal",
        total="Total", includes="incl.", copy="COPY", voided="VOIDED", pieces="Pieces",
        methods={"cash": "Cash", "card": "Card", "wallet": "Wallet"},
    ),
    "zh-Hans": Words(
        receipt="小票", reference="参考号", clerk="收银员", discount="折扣", subtotal="小计",
        total="合计", includes="含", copy="副本", voided="已作废", pieces="件数",
        methods={"cash": "现金", "card": "银行卡", "wallet": "电子钱包"},
    ),
    "zh-Hant": Words(
        receipt="收據", reference="參考號", clerk="收銀員", discount="折扣", subtotal="小計",
        total="合計", includes="含", copy="副本", voided="已作廢", pieces="件數",
        methods={"cash": "現金", "card": "信用卡", "wallet": "電子錢包"},
    ),
}  # fmt: skip
