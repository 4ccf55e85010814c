"""``/v1/invoices``: what sites were charged. The fields carry the names of UBL 2.1 (Invoice, CreditNote)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from central.actors import By
from central.api.callers import Brand, Caller, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.database import Connection
from central.invoices import matching, storage
from central.invoices.documents import CREDIT_NOTE, Invoice, InvoiceState, Kept, Line
from central.invoices.storage import Differs, UnknownSite
from central.prices.rules import PRICE_LIMIT_MINOR
from central.products.routes import Gtin, must_be_known

router = APIRouter(prefix="/v1", tags=["invoices"])

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class InvoiceLine(BaseModel):
    """A line: so many of a product, at a price for one."""

    model_config = ConfigDict(extra="forbid")

    id: int = Field(ge=1, le=100_000)
    standard_item_identification: Gtin
    invoiced_quantity: Decimal = Field(gt=0, max_digits=18, decimal_places=6)
    price_amount_minor: Decimal = Field(
        ge=0, lt=PRICE_LIMIT_MINOR, decimal_places=4, description="of one unit"
    )
    order_line_reference: int | None = Field(default=None, ge=1, le=32767)


class NewInvoice(BaseModel):
    """An invoice, or a credit note that names in `billing_reference` the invoice it takes back from."""

    model_config = ConfigDict(extra="forbid")

    id: Id = Field(description="the supplier's own number; where it has other signs, put '-' in their place")
    accounting_customer_party: str = Field(max_length=100, description="the site that was charged")
    accounting_supplier_party: str | None = Field(
        default=None, max_length=100, description="the site that charged"
    )
    invoice_type_code: Literal["380", "381"] = "380"
    issue_date: AwareDatetime
    document_currency_code: str = Field(pattern="^[A-Z]{3}$")
    order_reference: Annotated[str | None, Field(max_length=200)] = None
    despatch_document_reference: Annotated[str | None, Field(max_length=200)] = None
    billing_reference: Id | None = None
    invoice_line: list[InvoiceLine] = Field(min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _sound(self) -> NewInvoice:
        if (self.invoice_type_code == CREDIT_NOTE) != (self.billing_reference is not None):
            raise ValueError("billing_reference: expected for a credit note (381), and only there")
        if len({line.id for line in self.invoice_line}) != len(self.invoice_line):
            raise ValueError("invoice_line: expected lines of different ids")
        return self

    def document(self) -> Invoice:
        """As it is kept."""
        return Invoice(
            site=self.accounting_customer_party,
            invoice_id=self.id,
            from_site=self.accounting_supplier_party,
            type_code=self.invoice_type_code,
            issued_at=self.issue_date,
            currency=self.document_currency_code,
            order_id=self.order_reference,
            despatch_id=self.despatch_document_reference,
            billing_reference=self.billing_reference,
            lines=tuple(
                Line(
                    line=line.id,
                    gtin=line.standard_item_identification,
                    quantity=line.invoiced_quantity,
                    price_minor=line.price_amount_minor,
                    order_line=line.order_line_reference,
                )
                for line in self.invoice_line
            ),
        )


class ShownInvoice(BaseModel):
    """A document as it stands. `disputed`: it differs from what was ordered or received, and each difference is a discrepancy."""

    id: str
    accounting_customer_party: str
    accounting_supplier_party: str | None
    invoice_type_code: str
    issue_date: datetime
    document_currency_code: str
    order_reference: str | None
    despatch_document_reference: str | None
    billing_reference: str | None
    payable_amount_minor: Decimal
    state: InvoiceState
    recorded_at: datetime
    actor: str
    invoice_line: list[InvoiceLine]


class Recorded(ShownInvoice):
    """A document that was sent."""

    recorded: bool = Field(description="false: exactly this one was here before, and nothing was changed")


class Because(BaseModel):
    """A decision with its reason."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)


@router.get("/invoices")
def list_invoices(
    *,
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    state: InvoiceState | None = None,
    order: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[ShownInvoice]:
    """Invoices and credit notes of your sites, the newest first."""
    place = decode(cursor, tuple[datetime, str, str])
    with reading(central, caller) as connection:
        rows = storage.page(connection, site=site, state=state, order_id=order, after=place, limit=limit + 1)
    return page(
        rows,
        limit,
        lambda kept: ShownInvoice(**_shown(kept)),
        lambda kept: (kept.invoice.issued_at, kept.invoice.site, kept.invoice.invoice_id),
    )


@router.get("/invoices/{site}/{invoice_id}")
def get_invoice(
    central: Annotated[Central, Depends(central_of)], caller: Reader, site: str, invoice_id: str
) -> ShownInvoice:
    """One invoice or credit note."""
    with reading(central, caller) as connection:
        kept = storage.find(connection, site, invoice_id)
    if kept is None:
        raise not_found("invoice", f"{site}/{invoice_id}")
    return ShownInvoice(**_shown(kept))


@router.post("/invoices", status_code=201, response_model=Recorded)
def post_invoice(caller: Brand, write: Annotated[Once, Depends(once)], body: NewInvoice) -> Response:
    """Enter an invoice or a credit note. It is matched at once with what was ordered and received; the same again changes nothing, another
    one under its number is refused."""
    by = By(actor=caller.actor, at=write.central.now())
    invoice = body.document()

    def work(connection: Connection) -> Recorded:
        must_be_known(connection, [line.gtin for line in invoice.lines])
        done = storage.add(connection, invoice, by)
        match done:
            case UnknownSite():
                raise not_found("site", invoice.site)
            case Differs(recorded_at=at):
                raise Problem(
                    409,
                    f"invoice {invoice.invoice_id!r} of site {invoice.site!r} was entered at {at.isoformat()} with another content; "
                    f"a correction is a credit note and a new invoice",
                )
        if done.is_new:
            matching.match_invoice(connection, invoice, by.at, write.central.case_limits)
        kept = storage.find(connection, invoice.site, invoice.invoice_id)
        assert kept is not None
        return Recorded(**_shown(kept), recorded=done.is_new)

    return write.run(caller, work, status=201)


@router.post("/invoices/{site}/{invoice_id}/pay", response_model=ShownInvoice)
def pay(
    caller: Brand, write: Annotated[Once, Depends(once)], site: str, invoice_id: str, body: Because
) -> Response:
    """Say that it is paid. What differs stays a discrepancy until it is settled."""
    return _end(write, caller, (site, invoice_id), InvoiceState.PAID, body)


@router.post("/invoices/{site}/{invoice_id}/cancel", response_model=ShownInvoice)
def cancel(
    caller: Brand, write: Annotated[Once, Depends(once)], site: str, invoice_id: str, body: Because
) -> Response:
    """Take it out: it charges nothing any more, and what it contradicted is closed."""
    return _end(write, caller, (site, invoice_id), InvoiceState.CANCELLED, body)


def _end(write: Once, caller: Caller, named: tuple[str, str], state: InvoiceState, body: Because) -> Response:
    now = write.central.now()

    def work(connection: Connection) -> ShownInvoice:
        kept = storage.find(connection, *named)
        if kept is None:
            raise not_found("invoice", f"{named[0]}/{named[1]}")
        storage.lock_reference(
            connection,
            kept.invoice.site,
            kept.invoice.order_id,
            kept.invoice.despatch_id,
            kept.invoice.invoice_id,
        )
        kept = storage.find(connection, *named)
        assert kept is not None
        if kept.state is InvoiceState.CANCELLED:
            raise Problem(409, "this invoice is cancelled", state=kept.state)
        by = By(actor=caller.actor, at=now, reason=body.reason)
        storage.end(connection, kept.invoice, state, by)
        matching.match_invoice(connection, kept.invoice, now, write.central.case_limits)
        after = storage.find(connection, *named)
        assert after is not None
        return ShownInvoice(**_shown(after))

    return write.run(caller, work)


def _shown(kept: Kept) -> dict[str, Any]:
    invoice = kept.invoice
    return {
        "id": invoice.invoice_id,
        "accounting_customer_party": invoice.site,
        "accounting_supplier_party": invoice.from_site,
        "invoice_type_code": invoice.type_code,
        "issue_date": invoice.issued_at,
        "document_currency_code": invoice.currency,
        "order_reference": invoice.order_id,
        "despatch_document_reference": invoice.despatch_id,
        "billing_reference": invoice.billing_reference,
        "payable_amount_minor": sum((line.quantity * line.price_minor for line in invoice.lines), Decimal(0)),
        "state": kept.state,
        "recorded_at": kept.recorded_at,
        "actor": kept.actor,
        "invoice_line": [
            {
                "id": line.line,
                "standard_item_identification": line.gtin,
                "invoiced_quantity": line.quantity,
                "price_amount_minor": line.price_minor,
                "order_line_reference": line.order_line,
            }
            for line in invoice.lines
        ],
    }
