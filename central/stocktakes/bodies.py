"""What the routes of stocktakes are sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from central.products.routes import Gtin

Gtins = Annotated[
    list[Gtin] | None,
    Field(default=None, min_length=1, max_length=10_000, description="all of them where not given"),
]


class NewStocktake(BaseModel):
    """A stocktake to be started: of the whole shop, or of these products and departments."""

    model_config = ConfigDict(extra="forbid")

    site: str
    name: str = Field(min_length=1, max_length=100)
    blind: bool = False
    gtins: list[Gtin] = Field(default=[], max_length=10_000)
    departments: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(default=[], max_length=100)
    recount_limit_quantity: Decimal | None = Field(
        default=None,
        ge=0,
        max_digits=18,
        decimal_places=6,
        description="a variance beyond it is counted again",
    )
    recount_limit_minor: int | None = Field(
        default=None, ge=0, le=1 << 53, description="the same by its value at cost"
    )
    stocktake_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]{1,64}$")


class Reasoned(BaseModel):
    """A decision that needs no reason, but may have one."""

    model_config = ConfigDict(extra="forbid")

    reason: str | None = Field(default=None, max_length=500)


class Closing(Reasoned):
    """The end of the counting. With ``recount`` false nothing goes back to the counters by itself."""

    recount: bool = True


class Recount(Reasoned):
    """What is to be counted again: these products, or all beyond the limits."""

    gtins: Gtins = None


class Deciding(BaseModel):
    """A decision on these products, or on all that wait for one."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)
    gtins: Gtins = None


class Booking(Reasoned):
    """What becomes of coded items that nobody scanned: they are reported stolen, or stay on the books."""

    missing_items: Literal["stolen", "keep"] = "stolen"


class Because(BaseModel):
    """A decision that needs a reason."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500)
