"""Likely causes of what is wrong with machines, clocks and the catalogue. Pure."""

from __future__ import annotations

from central.discrepancies.causes.likely import Likely, first
from central.discrepancies.causes.surroundings import Surroundings
from central.discrepancies.rules import Discrepancy, DiscrepancyClass

_ONE_CAUSE = {
    DiscrepancyClass.FORK: ("restored_image", 0.8),
    DiscrepancyClass.REWIND: ("restored_image", 0.95),
    DiscrepancyClass.PRUNED: ("old_backup", 0.95),
    DiscrepancyClass.CENTRAL_RESTORED: ("old_backup", 0.95),
    DiscrepancyClass.DAMAGED: ("failing_disk", 0.9),
    DiscrepancyClass.CLONE: ("cloned_machine", 0.9),
    DiscrepancyClass.QUARANTINED: ("newer_agent", 0.6),
    DiscrepancyClass.HELD: ("newer_agent", 0.6),
    DiscrepancyClass.CLOCK_STEP: ("wrong_clock", 0.9),
    DiscrepancyClass.BALANCE_DRIFT: ("software_fault", 0.9),
}


def of_machine(case: Discrepancy, _: Surroundings) -> Likely | None:
    """What has one cause by its class."""
    if case.cause is not None:
        return None
    return Likely(*_ONE_CAUSE[case.discrepancy_class])


MACHINES = frozenset(_ONE_CAUSE)


def unknown_product(case: Discrepancy, _: Surroundings) -> Likely:
    """A product that is not in the catalogue: its number is wrong in itself, or nobody has entered it."""
    if case.gtin is not None and not has_check_digit(case.gtin):
        return Likely(
            "mistyped",
            0.9,
            "its last digit is no check digit of the others: the code was mistyped, or is a private number",
            "find out what was sold; add the number to the catalogue if it is one of your own",
        )
    return Likely("not_in_catalogue", 0.8)


def silent(case: Discrepancy, _: Surroundings) -> Likely | None:
    """A machine that has not been heard of."""
    if case.cause is not None:
        return None
    return Likely("site_offline" if first(case, "others_silent") else "late_till", 0.8)


def has_check_digit(gtin: str) -> bool:
    """Whether the last of 14 digits is the check digit of the others (GS1 General Specifications, 7.9.1)."""
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(gtin[:-1]), 1))
    return (10 - weighted % 10) % 10 == int(gtin[-1])
