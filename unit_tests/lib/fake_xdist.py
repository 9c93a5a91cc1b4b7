"""A recording fake of xdist's workers, and of the controller around a scheduler, in virtual time."""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sdcm.scheduling.scheduler import UnitScheduler


class FakeWorker:
    """Behaves as xdist's `WorkerController`: it records what it is sent and keeps it as a worker would.

    Attributes:
        sent: What each `send_runtest_some` gave it.
        queue: What it holds, the running one first.
        unreachable: Makes sending fail, as to a process that has died.
    """

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.sent: list[list[int]] = []
        self.queue: list[int] = []
        self.shutdowns = 0
        self.down = False
        self.unreachable = False

    def __repr__(self) -> str:
        return f"<{self.gateway.id}>"

    @property
    def shutting_down(self) -> bool:
        return self.down or self.shutdowns > 0

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        if self.unreachable:
            raise OSError("cannot send (already closed?)")
        assert not self.shutting_down, "what is sent after a shutdown is never run"
        self.sent.append(list(indices))
        self.queue.extend(indices)

    def shutdown(self) -> None:
        self.shutdowns += 1

    @property
    def can_start(self) -> bool:
        """A worker starts a test only when it knows what follows it."""
        return len(self.queue) > 1 or (len(self.queue) == 1 and self.shutdowns > 0)


@dataclass
class Run:
    """What happened in a simulated session.

    Attributes:
        started: (virtual second, worker, node id) of each test that started.
        crashed: Node ids that the scheduler named as killers.
        seconds: Virtual duration.
    """

    started: list[tuple[float, str, str]] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def counts(self) -> Counter[str]:
        """Return how often each test started."""
        return Counter(nodeid for _, _, nodeid in self.started)

    def order(self) -> list[str]:
        """Return the node ids in the order in which they started."""
        return [nodeid for _, _, nodeid in self.started]

    def workers_of(self, nodeids: Sequence[str]) -> set[str]:
        """Return the workers on which these tests started."""
        return {worker for _, worker, nodeid in self.started if nodeid in set(nodeids)}


class FakeSession:
    """xdist's controller (`DSession`) and its workers, in virtual time; a session that would hang is an error.

    Args:
        scheduler: What is tested.
        nodeids: The collection.
        workers: How many workers there are.
        seconds: Duration of each test; one second where there is none.
        killers: Tests that kill their worker.
        collected: A worker's own collection, by its name, where it is another.
        max_restarts: How many dead workers are replaced; None for all.
        stop_after: Node id after whose end everything is shut down, as `-x` does.
    """

    def __init__(
        self,
        scheduler: UnitScheduler,
        nodeids: Sequence[str],
        workers: int = 2,
        *,
        seconds: Mapping[str, float] | None = None,
        killers: Sequence[str] = (),
        collected: Mapping[str, Sequence[str]] | None = None,
        max_restarts: int | None = None,
        stop_after: str = "",
    ) -> None:
        self.scheduler = scheduler
        self.nodeids = list(nodeids)
        self.seconds = seconds or {}
        self.killers = set(killers)
        self.collected = collected or {}
        self.max_restarts = max_restarts
        self.stop_after = stop_after
        self.run_record = Run()
        self.workers: dict[str, FakeWorker] = {}
        self._shutting_down = False
        self._restarts = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._now = 0.0
        self._active: list[FakeWorker] = []
        self._busy: set[str] = set()
        for _ in range(workers):
            self._spawn()

    def run(self) -> Run:
        """Run the session to its end."""
        while self._active:
            assert self._events, f"hangs at {self._now} s: {[(w, w.queue) for w in self._active]}"
            self._now, _, event = heapq.heappop(self._events)
            event()
            if self.scheduler.tests_finished:
                self._shut_down()
            for worker in list(self._active):
                self._let_work(worker)
        assert self._shutting_down, "every worker has ended, yet the scheduler has not finished"
        self.run_record.seconds = self._now
        return self.run_record

    def _at(self, delay: float, event: Callable[..., None], *args: Any) -> None:
        self._count += 1
        heapq.heappush(self._events, (self._now + delay, self._count, lambda: event(*args)))

    def _spawn(self) -> None:
        worker = FakeWorker(f"gw{len(self.workers)}")
        self.workers[worker.gateway.id] = worker
        self._active.append(worker)
        self._at(0.01, self._up, worker)

    def _up(self, worker: FakeWorker) -> None:
        if self._shutting_down:
            worker.shutdown()
            return
        self.scheduler.add_node(worker)
        self._at(0.01, self._has_collected, worker)

    def _has_collected(self, worker: FakeWorker) -> None:
        if self._shutting_down:
            return
        self.scheduler.add_node_collection(worker, list(self._own(worker)))
        if self.scheduler.collection_is_completed:
            self.scheduler.schedule()

    def _own(self, worker: FakeWorker) -> Sequence[str]:
        return self.collected.get(worker.gateway.id, self.nodeids)

    def _let_work(self, worker: FakeWorker) -> None:
        name = worker.gateway.id
        if name in self._busy:
            return
        if worker.can_start:
            self._busy.add(name)
            nodeid = self._own(worker)[worker.queue[0]]
            self.run_record.started.append((self._now, name, nodeid))
            ending = self._dies if nodeid in self.killers else self._ends_test
            self._at(self.seconds.get(nodeid, 1.0), ending, worker)
        elif worker.shutdowns and not worker.queue and not worker.down:
            worker.down = True
            worker.workeroutput = {"exitstatus": 0}  # type: ignore[attr-defined]
            self._at(0.0, self._finished, worker)

    def _ends_test(self, worker: FakeWorker) -> None:
        index = worker.queue.pop(0)
        self._busy.discard(worker.gateway.id)
        self.scheduler.mark_test_complete(worker, index, 1.0)
        if self._own(worker)[index] == self.stop_after:
            self._shut_down()

    def _dies(self, worker: FakeWorker) -> None:
        worker.down = worker.unreachable = True
        try:
            killer = self.scheduler.remove_node(worker)
        except KeyError:
            killer = None
        if killer:
            self.run_record.crashed.append(killer)
        self._restarts += 1
        if self.max_restarts is not None and self._restarts > self.max_restarts:
            self._shut_down()
        else:
            self._shutting_down = False
            self._spawn()
        self._active.remove(worker)

    def _finished(self, worker: FakeWorker) -> None:
        if worker in self.scheduler.nodes:
            assert not self.scheduler.remove_node(worker), "a worker that ended by itself held tests"
        self._active.remove(worker)

    def _shut_down(self) -> None:
        if not self._shutting_down:
            self._shutting_down = True
            for node in self.scheduler.nodes:
                node.shutdown()
