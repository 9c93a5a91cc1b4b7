"""What is written down of the chosen tests."""

from types import SimpleNamespace

import pytest

from sdcm.pytest_plugin import collecting
from sdcm.scheduling.shards import alike_units, digest
from sdcm.services import selected
from sdcm.services.selected import SelectedTest


@pytest.mark.parametrize("services", [("docker",), ()])
def test_plain_pytest_in_one_process_tells_its_broker_of_the_tests_to_come(tmp_path, monkeypatch, services):
    file, opened = tmp_path / "state" / "selection.json", []
    chosen = SelectedTest("a.py::one", "a.py", services=services, node_key="k")
    context = SimpleNamespace(
        selection_file=file, plain=True, opener=True, open_broker=lambda tests: opened.append(selected.read(file))
    )
    config = SimpleNamespace(
        option=SimpleNamespace(collectonly=False), pluginmanager=SimpleNamespace(hasplugin=lambda _name: False)
    )
    monkeypatch.setattr(collecting, "context_of", lambda _config: context)
    monkeypatch.setattr(collecting, "needs_of", lambda item: item)
    monkeypatch.setattr(collecting.config_fixtures, "check_files", lambda *_: None)
    monkeypatch.setattr(collecting.node_arguments, "check", lambda *_: None)
    monkeypatch.setattr(collecting.marker_checks, "check", lambda _session: None)

    collecting.pytest_collection_finish(SimpleNamespace(config=config, items=[chosen]))

    assert opened == ([(chosen,)] if services else [])
    assert file.exists() == bool(services)


class _Test:
    """A collected test, as far as it says what it needs."""

    def __init__(self, module: SimpleNamespace, doc: str = "", marks: tuple[pytest.Mark, ...] = (), fixtures=()):
        def function() -> None:
            """Stand for a test."""

        function.__doc__ = doc
        self.function, self.cls, self.module = function, None, module
        self.parent, self.stash = module, pytest.Stash()
        self.own_markers, self.fixturenames = list(marks), fixtures
        self.nodeid, self.asked = "a.py::test", 0
        self.config = SimpleNamespace(stash=pytest.Stash())

    def iter_markers(self, name=""):
        self.asked += 1
        return iter([mark for mark in (*self.own_markers, *self.module.own_markers) if name in ("", mark.name)])


def _module(*marks: pytest.Mark) -> SimpleNamespace:
    return SimpleNamespace(__doc__="A file.", stash=pytest.Stash(), own_markers=list(marks))


def test_tests_that_say_the_same_are_asked_once():
    module = _module(pytest.mark.services("aws").mark)
    tests = [_Test(module, marks=(pytest.mark.parametrize("n", [1]).mark,)) for _ in range(3)]
    assert [collecting.declaration_of(test).labels for test in tests] == [{"aws"}] * 3
    assert [test.asked for test in tests] == [1, 0, 0]


@pytest.mark.parametrize(
    "own",
    [
        {"doc": "External services: Docker (node)"},
        {"marks": (pytest.mark.services("docker").mark,)},
        {"marks": (pytest.mark.skipif(False, reason="set DOCKER_HOST").mark,)},
        {"fixtures": ("docker_scylla",)},
    ],
)
def test_what_a_test_says_for_itself_is_heard_whatever_others_beside_it_say(own):
    module = _module()
    before, test, after = _Test(module), _Test(module, **own), _Test(module)
    assert [collecting.declaration_of(each).labels for each in (before, test, after)] == [set(), {"docker"}, set()]


def test_a_test_that_its_marker_skips_needs_no_service():
    """A cluster would be brought up for nothing."""
    skipped = collecting.needs_of(_grouped(pytest.mark.skip("kubernetes: see T-1").mark))
    assert (skipped.services, skipped.nodes, skipped.images) == ((), 0, ())
    assert skipped.skip_reason
    assert collecting.services_of(_grouped(pytest.mark.skip("kubernetes: see T-1").mark)) == ()


def test_a_marker_that_skips_on_one_machine_alone_does_not_change_the_shards(monkeypatch):
    """A test would be in no machine's share, or in that of two."""
    monkeypatch.setattr(collecting, "acts", lambda _config: True)
    units = [
        alike_units([collecting.needs_of(test), SelectedTest("a.py::test_2", "a.py", group="g")])
        for test in (_grouped(), _grouped(pytest.mark.skip("kubernetes: see T-1").mark))
    ]
    assert [unit.tests for unit in units[0]] == [(0, 1)]
    assert digest(units[0]) == digest(units[1])


def _grouped(*marks: pytest.Mark) -> _Test:
    marks = (pytest.mark.services("kubernetes").mark, pytest.mark.xdist_group("g").mark, *marks)
    return _Test(_module(), marks=marks, fixtures=("docker_scylla",))
