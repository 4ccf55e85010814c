"""The words of a receipt in the languages of the till."""

from __future__ import annotations

import msgspec


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One language. ``methods`` names the ways of paying, ``shift`` the lines of a shift's report."""

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
    tendered: str
    change: str
    methods: dict[str, str]
    shift: dict[str, str]


WORDS = {
    "en": Words(
        receipt="Receipt", reference="Reference", clerk="Served by", discount="Discount", subtotal="Subtotal",
        total="Total", includes="incl.", copy="COPY", voided="VOIDED", pieces="Pieces",
        tendered="Given", change="Change",
        methods={"cash": "Cash", "card": "Card", "wallet": "Wallet"},
        shift={
            "x": "SHIFT REPORT (X)", "z": "END OF SHIFT (Z)", "number": "Shift", "opened": "Opened",
            "closed": "Closed", "at": "As of", "clerk": "Clerk", "sales": "Sales", "voids": "Voids",
            "returns": "Returns", "discounts": "Discounts", "overridden": "Prices changed",
            "float": "Float", "taken": "Taken", "expected": "Should be", "counted": "Counted",
            "difference": "Difference", "moves": "Cash in and out",
            "blind": "The sums are told after the count",
        },
    ),
    "zh-Hans": Words(
        receipt="小票", reference="参考号", clerk="收银员", discount="折扣", subtotal="小计",
        total="合计", includes="含", copy="副本", voided="已作废", pieces="件数",
        tendered="实收现金", change="找零",
        methods={"cash": "现金", "card": "银行卡", "wallet": "电子钱包"},
        shift={
            "x": "班次报表 (X)", "z": "交班报表 (Z)", "number": "班次", "opened": "开班", "closed": "交班", "at": "截至",
            "clerk": "收银员", "sales": "销售", "voids": "作废", "returns": "退货", "discounts": "折扣",
            "overridden": "改价", "float": "备用金", "taken": "实收", "expected": "应有", "counted": "实点",
            "difference": "差额", "moves": "现金存取", "blind": "清点后显示金额",
        },
    ),
    "zh-Hant": Words(
        receipt="收據", reference="參考號", clerk="收銀員", discount="折扣", subtotal="小計",
        total="合計", includes="含", copy="副本", voided="已作廢", pieces="件數",
        tendered="實收現金", change="找零",
        methods={"cash": "現金", "card": "信用卡", "wallet": "電子錢包"},
        shift={
            "x": "班次報表 (X)", "z": "交班報表 (Z)", "number": "班次", "opened": "開班", "closed": "交班", "at": "截至",
            "clerk": "收銀員", "sales": "銷售", "voids": "作廢", "returns": "退貨", "discounts": "折扣",
            "overridden": "改價", "float": "備用金", "taken": "實收", "expected": "應有", "counted": "實點",
            "difference": "差額", "moves": "現金存取", "blind": "清點後顯示金額",
        },
    ),
}  # fmt: skip
