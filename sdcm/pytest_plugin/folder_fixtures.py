"""`test_data_dir` and `data_dir`: the project's folders of files for tests."""

from pathlib import Path

import pytest

from sdcm.errors import UsageProblem
from sdcm.services.rooms import TEST_ROOTS, tests_folder


def _folder(config: pytest.Config, *parts: str) -> Path:
    """Return a folder below the project's root.

    Raises:
        UsageProblem: It is not there.
    """
    folder = config.rootpath.joinpath(*parts)
    if not folder.is_dir():
        raise UsageProblem(f"the project has no folder {folder}", mend=f"mkdir -p {folder}, and put the files there")
    return folder


@pytest.fixture(scope="session")
def test_data_dir(request: pytest.FixtureRequest) -> Path:
    """Give the path of `test_data` in the folder of tests: what tests read."""
    return _folder(request.config, tests_folder(request.config.rootpath) or TEST_ROOTS[0], "test_data")


@pytest.fixture(scope="session")
def data_dir(request: pytest.FixtureRequest) -> Path:
    """Give the path of `data_dir`: what tools are given, profiles of cassandra-stress for example."""
    return _folder(request.config, "data_dir")
