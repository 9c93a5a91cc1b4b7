"""What is imported at start-up: it decides how long `--help` and every pytest run take."""

import json
import os
import sys
from pathlib import Path

import pytest

from sdcm import process

_ROOT = Path(__file__).parents[3]
_HEAVY = {
    "azure",
    "boto3",
    "botocore",
    "cassandra",
    "docker",
    "google",
    "kubernetes",
    "oci",
    "prometheus_client",
    "pydantic",
    "requests",
    "rich",
    "yaml",
}
#: Prints the top-level names of all modules, those that pytest alone needs left out where it is loaded.
_TELL = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
_CONFTEST = f"""
def pytest_sessionstart():
    {_TELL}
"""


def _environ() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SCT_"))}
    return {**env, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(_ROOT)}


def _modules_of(*argv: str, cwd: Path = _ROOT) -> set[str]:
    out = process.run([sys.executable, *argv], timeout=180, env=_environ(), cwd=cwd, check=False).stdout
    (line,) = (line for line in out.splitlines() if line.startswith("["))
    return set(json.loads(line))


@pytest.mark.parametrize("module", ["sdcm", "sdcm.cli.main", "sdcm.pytest_plugin.plugin"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    loaded = _modules_of("-c", f"import {module}; {_TELL}")
    assert "sdcm" in loaded
    assert not loaded & _HEAVY


def test_a_heavy_import_would_be_seen() -> None:
    assert "yaml" in _modules_of("-c", f"import yaml; {_TELL}")


def test_the_plugin_starts_with_the_standard_library_and_pytest_alone(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    pytest_alone = ("-m", "pytest", "-s", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path))
    before = _modules_of(*pytest_alone, cwd=tmp_path)
    after = _modules_of(*pytest_alone, "-p", "sdcm.pytest_plugin.plugin", cwd=tmp_path)
    assert "sdcm" in after
    assert after - before - set(sys.stdlib_module_names) == {"sdcm"}
