"""`params`: the configuration a test sees."""

import os
from typing import TYPE_CHECKING

import pytest

from sdcm.errors import UsageProblem
from sdcm.pytest_plugin import markers

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration


@pytest.fixture
def params(request: pytest.FixtureRequest) -> "SCTConfiguration":
    """Give the test a configuration of its own: defaults, the files of `sct_config`, `SCT_` variables.

    Files are named relative to the project's root folder.
    """
    from sdcm.config.model import load_params

    files = markers.merged_arguments(request.node, "sct_config").get("files", ())
    try:
        return load_params(files, os.environ, request.config.rootpath)
    except UsageProblem as exc:
        pytest.fail(str(exc), pytrace=False)
