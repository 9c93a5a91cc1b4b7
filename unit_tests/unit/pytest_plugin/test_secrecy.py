"""Secrets stay out of reports of tests whose environment has been emptied meanwhile."""

from types import SimpleNamespace

import pytest

from sdcm.broker.protocol import PLAIN_VARIABLE, RUN_VARIABLE
from sdcm.pytest_plugin import secrecy
from sdcm.pytest_plugin.session import acts


def config_of(*, ini=False):
    return SimpleNamespace(stash=pytest.Stash(), option=SimpleNamespace(collectonly=False), getini=lambda _name: ini)


def test_secrets_and_rules_are_known_after_a_guard_has_taken_the_variables(monkeypatch):
    monkeypatch.setenv(RUN_VARIABLE, "0a1b2c3d")
    monkeypatch.delenv(PLAIN_VARIABLE, raising=False)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIbPx")
    config = config_of()
    secrecy.pytest_configure(config)

    monkeypatch.delenv(RUN_VARIABLE)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    assert acts(config)
    assert secrecy.redactor_of(config).text("assert 'wJalrXUtnFEMIbPx' == 'x'") == "assert '(hidden)' == 'x'"


def test_a_project_of_somebody_else_is_left_alone(monkeypatch):
    monkeypatch.delenv(RUN_VARIABLE, raising=False)
    assert not acts(config_of())
    assert acts(config_of(ini=True))
