"""One small world: machines, a network that misbehaves, a central, and the clock.

Everything that happens is an :class:`Op` with plain numbers in it; a number that points at something points modulo what
there is, so that any part of a list of ops is a list of ops too. That is what makes a failing run shrink.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from protocol.codec import decode, encode
from protocol.delivery.vocabulary import Pace
from protocol.messages import Cursor, UpMessage
from tests.simulation.centre import POISON, Answer, Centre, Crash
from tests.simulation.disk import STAND_IN, Disk
from tests.simulation.machine import DiskFull, Machine

PACE = Pace(answer_timeout_us=1_000, answer_timeout_limit_us=8_000, hello_interval_us=200_000, marks=5)
QUEUE_LIMIT = 60  # what the broker holds for one receiver; the rest it drops, as brokers do
SETTLE_ROUNDS = 4_000
OPS_BETWEEN_CHECKS = 25


class Op(NamedTuple):
    """Something that happens, and two numbers that say where and how much."""

    kind: str
    a: int = 0
    b: int = 0


class Stuck(AssertionError):
    """All links are up and all machines on, and still the world does not come to rest."""


class Wrong(AssertionError):
    """The books do not balance."""


class World:
    """The state of an episode. ``happen`` does one op; ``settle`` ends the trouble and compares the books."""

    def __init__(self, agents: int, *, knows_facts: bool) -> None:
        self.now_us = 0
        self.epochs = 0
        self.sold = 0
        self.refused = 0
        self.centre = Centre(self._new_epoch, knows_facts=knows_facts)
        self.machines: list[Machine] = []
        self.images: list[tuple[str, Disk]] = []
        self.up: dict[str, deque[UpMessage]] = {}
        self.down: dict[str, deque[Answer]] = {}
        self.backup = self.centre.books.backup()
        self.accepted: set[bytes] = set()
        self.destroyed: set[bytes] = set()
        self.cut: set[str] = set()
        self.central_on = True
        self.central_dies = Crash.NEVER
        self.coded = 0
        self.ops = 0
        for number in range(agents):
            name, epoch = f"agent-{number}", self._new_epoch()
            self.centre.enrol(name, epoch)
            self.machines.append(Machine(f"machine-{number}", Disk(name, epoch), PACE))
            self.up[name], self.down[name] = deque(), deque()
        self.backup = self.centre.books.backup()

    def happen(self, op: Op) -> None:
        """Do one op. That nothing takes effect twice is checked with every row; that nothing is lost, every so many ops."""
        getattr(self, f"_op_{op.kind}")(op.a, op.b)
        self.ops += 1
        if self.ops % OPS_BETWEEN_CHECKS == 0:
            self.check_nothing_is_lost()

    def check_nothing_is_lost(self) -> None:
        """Every accepted sale is at central, or in a journal, or every copy of it was destroyed."""
        books = self.centre.books
        missing = self.accepted - books.applied.keys() - books.quarantined.keys() - self.destroyed
        for machine in self.machines:
            missing -= machine.disk.sales()
        missing -= {body.removeprefix(STAND_IN) for body in books.quarantined}
        if missing:
            raise Wrong(f"{len(missing)} sales are nowhere: {sorted(missing)[:5]}")

    # Sales --------------------------------------------------------------------------------------------------------

    def _op_sell(self, a: int, b: int) -> None:
        machine = self._machine(a)
        bodies = []
        for _ in range(b % 12 + 1):
            self.sold += 1
            mark = POISON if self.sold % 97 == 0 else b"s"
            bodies.append(mark + b"%d" % self.sold)
        if not machine.on:
            self.sold -= len(bodies)  # nobody can sell at a dark till
            return
        try:
            machine.sell(bodies, self.now_us)
        except DiskFull:
            self.refused += len(bodies)
            return
        self.accepted.update(bodies)
        self._collect(machine)

    # The network --------------------------------------------------------------------------------------------------

    def _op_pass_time(self, a: int, b: int) -> None:
        self.now_us += 1 + (a * 97 + b) % 3_000
        for machine in self.machines:
            machine.tick(self.now_us)
            self._collect(machine)

    def _op_carry(self, a: int, b: int) -> None:
        """The ordinary course of things: everything in both directions arrives, in order."""
        names = sorted(self.up)
        self._carry_up([names[(a + i) % len(names)] for i in range(1 + b % len(names))], len(names) * 3)
        for name in names:
            self._carry_down(name)

    def _op_connect(self, a: int, b: int) -> None:
        machine = self._machine(a)
        if machine.on and not machine.online and machine.agent not in self.cut:
            for other in self.machines:  # the broker takes the session over: one client of a name at a time
                if other.agent == machine.agent and other is not machine:
                    other.disconnect(self.now_us)
            machine.connect(self.now_us)
            self._collect(machine)

    def _op_disconnect(self, a: int, b: int) -> None:
        self._machine(a).disconnect(self.now_us)

    def _op_cut(self, a: int, b: int) -> None:
        """A partition that nobody is told of: messages vanish, the connection seems to stand."""
        self.cut.add(self._machine(a).agent)

    def _op_mend(self, a: int, b: int) -> None:
        self.cut.discard(self._machine(a).agent)

    def _op_drop(self, a: int, b: int) -> None:
        queue = self._queue(a)
        if queue:
            del queue[b % len(queue)]

    def _op_double(self, a: int, b: int) -> None:
        name = self._machine(a // 2).agent
        for queue in (self.up[name], self.down[name]):
            if queue:
                queue.append(queue[b % len(queue)])  # type: ignore[arg-type]

    def _op_reorder(self, a: int, b: int) -> None:
        self._queue(a).rotate(1 + b % 5)

    def _op_wipe_broker(self, a: int, b: int) -> None:
        """The broker is killed and comes back empty."""
        for name in self.up:
            self.up[name].clear()
            self.down[name].clear()
        for machine in self.machines:
            machine.disconnect(self.now_us)

    # Machines -----------------------------------------------------------------------------------------------------

    def _op_crash(self, a: int, b: int) -> None:
        self._machine(a).crash()

    def _op_start(self, a: int, b: int) -> None:
        machine = self._machine(a)
        if not machine.on:
            machine.start()

    def _op_die_adopting(self, a: int, b: int) -> None:
        self._machine(a).dies_adopting = "before" if b % 2 else "after"

    def _op_fill_disk(self, a: int, b: int) -> None:
        self._machine(a).disk.full = True

    def _op_free_disk(self, a: int, b: int) -> None:
        self._machine(a).disk.full = False

    def _op_flip_bits(self, a: int, b: int) -> None:
        """Bits of a row flip on the disk; the hash that was stored with it tells."""
        disk = self._machine(a).disk
        bodies = disk.logs[-1].bodies
        if bodies:
            disk.damaged.add(bodies[-1 - b % min(len(bodies), 30)])

    def _op_take_image(self, a: int, b: int) -> None:
        machine = self._machine(a)
        self.images = [*self.images[-3:], (machine.name, machine.disk.image())]

    def _op_restore_image(self, a: int, b: int) -> None:
        """The machine's disk is replaced by an older image of it; what was only on that disk is gone."""
        if not self.images:
            return
        name, image = self.images[a % len(self.images)]
        machine = next(machine for machine in self.machines if machine.name == name)
        gone = machine.disk.sales()
        machine.crash()
        machine.disk = image.image()
        machine.acked.clear()
        self._note_destroyed(gone)

    def _op_clone(self, a: int, b: int) -> None:
        """The card is copied into a second machine, which then trades under the same name."""
        machine = self._machine(a)
        if len(self.machines) < 12:
            self.machines.append(Machine(f"machine-{len(self.machines)}", machine.disk.image(), PACE))

    def _op_prune(self, a: int, b: int) -> None:
        """Retention takes acknowledged rows. If central was restored from a backup older than that, they are gone for good."""
        machine = self._machine(a)
        if sum(other.agent == machine.agent for other in self.machines) == 1:
            kept = machine.disk.sales()
            for epoch, seq in machine.acked.items():
                machine.disk.prune(epoch, seq)
            self._note_destroyed(kept)

    # Central ------------------------------------------------------------------------------------------------------

    def _op_central_dies(self, a: int, b: int) -> None:
        self.central_dies = Crash.BEFORE_COMMIT if b % 2 else Crash.AFTER_COMMIT

    def _op_central_stops(self, a: int, b: int) -> None:
        self.central_on = False

    def _op_central_starts(self, a: int, b: int) -> None:
        self.central_on = True

    def _op_back_up(self, a: int, b: int) -> None:
        self.backup = self.centre.books.backup()

    def _op_restore_central(self, a: int, b: int) -> None:
        gone = set(self.centre.books.applied) | {
            body.removeprefix(STAND_IN) for body in self.centre.books.quarantined
        }
        self.centre.books = self.backup.backup()
        self._note_destroyed(gone)

    # The end ------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Every link up, every machine on, one at a time where two share a name; then the books must balance."""
        self.cut.clear()
        self.central_on, self.central_dies = True, Crash.NEVER
        for machine in self.machines:
            machine.disk.full = False
            machine.dies_adopting = None
            if not machine.on:
                machine.start()
        for _ in range(3):  # two machines of one name can send each other to a new epoch
            for number, machine in enumerate(self.machines):
                self._run_dry(number, machine)
        self.compare_books()

    def compare_books(self) -> None:
        """Every accepted sale has exactly one effect, but for those whose every copy was destroyed."""
        books = self.centre.books
        if books.applied.keys() & books.quarantined.keys():
            raise Wrong("a sale is applied and quarantined")
        effects = {body.removeprefix(STAND_IN) for body in (*books.applied, *books.quarantined)}
        missing = self.accepted - effects
        on_disk = set().union(*(machine.disk.sales() for machine in self.machines))
        if lost := missing & on_disk:
            raise Wrong(f"{len(lost)} sales are in a journal and not at central: {sorted(lost)[:5]}")
        if lost := missing - self.destroyed:
            raise Wrong(f"{len(lost)} sales are nowhere, and no disk was destroyed: {sorted(lost)[:5]}")
        if invented := effects - self.accepted:
            raise Wrong(f"{len(invented)} sales at central that nobody accepted: {sorted(invented)[:5]}")
        for machine in self.machines:
            self._compare_cursor(machine)

    def _compare_cursor(self, machine: Machine) -> None:
        lineage = machine.disk.lineage()
        for known in lineage[:-1]:
            cursor = self.centre.books.cursors.get((machine.agent, known.epoch))
            if cursor is None or cursor.next_seq < known.next_seq:
                raise Wrong(f"{machine.name}: central stands at {cursor}, the journal at {known}")
        live = lineage[-1]
        cursor = self.centre.books.cursors.get((machine.agent, live.epoch))
        if cursor != Cursor(live.epoch, live.next_seq, live.head_hash):
            raise Wrong(f"{machine.name}: central's cursor {cursor} is not the journal's head {live}")

    # Inside -------------------------------------------------------------------------------------------------------

    def _run_dry(self, number: int, machine: Machine) -> None:
        # One that is connected goes on as it is: what was lost on its way, it must send again by itself.
        self._op_connect(number, 0)
        greeted = False
        for _ in range(SETTLE_ROUNDS):
            self._carry_up([machine.agent], QUEUE_LIMIT)
            self._carry_down(machine.agent)
            if self.up[machine.agent]:
                continue
            if machine.quiet and greeted:
                return
            # Nothing is on its way: only time helps. A resting sender greets again, and so notices a restored central.
            greeted = machine.quiet
            self.now_us = max(self.now_us, machine.state.wake_us or 0)
            machine.tick(self.now_us)
            self._collect(machine)
        raise Stuck(f"{machine.name} in {machine.state} after {SETTLE_ROUNDS} rounds")

    def _carry_up(self, names: list[str], limit: int) -> None:
        group: list[tuple[str, UpMessage]] = []
        for name in names:
            queue = self.up[name]
            while queue and len(group) < limit:
                message = queue.popleft()
                if name not in self.cut and self.central_on:
                    group.append((name, message))
        if not group:
            return
        crash, self.central_dies = self.central_dies, Crash.NEVER
        for name, answer in self.centre.work(group, crash):
            if len(self.down[name]) < QUEUE_LIMIT:
                self.down[name].append(answer)
        if crash is not Crash.NEVER:
            self.central_on = False

    def _carry_down(self, name: str) -> None:
        queue = self.down[name]
        while queue:
            message = queue.popleft()
            if name in self.cut:
                continue
            machine = next((m for m in self.machines if m.agent == name and m.online), None)
            if machine is not None:
                machine.tell(message, self.now_us)
                self._collect(machine)

    def _collect(self, machine: Machine) -> None:
        """Hand what the machine sends to the broker. One message in fifty goes through the codec, as a check on it."""
        if machine.outbox:
            queue = self.up[machine.agent]
            for message in machine.outbox:
                self.coded += 1
                if self.coded % 50 == 0:
                    topic = f"countermark/1/up/{machine.agent}"
                    message = decode(encode(message, topic)).message  # type: ignore[assignment]  # noqa: PLW2901
                if machine.online and len(queue) < QUEUE_LIMIT:
                    queue.append(message)
            machine.outbox.clear()

    def _note_destroyed(self, gone: set[bytes]) -> None:
        books = self.centre.books
        left = set().union(*(machine.disk.sales() for machine in self.machines))
        there = left | books.applied.keys() | {body.removeprefix(STAND_IN) for body in books.quarantined}
        self.destroyed |= gone - there

    def _machine(self, a: int) -> Machine:
        return self.machines[a % len(self.machines)]

    def _queue(self, a: int) -> deque[UpMessage] | deque[Answer]:
        name = self._machine(a // 2).agent
        return self.up[name] if a % 2 else self.down[name]

    def _new_epoch(self) -> str:
        self.epochs += 1
        return f"00000000-0000-4000-8000-{self.epochs:012d}"
