"""Which worker gets which unit, and when: a scheduler for pytest-xdist's controller.

xdist calls it in this order: `add_node` when a worker is up, `add_node_collection` when it has
collected, `schedule` once all have; then `mark_test_complete` after each test, `remove_node` when a
worker has ended or died. For a worker that replaces a dead one the first three come again.

A worker starts a test only when it holds the next one too, or was told to shut down:

    holds              gets                       because
    nothing            a unit, one to wait        the unit could not end (or start) without a next test
    the last test      a unit, one to wait        the held one starts at once, the unit follows
    the last test      a unit                     near the end: the held one starts, and the one to wait is put off
    that unit          one to wait                it could not start without
    the last test      a shutdown                 nothing is left to give
    two tests or more  nothing                    what is given early is lost to the others

Where nothing but short tests is left, several go in one message: a worker had ended one before the next one came.

The one to wait is a single test. Short ones are what levels the workers' ends out, so they are not spent on waiting
while long ones will do: it is the longest by which the worker has ended long before the others can have run what is
left, and the shortest of all when there is no such one, but not before the worker needs it: until then another may run
it. In simulations of 60 heavy-tailed suites of 120 tests with durations known to 20 % the time lost to the bound is
0.2 % on 4 workers and 0.7 % on 8. With 10 equal tests on 4 workers it fell from 31 to 0 % when this was put off.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from sdcm.scheduling.protocol import Durations, Log, Ready, ReportMismatch, Worker
from sdcm.scheduling.seat import Seat
from sdcm.scheduling.unit_queue import UnitQueue
from sdcm.scheduling.units import NODES, Unit, describe, units
from sdcm.services.selected import SelectedTest

#: What a worker is given at once may take this part of the time that all need for what is left, if durations are right.
_COMMITTED = 2 / 3


class UnitScheduler:
    """Gives out units, those with ready services first; what a dead worker had not run goes back.

    A test is given to one worker only. The one exception is asked for from outside, through
    `mark_test_pending`.
    """

    def __init__(
        self,
        workers: int,
        *,
        selected: Callable[[], Iterable[SelectedTest]],
        ready: Ready,
        report: ReportMismatch,
        durations: Durations | None = None,
        nodes_at_once: int = 0,
        log: Log | None = None,
    ) -> None:
        """Make a scheduler for one session.

        Args:
            workers: How many workers xdist starts.
            selected: Gives what is known of the tests; asked once, when all workers have collected.
            ready: Whether a service is up, by label.
            report: Told of each worker whose collection differs.
            durations: Seconds by node id, see `units`.
            nodes_at_once: How many tests with nodes are to run at once, see `units`.
            log: Notes for debugging.
        """
        self._selected = selected
        self._ready = ready
        self._report = report
        self._durations = durations
        self._nodes_at_once = nodes_at_once
        self._log: Log = log or (lambda *_: None)
        self._expected = workers
        self._starting = workers  # workers that are yet to say that they are up
        self._seats: dict[Worker, Seat] = {}
        self._collections: dict[Worker, tuple[str, ...]] = {}  # until the first `schedule`
        self._collection: tuple[str, ...] | None = None
        self._collected_by = ""
        self._unit_of: dict[int, Unit] = {}
        self._queue = UnitQueue((), ready)
        self._limited = False
        self._may_top_up = True
        self._complete = False

    @property
    def nodes(self) -> list[Worker]:
        """The workers that are up, those shutting down included."""
        return list(self._seats)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every worker that was to take part from the start has collected."""
        return self._complete or len(self._collections) >= self._expected

    @property
    def tests_finished(self) -> bool:
        """Whether nothing is left but tests that start when their workers are told to shut down."""
        return (
            self.collection_is_completed
            and not self._queue
            and all(len(seat.pending) < 2 for seat in self._seats.values())
        )

    @property
    def has_pending(self) -> bool:
        """Whether there are tests that have not ended."""
        return bool(self._queue) or any(seat.pending for seat in self._seats.values())

    def holder(self, nodeid: str) -> str:
        """Return the name of the worker whose next, or running, test this is; empty when it is nobody's."""
        collection = self._collection or ()
        running = (seat for seat in self._seats.values() if seat.pending and collection[seat.pending[0]] == nodeid)
        return next((seat.name for seat in running), "")

    def add_node(self, node: Worker) -> None:
        """Take in a worker that is up; it gets tests when it has collected."""
        self._seats[node] = Seat(node)
        self._starting -= 1

    def add_node_collection(self, node: Worker, collection: Sequence[str]) -> None:
        """Take in what a worker has collected; one that replaces another is compared at once."""
        collected = tuple(collection)
        if self._collection is None:
            self._collections[node] = collected
        elif not self._compare(self._seats[node], collected):
            # Without a shutdown it would wait for tests that it can never get.
            node.shutdown()

    def schedule(self) -> None:
        """Give out tests: for the first time when all workers have collected, later to replaced workers."""
        if not self._complete:
            self._complete = True
            self._start()
        self._feed()

    def mark_test_complete(self, node: Worker, item_index: int, duration: float = 0) -> None:
        """Note that a worker has run a test, and give it more when it runs out of them."""
        self._seats[node].done([item_index])
        self._feed()

    def mark_test_pending(self, item: str) -> None:
        """Give a test out once more (called by plugins that try the test of a crash again)."""
        if self._collection is None:
            return
        place = self._collection.index(item)
        self._queue.put(self._unit_of[place].only([place]))
        self._feed()

    def remove_pending_tests_from_node(self, node: Worker, indices: Sequence[int]) -> None:
        """Put back tests that a worker gave up unrun."""
        self._put_back(self._seats[node].done(indices))
        self._feed()

    def remove_node(self, node: Worker) -> str | None:
        """Forget a worker that has ended; the tests it had not started go back.

        Returns:
            Node id of the test that ran when it died; that one does not go back.

        Raises:
            KeyError: The worker never was up.
        """
        seat = self._seats.pop(node)
        self._collections.pop(node, None)
        # xdist sets this on workers that have ended by themselves; all others it replaces.
        if getattr(node, "workeroutput", None) is None:
            self._starting += 1
        elif not self._complete:
            self._expected -= 1
        killer = seat.pending.pop(0) if seat.pending else None
        self._put_back(seat.pending)
        if not self._complete and self._seats and self.collection_is_completed:
            self.schedule()
        self._feed()
        self._give_up_if_alone()
        return self._collection[killer] if killer is not None and self._collection else None

    def _start(self) -> None:
        """Compare the collections; on a difference nothing is run, as everywhere in xdist."""
        first = next(iter(self._collections))
        self._collection, self._collected_by = self._collections[first], first.gateway.id
        same = [self._compare(self._seats[node], collected) for node, collected in self._collections.items()]
        self._collections.clear()
        if not all(same):
            return
        found = units(describe(self._collection, self._selected()), self._durations, self._nodes_at_once)
        self._unit_of = {place: unit for unit in found for place in unit.tests}
        limits = {name for unit in found for name, _ in unit.limits}
        self._limited, self._may_top_up = bool(limits), limits <= {NODES}
        self._queue = UnitQueue(found, self._ready)
        self._log(f"{len(self._collection)} tests in {len(found)} units")

    def _compare(self, seat: Seat, collected: tuple[str, ...]) -> bool:
        """Return whether a worker collected our tests; report it when it did not."""
        ours = self._collection or ()
        if seat.compare(collected, ours):
            return True
        from xdist.report import report_collection_diff

        difference = report_collection_diff(ours, collected, self._collected_by, seat.name)
        self._log(difference)
        self._report(seat.name, difference)
        return False

    def _feed(self) -> None:
        """Give every worker that runs out of tests a unit and one to wait, or let it end."""
        hungry = [seat for seat in self._seats.values() if seat.is_hungry]
        if not hungry or not self._complete:
            return
        self._queue.refresh()
        meals: list[tuple[Seat, list[Unit]]] = []
        # One for each before a second for any: with few units left, each worker gets one.
        for seat in hungry:
            used_up = self._used_up(seat, meals)
            after = self._unit_of[seat.pending[-1]].only(seat.pending[-1:]) if seat.put_off and seat.pending else None
            unit = self._look_ahead(after, used_up, now=True) if after else self._queue.take_longest(used_up)
            meals.append((seat, [unit] if unit else []))
        alone = len(self._seats) == 1
        for seat, meal in sorted(meals, key=lambda meal: sum(unit.seconds for unit in meal[1])):
            put_off, seat.put_off = seat.put_off, False
            if not meal or (put_off and seat.pending):
                continue
            if look_ahead := self._look_ahead(meal[0], self._used_up(seat, meals), now=not seat.pending or alone):
                meal.append(look_ahead)
            else:
                seat.put_off = len(meal[0].tests) == 1
        for seat, meal in meals:
            self._top_up(meal)
            self._send(seat, meal)
        if not self._queue:
            for seat in hungry:
                if seat.is_hungry:
                    seat.node.shutdown()

    def _used_up(self, seat: Seat, meals: Sequence[tuple[Seat, Sequence[Unit]]]) -> frozenset[str]:
        """Return the limits under which as many other workers hold tests, or are about to, as may run at once."""
        if not self._limited:
            return frozenset()
        held = {other: {self._unit_of[place] for place in other.pending} for other in self._seats.values()}
        for other, units_ in meals:
            held.setdefault(other, set()).update(units_)
        held.pop(seat, None)
        holders = Counter(
            limit for mine in held.values() for limit in {limit for unit in mine for limit in unit.limits}
        )
        return frozenset(name for (name, limit), count in holders.items() if count >= limit)

    def _look_ahead(self, unit: Unit, used_up: frozenset[str], *, now: bool) -> Unit | None:
        """Take the unit to send along, so that the last test of `unit` starts.

        A unit of several tests can wait with its last one for the unit after it. To that a test sent
        along is preferred only if it is shorter than that last one, which the next unit waits for.

        Args:
            unit: What is sent, or what the worker holds.
            used_up: Names of the limits under which no further test may run now.
            now: The worker has nothing else to run, so that one that is not long out of the way will do, too.
        """
        if len(unit.tests) == 1:
            spare = _COMMITTED * self._queue.seconds / self._at_work() - unit.seconds
            fitting = self._queue.take_longest_within(spare, used_up)
            return self._queue.take_shortest(used_up) if fitting is None and now else fitting
        return self._queue.take_shortest(used_up, single_below=unit.costs[-1])

    def _top_up(self, meal: list[Unit]) -> None:
        """Add tests so short that to ask for each would take longer."""
        if self._may_top_up:
            self._queue.top_up(meal, _COMMITTED / self._at_work())

    def _at_work(self) -> int:
        """Return how many workers share what is left, 1 at least."""
        return max(1, sum(seat.may_take_work for seat in self._seats.values()))

    def _send(self, seat: Seat, meal: Sequence[Unit]) -> None:
        if not meal:
            return
        try:
            seat.send([place for unit in meal for place in unit.tests])
        except OSError as exc:
            # It has died and xdist is about to say so; then the others are fed again.
            self._log(f"{seat.name} cannot be reached: {exc}")
            for unit in meal:
                self._queue.put(unit)
        else:
            self._log(f"{seat.name} gets {', '.join(unit.name for unit in meal)}")

    def _put_back(self, places: Iterable[int]) -> None:
        """Put tests back as what is left of their units."""
        left: dict[tuple[int, ...], list[int]] = {}
        for place in places:
            left.setdefault(self._unit_of[place].tests, []).append(place)
        for rest in left.values():
            self._queue.put(self._unit_of[rest[0]].only(rest))

    def _give_up_if_alone(self) -> None:
        """Drop what no worker can ever run, so that the session ends instead of waiting."""
        # One that is gone will be replaced.
        coming = self._starting or any(seat.may_take_work or seat.gone for seat in self._seats.values())
        if self._queue and not coming:
            self._log(f"no worker is left for {self._queue.clear()} tests")
