"""When a certificate is renewed: at half of its life, so that a counter dark for days still has half a life to return in."""

from __future__ import annotations

from datetime import datetime


def renew_at(not_before: datetime, not_after: datetime) -> datetime:
    """The moment from which a certificate with this validity should be renewed: the middle of its life."""
    return not_before + (not_after - not_before) / 2


def is_renewal_due(not_before: datetime, not_after: datetime, now: datetime) -> bool:
    """Whether the holder should ask for a new certificate now. True as well once it has expired."""
    return now >= renew_at(not_before, not_after)
