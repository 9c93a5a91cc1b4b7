"""Puts our scheduler in xdist's place, under `sct.py` and where nobody asked for another."""

import os
from pathlib import Path
from typing import Any

import pytest

from sdcm import paths
from sdcm.broker.protocol import SERVICES_VARIABLE
from sdcm.pytest_plugin.session import acts
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
    """Return our scheduler under `sct.py` and where the project asks for it; elsewhere xdist's own stays."""
    if _asked_for_another(config) or not acts(config):
        return None
    from sdcm.scheduling import durations
    from sdcm.scheduling.hook import make_scheduler

    file = durations.file_to_read(config.rootpath, paths.from_environment(), os.environ)
    known = durations.seconds_by_test(durations.read_or_nothing(file))
    return make_scheduler(config, log, _selection, _settled, known)
