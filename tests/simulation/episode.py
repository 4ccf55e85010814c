"""An episode: ops drawn from a seed, lived through, settled; shrunk when it fails."""

from __future__ import annotations

import random
from typing import NamedTuple

from tests.simulation.world import Op, World

# How often each op is drawn. What is not a sale, time or the ordinary carrying of messages is a fault or its end.
WEIGHTS: dict[str, int] = {
    "sell": 300, "carry": 300, "pass_time": 120, "connect": 60,
    "drop": 25, "double": 25, "reorder": 25, "disconnect": 12, "cut": 6, "mend": 14, "wipe_broker": 3,
    "crash": 10, "start": 30, "die_adopting": 3, "fill_disk": 3, "free_disk": 8,
    "flip_bits": 2, "take_image": 3, "restore_image": 2, "clone": 1, "prune": 6,
    "central_dies": 10, "central_stops": 3, "central_starts": 30, "back_up": 2, "restore_central": 1,
}  # fmt: skip
NO_FAULTS = frozenset(
    {"sell", "carry", "pass_time", "connect", "mend", "start", "free_disk", "central_starts"}
)


class Mode(NamedTuple):
    """Which of the two defences is tried: epochs alone, or epochs and the ids of facts.

    Epochs alone hold against any number of faults, as long as no row can be chained a second time while central does not
    know of the first: by a copy of the machine or an older image, where central was restored from a backup, or where a row
    before it was passed over because it was damaged, or gone by retention.
    """

    without: frozenset[str]
    knows_facts: bool


MODES = (
    Mode(frozenset({"clone", "prune", "flip_bits"}), knows_facts=False),
    Mode(frozenset({"restore_central", "flip_bits"}), knows_facts=False),
    Mode(frozenset(), knows_facts=True),
)


class Plan(NamedTuple):
    """An episode before it is lived: how many agents, with which defences, and what happens."""

    agents: int
    knows_facts: bool
    ops: list[Op]


class Lived(NamedTuple):
    """What an episode amounted to."""

    sales: int
    faults: int
    refused: int
    destroyed: int
    epochs: int
    repeated: int


def plan_of(seed: int, steps: int) -> Plan:
    """The episode with this seed."""
    chance = random.Random(seed)
    mode = MODES[seed % len(MODES)]
    # Some episodes are calm and some are wild, so that rare faults meet each other, and also meet nothing else.
    wild = chance.choice((0.3, 1.0, 1.0, 2.5))
    kinds = [kind for kind in WEIGHTS if kind not in mode.without]
    weights = [WEIGHTS[kind] * (1.0 if kind in NO_FAULTS else wild) for kind in kinds]
    drawn = chance.choices(kinds, weights, k=steps)
    ops = [Op(kind, chance.randrange(1 << 16), chance.randrange(1 << 16)) for kind in drawn]
    return Plan(1 + chance.randrange(5), mode.knows_facts, ops)


def live(plan: Plan) -> Lived:
    """Live through the plan and settle; raises an AssertionError when the promise is broken."""
    world = World(plan.agents, knows_facts=plan.knows_facts)
    for op in plan.ops:
        world.happen(op)
    world.settle()
    return Lived(
        sales=len(world.accepted),
        faults=sum(op.kind not in NO_FAULTS for op in plan.ops),
        refused=world.refused,
        destroyed=len(world.destroyed),
        epochs=world.epochs - plan.agents,
        repeated=world.centre.books.repeated,
    )


def failure_of(plan: Plan) -> AssertionError | None:
    """How the plan fails, or None."""
    try:
        live(plan)
    except AssertionError as error:
        return error
    return None


def shrink(plan: Plan) -> Plan:
    """A short part of the plan that still fails (delta debugging: take away ever smaller pieces)."""
    size = len(plan.ops) // 2
    while size >= 1:
        start = 0
        while start < len(plan.ops):
            shorter = plan._replace(ops=plan.ops[:start] + plan.ops[start + size :])
            if failure_of(shorter):
                plan = shorter
            else:
                start += size
        size //= 2
    return plan
