"""One worker has a test's place and waits for room; the other has the room and waits for that place."""

import threading
from contextlib import contextmanager
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from sdcm import journal, process_identity
from sdcm.broker.admission import Admission
from sdcm.broker.asking import Asking
from sdcm.broker.client import BrokerClient
from sdcm.broker.containers import ContainerMaker
from sdcm.broker.demand import Demand
from sdcm.broker.desk import BrokerDesk
from sdcm.broker.gate import Gate
from sdcm.broker.node_pool import NodePool
from sdcm.broker.protocol import NodeRequest
from sdcm.broker.server import Server
from sdcm.containers.service import ContainerRequest
from sdcm.errors import ServiceUnavailable
from sdcm.journal import Journal
from sdcm.ownership.ledger import Ledger
from sdcm.pytest_plugin import slots
from sdcm.pytest_plugin.slots import Slots
from sdcm.wait import wait_for
from unit_tests.lib.scheduling_session import one_test

#: MiB; there is room for one such container.
ALL_ROOM = 500


@pytest.fixture
def broker(tmp_path, monkeypatch):
    """The socket of a broker that only pretends to start containers."""
    with a_desk(tmp_path, monkeypatch) as desk:
        server = Server(tmp_path / "b.sock", desk)
        server.start()
        yield server.socket_path
        server.close()


@contextmanager
def a_desk(tmp_path, monkeypatch, **options):
    started = SimpleNamespace(name="c", to_record=dict)
    monkeypatch.setattr(ContainerMaker, "_spec", lambda _self, _request, test: SimpleNamespace(name=test, image="i"))
    monkeypatch.setattr(ContainerMaker, "_start", lambda _self, _spec, _test, _asking: (started, None))
    monkeypatch.setattr("sdcm.broker.containers.remove_container", lambda *_: None)
    supplies = SimpleNamespace(
        run_id="0123abcd",
        runtime=tmp_path,
        ledger=Ledger(tmp_path / "state", "0123abcd", process_identity.identify()),
        journal=Journal(tmp_path / journal.FILE_NAME),
        dismiss=lambda _service: None,
        state=lambda: {"services": {}},
    )
    leaks = SimpleNamespace(is_watched=lambda _service: False, left=lambda _worker: None)
    desk = BrokerDesk(supplies, Gate(), Admission(ALL_ROOM, 2), leaks, demand=Demand(None), **options)
    yield desk
    desk.close(60)
    supplies.ledger.close()
    supplies.journal.close()


class Worker(threading.Thread):
    """A worker at one test, which wants its places and then, maybe, a container."""

    def __init__(self, socket, folder, *, wants_room):
        super().__init__(daemon=True)
        self.client = BrokerClient(socket, "worker")
        config = SimpleNamespace(client=self.client)
        self.slots = Slots(folder, 2, held_back=lambda: slots._told_broker(config))
        self.wants_room = wants_room
        self.has_place, self.ended = threading.Event(), threading.Event()

    def take_room(self):
        request = asdict(ContainerRequest("c", "i", memory_mb=ALL_ROOM))
        return self.client.ask("container", test="a.py::t", request=request)["lease"]

    def run(self):
        with self.slots.held(one_test("a.py::t", limits=(("x", 1),))):
            self.has_place.set()
            if self.wants_room:
                self.client.ask("release", lease=self.take_room())
        self.ended.set()


def test_they_do_not_wait_for_one_another_for_ever(broker, tmp_path, monkeypatch):
    monkeypatch.setattr(slots, "_WORTH_TELLING", 0.0)
    monkeypatch.setattr(slots, "_STEP", 0.01)
    monkeypatch.setattr(slots, "context_of", lambda config: SimpleNamespace(client_at_hand=lambda: config.client))
    of_a_module = Worker(broker, tmp_path / "places", wants_room=False)
    other = Worker(broker, tmp_path / "places", wants_room=True)
    held = of_a_module.take_room()

    other.start()
    with BrokerClient(broker, "looks") as looks:
        wait_for(lambda: looks.ask("status")["waits"], timeout=60, step=0.02, text="the other waits for room")
        assert other.has_place.is_set()
        assert not other.ended.is_set()

        of_a_module.start()
        assert of_a_module.ended.wait(60)
        assert other.ended.wait(60)
        assert [lease["what"] for lease in looks.ask("status")["leases"]] == ["c"]
    of_a_module.client.ask("release", lease=held)
    for worker in (of_a_module, other):
        worker.join(60)
        worker.client.close()


@pytest.mark.parametrize("how", ["released", "gone"])
def test_the_last_who_ran_lets_them_go_on_whatever_it_gives_back(broker, tmp_path, monkeypatch, how):
    monkeypatch.setattr("sdcm.broker.desk.remove_owned", lambda *_: None)
    holder, other = Worker(broker, tmp_path, wants_room=False), Worker(broker, tmp_path, wants_room=True)
    holder.take_room()
    runs = BrokerClient(broker, "runs")
    owned = runs.ask("own", kind="bucket", name="b", facts={}, test="a.py::u")["lease"]
    other.start()
    with BrokerClient(broker, "looks") as looks:
        wait_for(lambda: looks.ask("status")["waits"], timeout=60, step=0.02, text="the other waits for room")
    holder.client.ask("held-back", on=True)
    assert not other.ended.is_set()
    if how == "gone":
        runs.close()
    else:
        runs.ask("release", lease=owned)
    assert other.ended.wait(60)
    other.join(60)
    for client in (runs, holder.client, other.client):
        client.close()


@pytest.mark.parametrize("fresh", [True, False])
def test_under_fresh_nodes_every_request_is_for_a_node_of_its_own(tmp_path, monkeypatch, fresh):
    asked = []

    def lease(_pool, request, _test, _asking, *, holds_others):
        asked.append((request.fresh, holds_others))
        raise ServiceUnavailable("no node here")

    monkeypatch.setattr(NodePool, "lease", lease)
    with a_desk(tmp_path, monkeypatch, fresh=fresh) as desk, pytest.raises(ServiceUnavailable):
        desk.handle("w", "node", {"test": "a.py::t", "request": asdict(NodeRequest())}, Asking())
    assert asked == [(fresh, False)]
