"""`params`: the configuration a test sees."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from sdcm.errors import UsageProblem
from sdcm.pytest_plugin import secrecy

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration

#: A test's `params`, once they are made.
MADE = pytest.StashKey["SCTConfiguration"]()


def check_files(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Read the configuration files of all chosen tests once, before anything is set up for them.

    Raises:
        pytest.UsageError: One is missing or unreadable.
    """
    chosen = {repr(files): files for item in items if (files := _files_of(item))}
    if not chosen:
        return
    from sdcm.config.model import load_params

    for files in chosen.values():
        try:
            load_params(files, os.environ, config.rootpath)
        except UsageProblem as exc:
            raise pytest.UsageError(str(exc)) from exc


def _files_of(item: pytest.Item) -> Any:
    """Return what the nearest `sct_config` names, by position or as `files=`; nothing without one.

    Raises:
        pytest.UsageError: It names no files.
    """
    marker = item.get_closest_marker("sct_config")
    if marker is None:
        return ()
    if len(marker.args) + len(marker.kwargs) != 1 or marker.kwargs.keys() - {"files"}:
        raise pytest.UsageError(f'{item.nodeid}: write sct_config("FILE"), or sct_config(files=["FILE", "FILE"])')
    return marker.args[0] if marker.args else marker.kwargs["files"]


@pytest.fixture
def params(request: pytest.FixtureRequest) -> "SCTConfiguration":
    """Give the test a configuration of its own: defaults, the files of `sct_config`, `SCT_` variables.

    Files are named relative to the project's root folder.
    """
    from sdcm.config.model import load_params

    environ = {**os.environ, "SCT_CLUSTER_BACKEND": "docker"}
    try:
        loaded = load_params(_files_of(request.node), environ, request.config.rootpath)
    except UsageProblem as exc:
        pytest.fail(str(exc), pytrace=False)
    secrecy.know_params(request.config, loaded)
    request.node.stash[MADE] = loaded
    return loaded
