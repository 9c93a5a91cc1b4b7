"""A third party's project: the example under docs/, outside the checkout, with the package installed from a wheel.

External services: Docker (database node)
"""

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from sdcm.environment.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "orders"
DIGESTS = """
import json, sdcm
from sdcm.environment.catalogue import Catalogue
catalogue = Catalogue.load()
print(json.dumps([sdcm.__file__, {name: catalogue.entry(name).digest() for name in catalogue.names()}]))
"""


@pytest.fixture
def orders(project, catalogue_image, tmp_path_factory):
    """A function that runs a program in a copy of the example, with the package from a wheel of this checkout."""
    catalogue_image("cassandra")
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    place = tmp_path_factory.mktemp("third")
    folder, programs = place / "orders", place / "venv" / "bin"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".venv", "uv.lock", "__pycache__", ".*_cache"))
    environ = {
        name: value
        for name, value in project.environ.items()
        if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONPYCACHEPREFIX"}
    }
    environ["PATH"] = f"{programs}{os.pathsep}{environ['PATH']}"

    def run(*argv: str) -> str:
        ended = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=600, check=False)
        assert ended.returncode == 0, f"{argv}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout + ended.stderr

    pins = place / "pins.txt"
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins.write_text("\n".join(settings["tool"]["uv"]["constraint-dependencies"]))
    run("uv", "build", "--quiet", "--wheel", "--out-dir", str(place / "dist"), str(ROOT))
    run("uv", "venv", "--quiet", "--python", "3.11", str(place / "venv"))
    (wheel,) = (place / "dist").glob("*.whl")
    python = str(programs / "python")
    run("uv", "pip", "install", "--quiet", "--python", python, "--constraint", str(pins), str(wheel), "--editable", ".")
    return run


@pytest.mark.integration
def test_the_example_runs_with_the_package_from_a_wheel(orders):
    """Every command that a project needs works there, and names itself as it is typed there.

    External services: Docker (database node)
    """
    package, digests = json.loads(orders("python", "-c", DIGESTS))
    assert "site-packages" in package
    here = Catalogue.load()
    assert digests == {name: here.entry(name).digest() for name in here.names()}, (
        "the wheel's images are the checkout's"
    )

    assert "1 passed" in orders("sct", "unit-tests", "-n", "0")
    assert "uv run sct integration-tests -t integration/test_mine.py" in orders(
        "sct", "new-test", "mine", "--service", "docker"
    )
    assert "no findings" in orders("sct", "lint")
    assert "`sct doctor`" in orders("sct", "--help")

    ran = orders("sct", "integration-tests", "-n", "1", "-k", "mine or by_number or configuration")
    assert "3 passed" in ran
    assert "nothing is left" in ran
    assert "3 passed" in orders("sct", "report")
    page = Path(orders("sct", "report", "--format", "html").strip())
    assert "test_orders_come_back_by_number" in page.read_text()
    plain = orders("pytest", "-q", "-m", "integration", "-n0", "tests/integration/test_mine.py")
    assert "1 passed" in plain
