"""What becomes of a sale that was made without certainty, once central has heard of it. Pure.

A sale of a coded item *stands open* from the moment it was made provisionally until central's word on the item comes with the ``items``
feed. Then it is confirmed, of which nobody is told, or contested: the item was sold elsewhere too, central has both sales as
one case, and a person at this shop should know which receipt it is about. Sales that were certain can turn out contested as well.
"""

from __future__ import annotations

from enum import StrEnum

from agent.verification.rules import SOLD, LocalItem
from protocol.feeds import ItemHere


class Standing(StrEnum):
    """How a sale of one item stands with central."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    CONTESTED = "contested"


def standing_after(sold: LocalItem, heard: ItemHere, site: str, *, is_acked: bool) -> str | None:
    """How the sale of ``sold`` stands after central's row ``heard``.

    ``is_acked``: central has the sale itself, so that a row without any sale means that it was taken back elsewhere since.
    """
    if sold.state not in SOLD:
        return sold.standing
    if heard.state in SOLD and heard.sold_site is not None:
        if heard.sold_site != site:
            return Standing.CONTESTED
        is_settled = heard.state == "sold" or sold.standing == Standing.CONTESTED
        return Standing.CONFIRMED if is_settled and sold.standing is not None else sold.standing
    if sold.standing == Standing.OPEN and is_acked:
        return Standing.CONFIRMED
    return sold.standing
