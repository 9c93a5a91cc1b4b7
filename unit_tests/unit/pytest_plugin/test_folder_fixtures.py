from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.errors import UsageProblem
from sdcm.pytest_plugin import folder_fixtures


def test_a_folder_is_found_below_the_root_or_named_as_missing(tmp_path: Path) -> None:
    config: Any = SimpleNamespace(rootpath=tmp_path)
    with pytest.raises(UsageProblem, match=r"has no folder .*unit_tests/test_data -- mkdir -p"):
        folder_fixtures._folder(config, "unit_tests", "test_data")
    (tmp_path / "unit_tests" / "test_data").mkdir(parents=True)
    assert folder_fixtures._folder(config, "unit_tests", "test_data") == tmp_path / "unit_tests" / "test_data"
