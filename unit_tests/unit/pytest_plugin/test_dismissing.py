from pathlib import Path
from types import SimpleNamespace

import pytest

from sdcm import journal
from sdcm.broker.client import BrokerGone
from sdcm.errors import EnvironmentFailed
from sdcm.pytest_plugin import dismissing
from sdcm.pytest_plugin.dismissing import Dismisser, by_service
from sdcm.services import selected
from sdcm.services.selected import SelectedTest


def chosen(*names, services=("kubernetes",)):
    return [SelectedTest(name, "f.py", services=services) for name in names]


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A session of three tests, two of which need a cluster; `told` is what the broker hears."""
    file = tmp_path / "selection.json"
    selected.write(file, [*chosen("f.py::a", "f.py::b"), *chosen("f.py::d", services=("docker",))])
    told, raises = [], []

    def ask(op, **arguments):
        told.append((op, arguments))
        if raises:
            raise raises.pop()

    client = SimpleNamespace(ask=ask)
    context = SimpleNamespace(selection_file=file, client_at_hand=lambda: client)
    monkeypatch.setattr(dismissing, "context_of", lambda _config: context)
    dismisser = Dismisser(SimpleNamespace())

    def report(nodeid, when, outcome="passed"):
        dismisser.pytest_runtest_logreport(SimpleNamespace(nodeid=nodeid, when=when, outcome=outcome))

    return SimpleNamespace(report=report, told=told, raises=raises)


UNNEEDED = [("unneeded", {"service": "kubernetes"})]


def test_the_last_test_that_needs_a_service_is_told_of_once(session):
    for nodeid in ("f.py::a", "f.py::d", "f.py::b@group"):
        assert session.told == []
        for when in ("setup", "call", "teardown"):
            session.report(nodeid, when)
    session.report("f.py::b", "teardown")
    assert session.told == UNNEEDED


def test_a_test_that_took_its_worker_with_it_has_ended(session):
    session.report("f.py::a", "teardown")
    session.report("f.py::b", "setup")
    session.report("f.py::b", "???", "failed")
    assert session.told == UNNEEDED


def test_a_test_that_a_plugin_runs_again_has_not_ended(session):
    session.report("f.py::a", "teardown")
    session.report("f.py::b", "call", "rerun")
    session.report("f.py::b", "teardown")
    assert session.told == []
    session.report("f.py::b", "call", "failed")
    session.report("f.py::b", "teardown")
    assert session.told == UNNEEDED


@pytest.mark.parametrize(
    ("error", "steps"),
    [(EnvironmentFailed("the broker failed on `unneeded`"), ["dismissal of kubernetes"]), (BrokerGone(Path("/")), [])],
    ids=["failed", "gone"],
)
def test_a_broker_that_fails_to_take_it_in_is_told_of_and_one_that_is_gone_is_not(
    session, tmp_path, monkeypatch, error, steps
):
    file = tmp_path / "journal.jsonl"
    file.touch()
    monkeypatch.setenv(journal.ENVIRONMENT_VARIABLE, str(file))
    session.raises.append(error)
    for nodeid in ("f.py::a", "f.py::b"):
        session.report(nodeid, "teardown")
    assert session.told == UNNEEDED
    assert [record["step"] for record in journal.read(file) if record["event"] == "step-end"] == steps


def test_tests_that_cannot_be_told_apart_keep_their_service():
    assert by_service(chosen("f.py::a", "f.py::a")) == {}
    assert by_service(chosen("f.py::a")) == {"kubernetes": {"f.py::a"}}
