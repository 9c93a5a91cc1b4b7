from types import SimpleNamespace

import pytest

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
    told = []
    client = SimpleNamespace(ask=lambda op, **arguments: told.append((op, arguments)))
    context = SimpleNamespace(selection_file=file, client_at_hand=lambda: client)
    monkeypatch.setattr(dismissing, "context_of", lambda _config: context)
    dismisser = Dismisser(SimpleNamespace())

    def report(nodeid, when, outcome="passed"):
        dismisser.pytest_runtest_logreport(SimpleNamespace(nodeid=nodeid, when=when, outcome=outcome))

    return SimpleNamespace(report=report, told=told)


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


def test_tests_that_cannot_be_told_apart_keep_their_service():
    assert by_service(chosen("f.py::a", "f.py::a")) == {}
    assert by_service(chosen("f.py::a")) == {"kubernetes": {"f.py::a"}}
