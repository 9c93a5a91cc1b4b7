"""No report of a test holds a secret: neither one of the environment, nor of `params`, nor of a kubeconfig.

What a test prints with `-s`, straight to the terminal, is its own affair.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdcm.pytest_plugin.session import acts
from sdcm.redaction import Redactor

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration

_REDACTOR = pytest.StashKey[Redactor]()


def redactor_of(config: pytest.Config) -> Redactor:
    """Return what hides secrets in this process; it may be told of further ones."""
    if _REDACTOR not in config.stash:
        config.stash[_REDACTOR] = Redactor()
    return config.stash[_REDACTOR]


def redactor_of_now(config: pytest.Config) -> Redactor:
    """Return the same, told of the secrets that the environment names at this moment."""
    redactor = redactor_of(config)
    redactor.learn_named(os.environ)
    for path in filter(None, os.environ.get("KUBECONFIG", "").split(os.pathsep)):
        redactor.learn_kubeconfig(Path(path))
    return redactor


def know_params(config: pytest.Config, params: "SCTConfiguration") -> None:
    """Hide the secrets of a configuration from now on."""
    redactor = redactor_of(config)
    redactor.learn(str(value) for value in params.secrets().values())
    redactor.learn_named(params.to_dict())


def pytest_configure(config: pytest.Config) -> None:
    """Know the environment's secrets from the start: a guarded unit test's reports are made without its variables."""
    if acts(config):
        redactor_of(config).learn_named(os.environ)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hide secrets in a report, evidence that others added included: it is the outermost to see it."""
    report = yield
    if not (report.failed or report.sections) or not acts(item.config):
        return report
    redactor = redactor_of_now(item.config)
    report.sections = [(title, redactor.text(content)) for title, content in report.sections]
    report.longrepr = _hidden(report.longrepr, redactor)
    return report


def _hidden(value: Any, redactor: Redactor) -> Any:
    """Return a failure's text, or pytest's own parts of it, without secrets; the parts keep their shape and colour."""
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, tuple):
        return tuple(_hidden(inner, redactor) for inner in value)
    if isinstance(value, list):
        return [_hidden(inner, redactor) for inner in value]
    if type(value).__module__.startswith("_pytest._code"):
        for name, inner in vars(value).items():
            if isinstance(inner, (str, tuple, list)) or type(inner).__module__.startswith("_pytest._code"):
                # Some of these parts are frozen; they are this report's alone.
                object.__setattr__(value, name, _hidden(inner, redactor))
    return value
