"""Verdicts on what appears on an engine."""

import threading
import time

import pytest

from sdcm import journal
from sdcm.broker import leaks
from sdcm.broker.appearing import EngineView
from sdcm.broker.asking import Asking
from sdcm.broker.cluster_leaks import ClusterWatch
from sdcm.broker.engine_events import EngineEvent
from sdcm.broker.leak_desk import LeakDesk
from sdcm.broker.leaks import LeakWatch
from sdcm.broker.spans import Spans
from sdcm.environment.engine import Engine
from sdcm.exit_codes import ExitCode
from sdcm.journal import Journal
from sdcm.ownership.ledger import Ledger
from sdcm.process_identity import identify
from sdcm.reporters.outcome import RunResult
from unit_tests.lib.fake_engine import FakeEngine

RUN = "0a1b2c3d"
IMAGE_ID = f"sha256:{'0' * 64}"


class Scene:
    """An engine, a watch over it, and tests that run beside one another."""

    def __init__(self, folder):
        self.engine = FakeEngine(folder)
        self.spans = Spans()
        self.journal = Journal(folder / journal.FILE_NAME)
        self.ledger = Ledger(folder, RUN, identify())
        self.watch = LeakWatch(RUN, self.spans, self.ledger, self.journal)
        self.now = time.time() - 100

    def on(self, *, private):
        self.watch.watch_for(Engine(self.engine.host, private))
        return self

    def test(self, label, worker="gw0", services=("docker",)):
        self.spans.open(worker, {"span": label, "label": label, "at": self.now, "services": services})

    def appears(self, name, kind="container", labels=None, image="busybox:1", **inspected):
        labels = labels or {}
        if kind == "container":
            self.engine.add_container(name, labels, **inspected)
        else:
            getattr(self.engine, f"{kind}s").append({"Id": f"id-{name}", "Name": name, "Labels": labels})
        number = name if kind == "volume" else f"id-{name}"
        attributes = {"image": image, **labels} if kind == "container" else {}
        self.watch.take(EngineEvent(kind, True, number, name, self.now + 1, attributes))

    def goes(self, name):
        self.engine.containers = [each for each in self.engine.containers if each["Names"] != [f"/{name}"]]
        self.watch.take(EngineEvent("container", False, f"id-{name}", name, self.now + 2))

    def verdicts(self):
        """Return each leak: kind, name, whose, what became of it; everything is over."""
        for worker in ("gw0", "gw1"):
            self.spans.left(worker)
        self.watch.close()
        self.leaks = [record for record in journal.read(self.journal.path) if record["event"] == "leak"]
        return [(leak["kind"], leak["name"], leak["test"] or leak["during"], leak["state"]) for leak in self.leaks]


@pytest.fixture
def scene(tmp_path_factory):
    scene = Scene(tmp_path_factory.mktemp("s"))
    yield scene
    scene.engine.close()
    scene.journal.close()
    scene.ledger.close()


def test_on_a_private_engine_what_nobody_owns_is_named_and_removed(scene):
    scene.on(private=True).test("a.py::one")
    scene.appears("lone")
    scene.appears("net", kind="network")
    scene.appears("vol", kind="volume")
    assert [entry.name for entry in scene.ledger.entries()] == ["id-lone", "id-net", "vol"]  # known before the verdict
    assert scene.verdicts() == [
        ("container", "lone", "a.py::one", "removed"),
        ("network", "net", "a.py::one", "removed"),
        ("volume", "vol", "a.py::one", "removed"),
    ]
    assert scene.leaks[0]["image"] == "busybox:1"
    assert (scene.engine.containers, scene.engine.networks, scene.engine.volumes) == ([], [], [])
    assert scene.ledger.entries() == ()


def test_what_an_engine_does_not_tell_of_stays_in_the_ledger(scene):
    scene.on(private=True).test("a.py::one")
    scene.appears("lone")
    scene.engine.close()
    assert scene.verdicts() == []
    assert [entry.name for entry in scene.ledger.entries()] == ["id-lone"]


def test_on_the_users_engine_it_is_named_and_stays(scene):
    scene.on(private=False)
    scene.appears("before-any-test")
    scene.test("a.py::one")
    scene.appears("lone")
    assert scene.verdicts() == [("container", "lone", "a.py::one", "left")]
    assert scene.leaks[0]["sure"] is True
    assert len(scene.engine.containers) == 2


def test_beside_another_run_nothing_unlabelled_is_removed_or_held_against_a_test(scene):
    scene.engine.networks.append({"Id": "n", "Name": "sct-ffffffff", "Labels": {"sct.run": "ffffffff"}})
    scene.on(private=True).test("a.py::one")
    scene.appears("lone")
    assert scene.verdicts() == [("container", "lone", "a.py::one", "left")]
    assert scene.leaks[0]["sure"] is False


def test_what_carries_the_runs_label_is_ours_on_any_engine(scene):
    scene.on(private=False).test("a.py::one")
    scene.test("a.py::two", worker="gw1")
    scene.appears("by-hand", labels={"sct.run": RUN, "sct.test": "a.py::two"})
    assert scene.verdicts() == [("container", "by-hand", "a.py::two", "removed")]


def test_tests_side_by_side_are_named_together_but_for_those_that_need_no_engine(scene):
    scene.on(private=True).test("a.py::one")
    scene.test("a.py::two", worker="gw1")
    scene.appears("either")
    scene.spans.end("gw1", "a.py::two", scene.now + 0.5)
    scene.test("s3.py::three", worker="gw1", services=())
    scene.appears("surely")
    assert scene.verdicts() == [
        ("container", "either", ["a.py::one", "a.py::two"], "removed"),
        ("container", "surely", "a.py::one", "removed"),
    ]


def test_what_has_an_owner_or_goes_in_time_is_no_leak(scene):
    scene.on(private=True).test("a.py::one")
    node = scene.ledger.will_make("container", f"sct-{RUN}-scylla-1")
    scene.appears(f"sct-{RUN}-scylla-1", labels={"sct.run": RUN})
    scene.appears("other-runs", labels={"sct.run": "ffffffff"})
    scene.appears("kinds", labels={"io.x-k8s.kind.cluster": f"sct-{RUN}"})
    scene.appears("probe", labels={"sct.role": "probe"})
    built = {"HostConfig": {"LogConfig": {"Type": "none"}}, "Config": {"Image": IMAGE_ID}}
    scene.appears("builders", image=IMAGE_ID, **built)
    scene.appears("anonymous", kind="volume")
    scene.engine.containers[0]["Volumes"] = ["anonymous"]
    scene.appears("short")
    scene.goes("short")
    assert scene.verdicts() == []
    assert scene.ledger.entries() == (node,)
    assert len(scene.engine.containers) == 5


def test_a_container_made_of_an_image_id_is_told_with_the_images_name(scene):
    number = scene.engine.add_image("busybox:1")
    scene.engine.images[number] = {**scene.engine.images["busybox:1"], "RepoTags": ["busybox:1"]}
    scene.on(private=True).test("a.py::one")
    scene.appears("lone", image=number, HostConfig={"LogConfig": {"Type": "json-file"}}, Config={"Image": number})
    assert scene.verdicts() == [("container", "lone", "a.py::one", "removed")]
    assert scene.leaks[0]["image"] == "busybox:1"


def test_the_verdict_waits_until_all_are_over_who_may_have_made_it(scene, monkeypatch):
    scene.on(private=True).test("a.py::one")
    scene.appears("lone")
    found = scene.watch.pending()
    now = time.time()
    assert scene.watch.due(now) == ([], 1.0)
    scene.spans.end("gw0", "a.py::one", now - 0.1)
    due, wait = scene.watch.due(now)
    assert due == []
    assert wait is not None
    assert 0 < wait < 1
    assert scene.watch.due(now + 1)[0] == found


@pytest.mark.parametrize("at_the_end", [False, True])
def test_a_defect_costs_one_verdict_and_the_runs_success_but_no_other_verdict(scene, monkeypatch, at_the_end):
    is_left = EngineView.is_left

    def defective(view, found):
        if found.item.name == "bad":
            raise RuntimeError("not foreseen")
        return is_left(view, found)

    monkeypatch.setattr(EngineView, "is_left", defective)
    scene.on(private=True).test("a.py::one")
    scene.appears("bad")
    scene.appears("good")
    if not at_the_end:
        scene.spans.left("gw0")
        monkeypatch.setattr(leaks, "_SETTLE", -1.0)
        assert scene.watch._judge_once()
        assert scene.watch.pending() == []
    assert scene.verdicts() == [("container", "good", "a.py::one", "removed")]
    result = RunResult.from_file(scene.journal.path)
    assert [(step.step, step.status) for step in result.steps] == [(leaks.STEP, "failed")]
    assert "bad: RuntimeError('not foreseen')" in result.steps[0].error
    assert "in defective" in result.steps[0].evidence
    assert ExitCode.ENVIRONMENT_FAILED in result.codes()


def test_a_worker_that_ends_early_waits_for_no_test_of_another(scene, monkeypatch):
    monkeypatch.setattr(leaks, "_SETTLE", 0.0)
    scene.on(private=True).test("a.py::one")
    scene.test("a.py::two", worker="gw1")
    scene.appears("either")
    scene.spans.left("gw0")
    started = time.monotonic()
    scene.watch.settle("gw0", 60.0, Asking())
    assert time.monotonic() - started < 30
    assert len(scene.watch.pending()) == 1


def test_the_wait_for_verdicts_ends_with_the_worker_that_waits(scene, monkeypatch):
    monkeypatch.setattr(leaks, "_SETTLE", 0.0)
    scene.on(private=True).test("a.py::one")
    scene.appears("lone")
    scene.spans.left("gw0")
    asking = Asking()
    waits = threading.Thread(target=scene.watch.settle, args=("gw0", 60.0, asking), daemon=True)
    waits.start()
    asking.give_up()
    waits.join(30)
    assert not waits.is_alive()


def test_who_asks_for_the_last_verdicts_has_ended_whatever_was_not_said_of_its_tests(scene, monkeypatch):
    monkeypatch.setattr(leaks, "_SETTLE", 0.0)
    scene.on(private=True).test("a.py::one")
    scene.appears("lone")
    assert scene.watch.due(time.time())[0] == []
    nobody = Asking()
    nobody.give_up()
    cluster = ClusterWatch(scene.spans, scene.journal, lambda: None, is_ours=True)
    LeakDesk(scene.spans, scene.watch, cluster).take("gw0", {"state": "settle"}, nobody)
    assert [found.item.name for found in scene.watch.due(time.time())[0]] == ["lone"]
