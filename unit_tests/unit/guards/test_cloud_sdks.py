"""The SDKs of clouds are loaded where a cloud is worked with, and nowhere else."""

import ast
import json
import sys
from pathlib import Path

import pytest

from sdcm import process
from unit_tests.lib.cloud_sdks import NAMES

_ROOT = Path(__file__).parents[3]
_UNIT_TESTS = _ROOT / "unit_tests" / "unit"
#: Imports every module of the package, and prints which SDKs that has loaded.
_IMPORT_ALL = f"""
import importlib, json, pkgutil, sys
import sdcm
names = [found.name for found in pkgutil.walk_packages(sdcm.__path__, "sdcm.")]
for name in names:
    importlib.import_module(name)
loaded = {{name.partition(".")[0] for name in sys.modules}} & set({sorted(NAMES)!r})
print(json.dumps([len(names), sorted(loaded)]))
"""


def _imported(path: Path) -> set[str]:
    """Return the top-level names that a file imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_importing_every_module_of_the_package_loads_no_sdk() -> None:
    done = process.run([sys.executable, "-c", _IMPORT_ALL], timeout=180, cwd=_ROOT)
    modules, loaded = json.loads(done.stdout)
    assert modules > 200
    assert loaded == []


def test_only_the_tests_of_clouds_name_an_sdk() -> None:
    files = [path for path in _UNIT_TESTS.rglob("*.py") if not path.is_relative_to(_UNIT_TESTS / "cloud")]
    assert len(files) > 80
    assert [str(path) for path in files if _imported(path) & NAMES] == []
    assert any(_imported(path) & NAMES for path in (_UNIT_TESTS / "cloud").rglob("*.py"))


@pytest.mark.parametrize("name", ["boto3", "botocore.config", "google.cloud.storage", "azure.storage.blob", "oci"])
def test_a_test_that_loads_an_sdk_is_refused_it_and_fails(name: str, sdk_attempts: list[str]) -> None:
    with pytest.raises(ImportError, match=r"such tests belong in unit_tests/unit/cloud/"):
        __import__(name)
    assert sdk_attempts
    sdk_attempts.clear()


def test_other_imports_pass(sdk_attempts: list[str]) -> None:
    __import__("email.headerregistry")
    assert sdk_attempts == []
