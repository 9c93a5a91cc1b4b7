"""The source keeps the rules of this repository."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from unit_tests.lib import source_rules
from unit_tests.lib.source_rules import Rule

_ROOT = Path(__file__).parents[3]
_PACKAGE = sorted((_ROOT / "sdcm").rglob("*.py"))
_ALL = sorted(path for folder in ("sdcm", "unit_tests", "bench") for path in (_ROOT / folder).rglob("*.py")) + sorted(
    _ROOT.glob("*.py")
)
_PACKAGE_ROOT = _ROOT / "sdcm"
_PROCESS = _ROOT / "sdcm" / "process.py"
#: The one place that runs other programs, one that bars tests from them, and a program that is run by its path.
_MAY_START = {_PROCESS, *(_PACKAGE_ROOT / file for file in ("pytest_plugin/barring.py", "kubernetes/tether.py"))}


#: On one worker, so that each file is parsed once.
pytestmark = pytest.mark.xdist_group("source")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def _broken(paths: list[Path], rule: Rule) -> Iterator[str]:
    for path in paths:
        for line in rule(_tree(path)):
            yield f"{path.relative_to(_ROOT)}:{line}"


def test_there_is_source_to_check() -> None:
    assert len(_PACKAGE) > 20
    assert _PROCESS in _PACKAGE


def test_only_one_module_starts_programs() -> None:
    assert not list(_broken([path for path in _PACKAGE if path not in _MAY_START], source_rules.starts_programs))
    assert list(_broken([_PROCESS], source_rules.starts_programs))


def test_nothing_goes_through_a_shell() -> None:
    assert not list(_broken(_ALL, source_rules.uses_shell))


def test_the_package_does_not_import_its_tests() -> None:
    assert not list(_broken(_PACKAGE, source_rules.imports_tests))


def test_no_skip_without_a_reason() -> None:
    assert not list(_broken(_ALL, source_rules.skips_without_reason))


def test_no_integration_test_passes_for_want_of_results() -> None:
    """A tool that printed nothing must not pass as one whose every number is right (flaw 22)."""
    tests = sorted((_ROOT / "unit_tests/integration").glob("*.py"))
    assert len(tests) > 5
    assert not list(_broken(tests, source_rules.passes_on_nothing))


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(_ROOT)): len(path.read_text().splitlines()) for path in _ALL}
    assert not {name: length for name, length in lengths.items() if length > source_rules.MOST_LINES}


def test_names_say_what_is_inside() -> None:
    assert not [str(path) for path in _ALL if source_rules.is_vague(path.relative_to(_ROOT))]


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (
            source_rules.starts_programs,
            [
                "import subprocess\nsubprocess.run(['ls'])",
                "import subprocess as sp\nstart = sp.Popen",
                "from subprocess import check_output",
                "import os\nos.system('ls')",
                "import os\nos.execvp('ls', [])",
                "import asyncio\nasyncio.create_subprocess_exec('ls')",
            ],
            [
                "import subprocess\nchild: subprocess.Popen[bytes]",
                "from subprocess import TimeoutExpired",
                "import os\nos.kill(1, 0)",
                "from sdcm import process\nprocess.run(['ls'], timeout=1)",
            ],
        ),
        (
            source_rules.passes_on_nothing,
            [
                "assert all(x > 0 for x in found)",
                "assert all(found.values())",
                "assert ok and all([f(x) for x in g()])",
            ],
            ["assert all(x in text for x in ('a', 'b'))", "assert [x for x in found] == [1]", "all(found)"],
        ),
        (source_rules.uses_shell, ["f(shell=True)", "f(shell=flag)"], ["f(shell=False)", "f('shell')"]),
        (
            source_rules.imports_tests,
            ["import unit_tests.lib", "from unit_tests.lib import x", "def f():\n    import unit_tests"],
            ["import unit_tests_of_others", "from . import x"],
        ),
        (
            source_rules.skips_without_reason,
            [
                "pytest.skip()",
                "pytest.skip('')",
                "pytest.skip(reason=' ')",
                "@pytest.mark.skip\ndef test(): ...",
                "@pytest.mark.skipif(True)\ndef test(): ...",
                "pytestmark = pytest.mark.skip()",
                "pytest.skip(allow_module_level=True)",
            ],
            [
                "pytest.skip('docker: no engine answers')",
                "pytest.skip(reason=text)",
                "@pytest.mark.skipif(True, reason='x is missing')\ndef test(): ...",
                "pytest.importorskip('moto')",
            ],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_rule_finds_what_breaks_it(rule: Rule, bad: list[str], good: list[str]) -> None:
    assert [source for source in bad if not list(rule(ast.parse(source)))] == []
    assert [source for source in good if list(rule(ast.parse(source)))] == []


def test_vague_names() -> None:
    assert source_rules.is_vague(Path("sdcm/utils/x.py"))
    assert source_rules.is_vague(Path("sdcm/helpers.py"))
    assert not source_rules.is_vague(Path("sdcm/wait.py"))
