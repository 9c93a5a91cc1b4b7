"""What `-n auto` makes of known durations and of the machine."""

import os

import pytest

from sdcm.run import workers
from sdcm.run.workers import auto_workers

KNOWN = {"unit_tests/test_a.py::test_quick": 0.4, "unit_tests/slow/test_b.py::test_slow[1]": 30.0}


@pytest.fixture(autouse=True)
def four_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3})


@pytest.mark.parametrize(
    ("targets", "count"),
    [
        (["unit_tests"], 4),
        (["unit_tests/test_a.py"], 0),
        (["unit_tests/test_a.py::test_quick"], 0),
        (["unit_tests/slow/"], 4),
        (["unit_tests/slow/test_b.py::test_slow"], 4),
        (["unit_tests/test_new.py"], 4),
    ],
)
def test_unit_tests_get_what_pays(targets, count):
    assert auto_workers(targets, KNOWN, integration=False) == count


def test_a_little_work_gets_few_workers():
    assert auto_workers(["u"], {"u/t.py::t": 2.5}, integration=False) == 3


def test_integration_tests_get_two_a_core_as_far_as_memory_goes(monkeypatch):
    gib = 2**30
    for free, count in ((64 * gib, 8), (4 * gib, 2), (gib // 2, 1)):
        monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_AVPHYS_PAGES": free}.__getitem__)
        assert auto_workers(["u"], {}, integration=True) == count


def test_a_big_machine_gets_no_more_than_help(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(128)))
    assert auto_workers(["u"], {}, integration=False) == workers._MOST
