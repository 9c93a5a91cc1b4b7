"""What a test hears whose service is not there."""

from types import SimpleNamespace

import pytest

from sdcm.broker.protocol import BROKER_VARIABLE, PLAIN_VARIABLE, RUN_VARIABLE
from sdcm.pytest_plugin import collecting, readiness
from sdcm.services.selected import SelectedTest


def test_a_unit_test_that_asks_for_a_service_fails_with_a_line_that_says_what_to_do(monkeypatch):
    monkeypatch.setenv(RUN_VARIABLE, "0a1b2c3d")
    for name in (PLAIN_VARIABLE, BROKER_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(collecting, "needs_of", lambda _item: SelectedTest("a.py::one", "a.py", services=("docker",)))

    with pytest.raises(pytest.fail.Exception, match="-- mark it integration") as failed:
        readiness.pytest_runtest_setup(SimpleNamespace(config=SimpleNamespace(stash=pytest.Stash())))

    assert failed.value.pytrace is False
    assert failed.value.__suppress_context__
