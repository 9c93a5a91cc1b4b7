"""Puts our scheduler in xdist's place, under `sct.py` and where nobody asked for another."""

import os
from pathlib import Path
from typing import Any

import pytest

from sdcm.broker.protocol import SERVICES_VARIABLE
from sdcm.pytest_plugin.session import context_of
from sdcm.services import selected
from sdcm.services.selected import SelectedTest


def _asked_for_another(config: pytest.Config) -> bool:
    """Whether `--dist` stands on the command line, in addopts or in PYTEST_ADDOPTS."""
    words = [*map(str, config.invocation_params.args), *config.getini("addopts")]
    words += os.environ.get("PYTEST_ADDOPTS", "").split()
    return any(word == "--dist" or word.startswith("--dist=") for word in words)


def _selection() -> tuple[SelectedTest, ...]:
    file = Path(os.environ.get(selected.ENVIRONMENT_VARIABLE, ""))
    return selected.read(file) if file.is_file() else ()


def _settled(service: str) -> bool:
    """Whether a test that needs the service would not wait for it any more."""
    from sdcm.broker.states import is_settled

    file = os.environ.get(SERVICES_VARIABLE, "")
    return not file or is_settled(Path(file), service)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return our scheduler under `sct.py`; in plain pytest xdist's own stays."""
    if _asked_for_another(config) or context_of(config).plain:
        return None
    from sdcm.scheduling.hook import make_scheduler

    return make_scheduler(config, log, _selection, _settled)
