"""Short-hand for tests of the scheduler."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from sdcm.scheduling.scheduler import UnitScheduler
from sdcm.services.selected import SelectedTest
from unit_tests.lib.fake_xdist import FakeWorker


def some_tests(count: int, **facts: object) -> list[SelectedTest]:
    return [one_test(f"t.py::t{number:02}", **facts) for number in range(count)]


def one_test(nodeid: str, **facts: object) -> SelectedTest:
    return SelectedTest(nodeid, file=nodeid.partition("::")[0], **facts)  # type: ignore[arg-type]


def ids_of(tests: Iterable[SelectedTest]) -> list[str]:
    return [test.nodeid for test in tests]


class Reports(list[tuple[str, str]]):
    def __call__(self, worker: str, difference: str) -> None:
        self.append((worker, difference))


def scheduler_for(
    workers: int,
    tests: Sequence[SelectedTest] = (),
    *,
    ready: Callable[[str], bool] = bool,
    durations: Mapping[str, float] | None = None,
    reports: Reports | None = None,
    nodes_at_once: int = 0,
) -> UnitScheduler:
    report = Reports() if reports is None else reports
    return UnitScheduler(
        workers,
        selected=lambda: tests,
        ready=ready,
        report=report,
        durations=durations,
        nodes_at_once=nodes_at_once,
    )


def started(scheduler: UnitScheduler, nodeids: Sequence[str], workers: int) -> list[FakeWorker]:
    nodes = [FakeWorker(f"gw{number}") for number in range(workers)]
    for node in nodes:
        scheduler.add_node(node)
    for node in nodes:
        scheduler.add_node_collection(node, list(nodeids))
    assert scheduler.collection_is_completed
    scheduler.schedule()
    return nodes
