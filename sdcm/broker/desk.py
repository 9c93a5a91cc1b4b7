"""Answers the workers' requests."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from sdcm.broker import states
from sdcm.broker.admission import Admission
from sdcm.broker.asking import Asking
from sdcm.broker.containers import ContainerMaker
from sdcm.broker.demand import Demand
from sdcm.broker.dismissal import Dismissal
from sdcm.broker.gate import Gate
from sdcm.broker.leak_desk import LeakDesk
from sdcm.broker.leases import Leases
from sdcm.broker.namespaces import NamespaceMaker
from sdcm.broker.node_care import NodeCare
from sdcm.broker.node_pool import NodePool
from sdcm.broker.nodes import NodeMaker
from sdcm.broker.processors_here import Processors
from sdcm.broker.protocol import NodeRequest
from sdcm.broker.supplies import Supplies
from sdcm.broker.under_way import UnderWay
from sdcm.broker.watched_runs import WatchedRuns
from sdcm.cloud.removal import remove_owned
from sdcm.containers.service import ContainerRequest
from sdcm.errors import UsageProblem
from sdcm.process_identity import ProcessIdentity

#: What goes on at a time while tests do: removals, nodes put back and booted ahead.
_REMOVALS = 8


class BrokerDesk:
    """Grants leases on what the environment has; see `protocol` for the requests."""

    def __init__(
        self,
        supplies: Supplies,
        gate: Gate,
        admission: Admission,
        leaks: LeakDesk,
        *,
        keep_failed: bool = False,
        keeps: bool = False,
        fresh: bool = False,
        demand: Demand,
        repeat: int = 1,
    ) -> None:
        """Answer from `supplies`.

        Args:
            supplies: The run's environment.
            gate: Open for as long as things may be made.
            admission: The machine's budget.
            leaks: Told what tests begin and end.
            keep_failed: What failed tests give back stays.
            keeps: The environment outlives its run: a node is kept ready for the next.
            fresh: Each test has a node that none had before.
            demand: The tests to come, by which nodes are handed on; where it knows of none, each test has a new one.
            repeat: How many sessions of pytest there will be.
        """
        self._leaks = leaks
        self._supplies = supplies
        self._gate = gate
        self._leases = Leases(keep_failed=keep_failed)
        self._waits = UnderWay()
        self._containers = ContainerMaker(supplies, gate, admission)
        self._dismissal = Dismissal(supplies.dismiss, is_watched=leaks.is_watched, times=repeat)
        self._namespaces = NamespaceMaker(supplies, gate, self._dismissal)
        self._removals = ThreadPoolExecutor(_REMOVALS, thread_name_prefix="remove")
        #: What goes on in the background, each with the service that what it removes is on.
        self._under_way: dict[Future[None], str] = {}
        self._watched = WatchedRuns(self._in_background)
        processors = Processors()
        self._pool = NodePool(
            NodeMaker(supplies, gate, admission),
            lambda: NodeCare(supplies),
            demand,
            self._in_background,
            supplies.journal,
            admission.look_again,
            keeps=keeps,
            busy=lambda: None if admission.elsewhere else processors.busy(),
        )
        self._demand = demand
        self._fresh = fresh
        self._admission = admission
        admission.make_room = self._pool.make_room
        admission.nobody_gives_back = self._leases.nobody_gives_back
        self._handlers: dict[str, Callable[[str, Mapping[str, Any], Asking], Mapping[str, Any]]] = {
            "hello": self._hello,
            "wait": self._wait,
            "node": self._node,
            "container": self._container,
            "namespace": self._namespace,
            "load-image": self._load_image,
            "image": self._image,
            "own": self._own,
            "disown": self._disown,
            "release": self._release,
            "adopt": self._adopt,
            "status": self._status,
            "enter": self._enter,
            "keep": self._keep,
            "stop": self._stop,
            "span": self._span,
            "held-back": self._hold_back,
            "expect": self._expect,
            "unneeded": self._unneeded,
            "watch": self._watched.watch,
        }

    def handle(self, worker: str, op: str, arguments: Mapping[str, Any], asking: Asking) -> Mapping[str, Any]:
        """Answer one request of a worker; `asking` tells whether it still waits."""
        handler = self._handlers.get(op)
        if handler is None:
            raise UsageProblem(f"unknown request {op!r}")
        with self._waits.answering(worker, op, arguments):
            return handler(worker, arguments, asking)

    def left(self, worker: str) -> None:
        """End the leases of a worker whose connection closed."""
        self._leases.end_all_of(worker)
        self._leaks.left(worker)
        self._watched.left(worker)
        self._demand.forget(worker)
        self._in_background(self._pool.tidy, "nodes that no test waits for")
        self._dismissal.look()
        self._admission.look_again()

    def close(self, deadline: float) -> None:
        """Wait for removals under way, but for those on what goes as a whole; what stands after that is teardown's."""
        self._pool.close()
        self._namespaces.close()
        self._removals.shutdown(wait=False, cancel_futures=True)
        under_way = self._under_way.copy().items()
        wait([future for future, on in under_way if not on or not self._supplies.is_passing(on)], timeout=deadline)

    def _hello(self, worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        if earlier := str(arguments.get("resume", "")):
            self._leases.move(earlier, worker)
            self._leaks.move(earlier, worker)
            self._watched.move(earlier, worker)
        return {"run": self._supplies.run_id, "pid": os.getpid(), "name": worker}

    def _wait(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        return {"environ": self._supplies.wait(str(arguments["service"]))}

    def _node(self, worker: str, arguments: Mapping[str, Any], asking: Asking) -> Mapping[str, Any]:
        test = str(arguments["test"])
        request = NodeRequest.from_record(arguments["request"])
        if self._fresh:
            request = replace(request, fresh=True)
        holds_others = bool(self._leases.held_by(worker))
        standing = self._pool.lease(request, test, asking, holds_others=holds_others)
        node = standing.node
        answer = {"node": node.to_record()}
        lease = self._leases.grant(
            worker, node.name, test, lambda failed: self._pool.give_back(standing, failed=failed), answer
        )
        return {"lease": lease.number, **answer}

    def _container(self, worker: str, arguments: Mapping[str, Any], asking: Asking) -> Mapping[str, Any]:
        test = str(arguments["test"])
        request = ContainerRequest.from_record(arguments["request"])
        holds_others = bool(self._leases.held_by(worker))
        container, take_away = self._containers.make(request, test, asking, holds_others=holds_others)
        answer = {"container": container.to_record()}
        lease = self._leases.grant(
            worker, container.name, test, lambda _failed: self._in_background(take_away, container.name), answer
        )
        return {"lease": lease.number, **answer}

    def _namespace(self, worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        name, answer, take_away = self._namespaces.make()
        lease = self._leases.grant(
            worker,
            name,
            str(arguments["test"]),
            lambda _failed: self._in_background(take_away, name, on="kubernetes"),
            answer,
        )
        return {"lease": lease.number, **answer}

    def _load_image(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        return {"reference": self._supplies.loaded(str(arguments["image"]))}

    def _image(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        return {"reference": self._supplies.image(str(arguments["image"])).reference}

    def _own(self, worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        """Write down a cloud resource that a worker is about to make; it is removed when the worker is gone."""
        kind, name, facts = str(arguments["kind"]), str(arguments["name"]), dict(arguments["facts"])
        self._gate.enter()
        try:
            entry = self._supplies.ledger.will_make(kind, name, **facts)
        finally:
            self._gate.leave()

        def take_away() -> None:
            if entry in self._supplies.ledger.entries():
                remove_owned([entry], self._supplies.ledger)

        what = f"{kind} {name}"
        test = str(arguments["test"])
        lease = self._leases.grant(worker, what, test, lambda _failed: self._in_background(take_away, what))
        return {"lease": lease.number, "entry": entry.number}

    def _disown(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        number = int(arguments["entry"])
        for entry in self._supplies.ledger.entries():
            if entry.number == number:
                self._supplies.ledger.removed(entry)
        self._leases.end(str(arguments["lease"]))
        self._admission.look_again()
        return {}

    def _release(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        self._leases.end(str(arguments["lease"]), failed=bool(arguments.get("failed")))
        # Those who hold room may all wait for others now, whatever this one gave back.
        self._admission.look_again()
        return {}

    def _adopt(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        """Take over a process of the opener's: it is ended when the opener can't do it any more."""
        import json

        identity = ProcessIdentity.from_record(arguments["identity"])
        self._supplies.ledger.will_make("process", str(identity.pid), identity=json.dumps(identity.to_record()))
        return {}

    def _status(self, _worker: str, _arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        leases = [
            {"what": lease.what, "test": lease.test, "worker": lease.worker, "kept": lease.kept}
            for lease in self._leases.all()
        ]
        run = {"run": self._supplies.run_id, "leases": leases, "waits": self._waits.told()}
        return {**run, "nodes": self._pool.counts(), **self._supplies.state()}

    def _enter(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        """Tell how to get at what is leased under a name, or under a name that ends so."""
        wanted = str(arguments["what"])
        leases = self._leases.all()
        exact = [lease for lease in leases if lease.what == wanted]
        found = exact or [lease for lease in leases if lease.what.endswith(f"-{wanted}")]
        return {"found": [{"what": lease.what, "test": lease.test, **lease.access} for lease in found]}

    def _keep(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        self._supplies.keep(float(arguments["seconds"]))
        if self._supplies.state()["services"].get("docker") == states.READY:
            self._pool.keep_ready()
        return {}

    def _expect(self, worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        self._demand.tell(worker, dict(arguments["tests"]), int(arguments["times"]))
        return {}

    def _span(self, worker: str, arguments: Mapping[str, Any], asking: Asking) -> Mapping[str, Any]:
        self._leaks.take(worker, arguments, asking)
        self._dismissal.look()
        return {}

    def _hold_back(self, worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        self._leases.hold_back(worker, on=bool(arguments["on"]))
        self._admission.look_again()
        return {}

    def _unneeded(self, _worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        self._dismissal.unneeded(str(arguments["service"]))
        return {}

    def _stop(self, _worker: str, _arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        self._supplies.stop()
        return {}

    def _in_background(self, take_away: Callable[[], None], name: str, on: str = "") -> None:
        """Remove without the worker waiting for it; once the broker closes, teardown does it."""

        def attempt() -> None:
            try:
                take_away()
            except Exception as exc:  # noqa: BLE001 - nobody waits here: it is journalled, and teardown tries again
                self._supplies.journal.write("removal-failed", name=name, reason=str(exc) or repr(exc))

        try:
            future = self._removals.submit(attempt)
        except RuntimeError:
            return
        self._under_way[future] = on
        future.add_done_callback(lambda done: self._under_way.pop(done, None))
