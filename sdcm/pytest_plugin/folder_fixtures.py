"""`test_data_dir` and `data_dir`: the project's folders of files for tests."""

from pathlib import Path

import pytest

from sdcm.errors import UsageProblem


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
    """Give the path of `unit_tests/test_data`: what tests read."""
    return _folder(request.config, "unit_tests", "test_data")


@pytest.fixture(scope="session")
def data_dir(request: pytest.FixtureRequest) -> Path:
    """Give the path of `data_dir`: what tools are given, profiles of cassandra-stress for example."""
    return _folder(request.config, "data_dir")
