"""When verdicts on leaks are given."""

from types import SimpleNamespace

import pytest
from _pytest import runner
from _pytest.config import PytestPluginManager

from sdcm.pytest_plugin.leak_verdict import LeakVerdict


def test_verdicts_come_after_pytest_has_torn_down_what_a_stopped_session_left_standing():
    plugins = PytestPluginManager()
    plugins.register(runner, "runner")
    verdict = LeakVerdict(SimpleNamespace(stash=pytest.Stash()))
    plugins.register(verdict)

    called = [each.plugin for each in reversed(plugins.hook.pytest_sessionfinish.get_hookimpls())]

    assert called == [runner, verdict]
