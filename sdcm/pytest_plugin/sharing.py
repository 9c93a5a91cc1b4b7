"""Leaves out what other machines run, where this run is one machine's share (`--shard`)."""

import os
from pathlib import Path

import pytest

from sdcm.services import selected


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that the selection does not hold."""
    file = os.environ.get(selected.ENVIRONMENT_VARIABLE)
    if config.option.collectonly or selected.SHARE_VARIABLE not in os.environ or not file:
        return
    mine = {test.nodeid for test in selected.read(Path(file))}
    others = [item for item in items if item.nodeid not in mine]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item.nodeid in mine]
