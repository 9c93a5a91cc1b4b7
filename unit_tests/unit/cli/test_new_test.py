"""What `new-test` writes keeps the rules, compiles, and stands where it belongs."""

import ast
from pathlib import Path

import pytest
from click.testing import CliRunner

from sdcm.cli import test_templates
from sdcm.cli.new_test import command
from sdcm.errors import UsageProblem
from sdcm.lint.linter import Linter
from sdcm.services.table import LABELS


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "unit_tests").mkdir()
    (tmp_path / "unit_tests" / "x.txt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)
    assert done.return_value == 0
    return done.output


def test_every_service_has_a_template() -> None:
    assert set(test_templates.PIECES) == set(LABELS)


@pytest.mark.parametrize("fixture", [False, True], ids=["test", "fixture"])
@pytest.mark.parametrize("label", LABELS)
def test_what_is_written_breaks_no_rule(root: Path, label: str, fixture: bool) -> None:
    said = run("shop-orders", "--service", label, *(["--fixture"] if fixture else []))
    path = root / "unit_tests/integration/test_shop_orders.py"
    assert "-t integration/test_shop_orders.py" in said
    linted = Linter().lint([path])
    assert linted.tests == 1
    assert [str(finding) for finding in linted.findings] == []
    functions = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    assert functions == (["shop_orders", "test_shop_orders"] if fixture else ["test_shop_orders"])
    assert "$" not in path.read_text()


def test_several_services(root: Path) -> None:
    run("test_both.py", "--service", "docker", "--service", "AWS", "--service", "docker")
    text = (root / "unit_tests/integration/test_both.py").read_text()
    assert '@pytest.mark.services("docker", "aws")' in text
    assert "def test_both(docker_scylla, s3_bucket):" in text


@pytest.mark.parametrize("name", ["1st", "class", "a.b", "", "a/../b?"])
def test_a_name_that_is_none(root: Path, name: str) -> None:
    with pytest.raises(UsageProblem, match="no name for a test"):
        run(name, "--service", "docker")
    assert not (root / "unit_tests/integration").exists()


def test_nothing_is_overwritten(root: Path) -> None:
    run("a", "--service", "docker")
    with pytest.raises(UsageProblem, match="is there already"):
        run("a", "--service", "aws")
    with pytest.raises(UsageProblem, match="one service"):
        run("b", "--service", "aws", "--service", "oci", "--fixture")
    with pytest.raises(UsageProblem, match="unknown service"):
        run("b", "--service", "mars")
