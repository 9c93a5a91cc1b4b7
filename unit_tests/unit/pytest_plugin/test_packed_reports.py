"""Reports travel as one value, and arrive as they were."""

from types import SimpleNamespace
from typing import Any

import pytest
from _pytest import reports
from _pytest.config import PytestPluginManager

from sdcm.pytest_plugin.packed_reports import Packer, Unpacker

SKIPPED = ("test_a.py", 3, "Skipped: not now")


def _manager(*plugins: object) -> PytestPluginManager:
    manager = PytestPluginManager()
    for plugin in (reports, *plugins):
        manager.register(plugin)
    return manager


def _report(**values: Any) -> pytest.TestReport:
    told = {"keywords": {"test_one": 1, "a.py": 1}, "outcome": "passed", "longrepr": None, "when": "call"}
    sections = [("Captured stdout call", "what was said: \N{GREEK SMALL LETTER PI}")]
    where = ("a.py", 1, "test_one")
    given = {"sections": sections, "user_properties": [("seed", 7)], "duration": 0.25, **told, **values}
    return pytest.TestReport("a.py::test_one", where, start=5.0, stop=5.25, **given)


def _packed(report: object) -> dict[str, Any]:
    data: dict[str, Any] = _manager(Packer()).hook.pytest_report_to_serializable(config=None, report=report)
    return data


def _unpacked(data: dict[str, Any]) -> pytest.TestReport:
    report: pytest.TestReport = _manager(Unpacker()).hook.pytest_report_from_serializable(config=None, data=data)
    return report


@pytest.mark.parametrize(
    "values", [{}, {"outcome": "skipped", "longrepr": SKIPPED}, {"outcome": "failed", "longrepr": "assert 1 == 2"}]
)
def test_report_arrives_as_it_was(values: dict[str, Any]) -> None:
    report = _report(**values)
    data = _packed(report)
    assert [type(value) for value in data.values()] == [bytes]
    arrived = _unpacked({**data, "worker_id": "gw0"})
    unpacked = reports.pytest_report_from_serializable({**(reports.pytest_report_to_serializable(report) or {})})
    assert vars(arrived) == {**vars(unpacked), "worker_id": "gw0"}


def test_failure_arrives_with_its_traceback() -> None:
    try:
        pytest.fail("as it should")
    except pytest.fail.Exception:
        excinfo = pytest.ExceptionInfo.from_current()
    arrived = _unpacked(_packed(_report(outcome="failed", longrepr=excinfo.getrepr(style="short"))))
    assert arrived.longreprtext == str(excinfo.getrepr(style="short"))


def test_what_cannot_be_packed_goes_as_ever_and_is_told_of_by_xdist() -> None:
    report = _report(user_properties=[("thing", SimpleNamespace())])
    assert _packed(report) == reports.pytest_report_to_serializable(report)


def test_unpacked_report_is_read_as_ever() -> None:
    data = reports.pytest_report_to_serializable(_report())
    assert data is not None
    assert _unpacked(data).nodeid == "a.py::test_one"


def test_worker_is_told_that_its_reports_may_come_packed() -> None:
    node = SimpleNamespace(workerinput={})
    Unpacker().pytest_configure_node(node)
    assert list(node.workerinput.values()) == [True]
