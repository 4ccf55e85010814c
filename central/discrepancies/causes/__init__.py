"""The likely cause of a discrepancy, in one word: rules over its evidence and what stands around it. Pure.

Each class has one rule. It is asked when the case is raised, with nothing known but its own evidence, and again by the clock for those of
:data:`ASSESSED`, with what the books know by then: a cause may show only later (the missing item is sold here after all).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from central.discrepancies.causes import goods, items, machines
from central.discrepancies.causes.likely import Likely
from central.discrepancies.causes.surroundings import NOTHING_KNOWN, Surroundings
from central.discrepancies.rules import EVIDENCE_LIMIT, Discrepancy, DiscrepancyClass, in_order_of_time

__all__ = ["ASSESSED", "NOTHING_KNOWN", "Likely", "Surroundings", "likely_cause", "named"]

Rule = Callable[[Discrepancy, Surroundings], Likely | None]

_AROUND: dict[DiscrepancyClass, Rule] = {
    DiscrepancyClass.SOLD_BELOW_ZERO: goods.below_zero,
    DiscrepancyClass.SHORT_RECEIPT: goods.short,
    DiscrepancyClass.OVER_RECEIPT: goods.over,
    DiscrepancyClass.IN_TRANSIT_TOO_LONG: goods.overdue,
    DiscrepancyClass.ITEM_SOLD_TWICE: items.sold_twice,
    DiscrepancyClass.SOLD_WITHOUT_RECEIPT: items.sold_without_receipt,
    DiscrepancyClass.ITEM_OUTSIDE_TERRITORY: items.outside_territory,
    DiscrepancyClass.IMPOSSIBLE_TRAVEL: items.travelled,
    DiscrepancyClass.UNKNOWN_ITEM: items.unknown,
}
_ALONE: dict[DiscrepancyClass, Rule] = {
    DiscrepancyClass.UNKNOWN_PRODUCT: machines.unknown_product,
    DiscrepancyClass.ITEM_NOT_FOR_SALE: items.not_for_sale,
    DiscrepancyClass.ITEM_CODE_COPIED: items.copied,
    DiscrepancyClass.UNKNOWN_CODES_BURST: items.burst,
    DiscrepancyClass.REPEATED_CHECKS: items.checked,
    DiscrepancyClass.CODES_AGAINST_QUANTITY: items.miscounted,
    DiscrepancyClass.AGENT_SILENT: machines.silent,
    **dict.fromkeys(machines.MACHINES, machines.of_machine),
}
ASSESSED = frozenset(_AROUND)
"""Classes whose likely cause is looked for in what stands around the case. Of the others, their evidence says all."""
RULES = _AROUND | _ALONE
"""Every class whose cause is found here; who raises one of the others names its cause himself."""


def likely_cause(case: Discrepancy, around: Surroundings = NOTHING_KNOWN) -> Likely | None:
    """What the rule of its class says of a case; None where the case says it itself."""
    rule = RULES.get(case.discrepancy_class)
    return None if rule is None else rule(case, around)


def named(case: Discrepancy, around: Surroundings = NOTHING_KNOWN) -> Discrepancy:
    """The case with its likely cause, its words, and the settlement that follows from it."""
    found = likely_cause(case, around)
    if found is None:
        return case
    evidence = (*case.evidence, *found.because)
    return msgspec.structs.replace(
        case,
        cause=found.cause,
        probability=found.probability,
        likely_cause=found.words or case.likely_cause,
        proposal=found.proposal or case.proposal,
        settlement=found.settlement.kept() if found.settlement else None,
        evidence=tuple(in_order_of_time(evidence)[:EVIDENCE_LIMIT]) if found.because else case.evidence,
    )
