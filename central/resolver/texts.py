"""Every sentence of the page, in its three languages."""

from __future__ import annotations

from datetime import datetime

import msgspec

from central.resolver.counts import HowOften
from central.resolver.negotiation import Language
from central.resolver.rules import Answer, Proof, Reason, Verdict
from protocol.codes.code import Cause


class Said(msgspec.Struct, frozen=True):
    """An answer in words: a headline, and what it means."""

    headline: str
    meaning: str


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """One language. ``{since}`` is a month, ``{seconds}`` a number, ``{reason}`` a sentence of ``causes``."""

    title: str
    ours_signed: Said
    ours_by_number: Said
    ours_often_checked: str
    recalled: Said
    past_its_date: Said
    not_for_sale: Said
    not_confirmed: Said
    product: Said
    elsewhere: Said
    no_such_link: Said
    unreadable: Said
    too_many: Said
    unavailable: Said
    checked: str
    first: str
    several: str
    many: str
    in_doubt: str
    doubt_compare: str
    doubt_seller: str
    doubt_do_not_use: str
    contact: str
    labels: dict[str, str]
    no_personal_data: str
    month: str
    causes: dict[Cause, str]
    other_cause: str


_ENGLISH = Texts(
    title="Code check",
    ours_signed=Said(
        "This code is one of ours",
        "It carries our signature, and nothing that is printed in it was changed.",
    ),
    ours_often_checked="Ours, but it may be a copy",
    ours_by_number=Said(
        "This number is one of ours",
        "The signed part of the label was not read with it, so we could compare the number only. Scan the code on the label "
        "itself to be surer.",
    ),
    recalled=Said(
        "Recalled: do not use it",
        "This item has been recalled. Do not use it and do not sell it. Take it back to where you bought it, or ask us.",
    ),
    past_its_date=Said(
        "Past its date",
        "The date of this item is over. It should not be on sale any more.",
    ),
    not_for_sale=Said(
        "This item should not be on sale",
        "By our books nobody should be selling it now. If it is offered to you, do not buy it. If you have bought it, keep the "
        "receipt and ask us.",
    ),
    not_confirmed=Said(
        "We cannot confirm this code",
        "That alone is no proof of a forgery: it may have been typed wrongly or read in part. Scan it once more, the whole of it, "
        "in good light. If the answer stays the same, do not rely on it.",
    ),
    product=Said(
        "One of our products",
        "This code names the product, not a single item, so there is nothing to check. Look for a code with a serial number.",
    ),
    elsewhere=Said(
        "Not one of our codes",
        "We do not know this product or number. Ask whoever sells it.",
    ),
    no_such_link=Said("There is no such link", "This code has no link of the kind that was asked for."),
    unreadable=Said("This code cannot be read", "{reason}"),
    too_many=Said(
        "Too many checks", "More checks came from your network than we answer. Try again in {seconds} seconds."
    ),
    unavailable=Said(
        "Not available just now", "We cannot look the code up at the moment. Try again in a minute. This says nothing about the item."
    ),
    checked="Checked before",
    first="This is the first check of this code that we know of.",
    several="Several times, first in {since}. If you have checked it before, that may have been you.",
    many="It was checked many times before, first in {since}. A single item rarely is: the code may have been copied onto others.",
    in_doubt="If you are in doubt",
    doubt_compare="Compare the product in your hand with what is shown here: name, batch, date.",
    doubt_seller="A code can be copied. Buy from sellers you know, and keep the receipt.",
    doubt_do_not_use="Do not use what you do not trust.",
    contact="Ask us: ",
    labels={"product": "Product", "gtin": "GTIN", "serial": "Serial number", "batch": "Batch", "expiry": "Use by"},
    no_personal_data="Checks are counted. Nothing about you or your phone is kept.",
    month="{name} {year}",
    causes={
        "check_digit": "A digit is wrong: the check digit does not fit the number. Scan it again.",
        "bad_date": "The date in it is no date.",
        "conflict": "It says two different things at once.",
        "too_long": "It is too long.",
        "separator_missing": "A separator got lost between two of its values.",
        "unknown_ai": "It contains something that does not belong there.",
    },
    other_cause="It is not complete, or something in it is misspelt. Scan it again.",
)  # fmt: skip

_SIMPLIFIED = Texts(
    title="验码",
    ours_signed=Said("这是我们的码", "码上有我们的签名，内容没有被改动。"),
    ours_often_checked="是我们的码，但可能被复制",
    ours_by_number=Said(
        "这是我们的编号",
        "标签上的签名没有一起读到，所以只能核对编号。请直接扫描标签上的码，结果更可靠。",
    ),
    recalled=Said("已召回，请勿使用", "这件商品已被召回。请不要使用，也不要出售。请退回购买处，或与我们联系。"),
    past_its_date=Said("已过期", "这件商品已超过有效期，不应再销售。"),
    not_for_sale=Said(
        "这件商品不应在售",
        "按我们的记录，目前任何人都不应出售它。如果有人向您推销，请不要购买；如果已经购买，请保留小票并与我们联系。",
    ),
    not_confirmed=Said(
        "无法确认这个码",
        "仅凭这一点还不能说是假货：可能输入有误，或只读到了一部分。请在光线充足处完整地再扫一次。如果结果不变，请不要轻信。",
    ),
    product=Said("这是我们的产品", "这个码只代表产品，不代表某一件商品，因此无从核验。请找带序列号的码。"),
    elsewhere=Said("这不是我们的码", "我们没有这个产品或编号。请向卖家询问。"),
    no_such_link=Said("没有这种链接", "这个码没有所请求的链接类型。"),
    unreadable=Said("这个码读不出来", "{reason}"),
    too_many=Said("查询太频繁", "来自您所在网络的查询过多，请在 {seconds} 秒后再试。"),
    unavailable=Said("暂时无法查询", "目前查不到，请过一分钟再试。这与商品真假无关。"),
    checked="以往查询",
    first="据我们所知，这是第一次查询这个码。",
    several="查询过几次，首次在{since}。如果您以前查过，可能就是您自己。",
    many="这个码被查询过很多次，首次在{since}。单件商品很少被查这么多次：它可能被复制到了别的商品上。",
    in_doubt="如有疑问",
    doubt_compare="请对照手中的商品与这里显示的名称、批号和日期。",
    doubt_seller="码可以被复制。请在信得过的商家购买，并保留小票。",
    doubt_do_not_use="不放心的东西请不要使用。",
    contact="联系我们：",
    labels={"product": "产品", "gtin": "GTIN", "serial": "序列号", "batch": "批号", "expiry": "有效期至"},
    no_personal_data="我们只统计查询次数，不保存您或您手机的任何信息。",
    month="{year}年{number}月",
    causes={
        "check_digit": "有一位数字不对：校验码与号码不符。请重新扫描。",
        "bad_date": "其中的日期不存在。",
        "conflict": "其中有互相矛盾的内容。",
        "too_long": "太长了。",
        "separator_missing": "两个值之间缺少分隔符。",
        "unknown_ai": "其中有不该出现的内容。",
    },
    other_cause="它不完整，或有地方写错了。请重新扫描。",
)  # fmt: skip

_TRADITIONAL = Texts(
    title="驗碼",
    ours_signed=Said("這是我們的碼", "碼上有我們的簽名，內容沒有被改動。"),
    ours_often_checked="是我們的碼，但可能被複製",
    ours_by_number=Said(
        "這是我們的編號",
        "標籤上的簽名沒有一起讀到，所以只能核對編號。請直接掃描標籤上的碼，結果更可靠。",
    ),
    recalled=Said("已召回，請勿使用", "這件商品已被召回。請不要使用，也不要出售。請退回購買處，或與我們聯絡。"),
    past_its_date=Said("已過期", "這件商品已超過有效期限，不應再販售。"),
    not_for_sale=Said(
        "這件商品不應在售",
        "按我們的紀錄，目前任何人都不應販售它。如果有人向您推銷，請不要購買；如果已經購買，請保留收據並與我們聯絡。",
    ),
    not_confirmed=Said(
        "無法確認這個碼",
        "僅憑這一點還不能說是假貨：可能輸入有誤，或只讀到一部分。請在光線充足處完整地再掃一次。如果結果不變，請不要輕信。",
    ),
    product=Said("這是我們的產品", "這個碼只代表產品，不代表某一件商品，因此無從查驗。請找帶有序號的碼。"),
    elsewhere=Said("這不是我們的碼", "我們沒有這個產品或編號。請向賣家詢問。"),
    no_such_link=Said("沒有這種連結", "這個碼沒有所要求的連結類型。"),
    unreadable=Said("這個碼讀不出來", "{reason}"),
    too_many=Said("查詢太頻繁", "來自您所在網路的查詢過多，請在 {seconds} 秒後再試。"),
    unavailable=Said("暫時無法查詢", "目前查不到，請過一分鐘再試。這與商品真偽無關。"),
    checked="以往查詢",
    first="據我們所知，這是第一次查詢這個碼。",
    several="查詢過幾次，首次在{since}。如果您以前查過，可能就是您自己。",
    many="這個碼被查詢過很多次，首次在{since}。單件商品很少被查這麼多次：它可能被複製到了別的商品上。",
    in_doubt="如有疑問",
    doubt_compare="請對照手中的商品與這裡顯示的名稱、批號和日期。",
    doubt_seller="碼可以被複製。請向信得過的商家購買，並保留收據。",
    doubt_do_not_use="不放心的東西請不要使用。",
    contact="聯絡我們：",
    labels={"product": "產品", "gtin": "GTIN", "serial": "序號", "batch": "批號", "expiry": "有效期至"},
    no_personal_data="我們只統計查詢次數，不保存您或您手機的任何資訊。",
    month="{year}年{number}月",
    causes={
        "check_digit": "有一位數字不對：檢查碼與號碼不符。請重新掃描。",
        "bad_date": "其中的日期不存在。",
        "conflict": "其中有互相矛盾的內容。",
        "too_long": "太長了。",
        "separator_missing": "兩個值之間缺少分隔符號。",
        "unknown_ai": "其中有不該出現的內容。",
    },
    other_cause="它不完整，或有地方寫錯了。請重新掃描。",
)  # fmt: skip

TEXTS: dict[Language, Texts] = {
    Language.ENGLISH: _ENGLISH,
    Language.SIMPLIFIED_CHINESE: _SIMPLIFIED,
    Language.TRADITIONAL_CHINESE: _TRADITIONAL,
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def said(answer: Answer, texts: Texts, checks: HowOften | None = None, since: datetime | None = None) -> Said:
    """An answer in words. A code of ours that was checked very often is not waved through: what matters of it comes first."""
    if checks is HowOften.MANY:
        return Said(texts.ours_often_checked, checks_said(checks, since, texts))
    match answer:
        case Answer(verdict=Verdict.OURS, proof=Proof.SIGNED):
            return texts.ours_signed
        case Answer(verdict=Verdict.OURS):
            return texts.ours_by_number
        case Answer(verdict=Verdict.NOT_FOR_SALE, reason=Reason.RECALLED):
            return texts.recalled
        case Answer(verdict=Verdict.NOT_FOR_SALE, reason=Reason.PAST_ITS_DATE):
            return texts.past_its_date
        case Answer(verdict=Verdict.NOT_FOR_SALE):
            return texts.not_for_sale
        case Answer(verdict=Verdict.PRODUCT):
            return texts.product
        case _:
            return texts.not_confirmed


def checks_said(how_often: HowOften, since: datetime | None, texts: Texts) -> str:
    """How often it was checked before, in words; ``since`` is rounded to its month."""
    if how_often is HowOften.FIRST or since is None:
        return texts.first
    month = texts.month.format(name=_MONTHS[since.month - 1], year=since.year, number=since.month)
    sentence = texts.many if how_often is HowOften.MANY else texts.several
    return sentence.format(since=month)
