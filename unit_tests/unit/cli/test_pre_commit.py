"""`pre-commit` finds what has changed; the hooks are what the framework accepts."""

import runpy
from pathlib import Path

import pytest
from pre_commit.clientlib import load_config, load_manifest

from sdcm import process
from sdcm.cli import pre_commit
from sdcm.errors import UsageProblem

ROOT = Path(__file__).parents[3]


def git(folder: Path, *arguments: str) -> None:
    process.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], timeout=120, cwd=folder)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("unit_tests/test_a.py", "same.py", "gone.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_changed_staged_and_new_files_count_and_deleted_ones_do_not(repository: Path) -> None:
    (repository / "unit_tests/test_a.py").write_text("x = 2\n")
    (repository / "new.py").write_text("")
    (repository / "gone.py").unlink()
    assert pre_commit._changed(repository, "") == ["new.py", "unit_tests/test_a.py"]
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "second")
    assert pre_commit._changed(repository, "") == []
    assert pre_commit._changed(repository, "main~1") == ["new.py", "unit_tests/test_a.py"]
    with pytest.raises(UsageProblem, match="git cannot tell"):
        pre_commit._changed(repository, "no-such-branch")


def test_our_configuration_is_local_and_accepted() -> None:
    config = load_config(str(ROOT / ".pre-commit-config.yaml"))
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    ids = {hook["id"] for hook in config["repos"][0]["hooks"]}
    assert ids >= {"ruff", "types", "sct-lint", "docs", "unit-tests"}


def test_other_repositories_can_use_the_linter() -> None:
    hooks = {hook["id"]: hook["entry"] for hook in load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))}
    assert hooks == {"sct-lint": "sct lint", "sct-lint-fix": "sct lint --fix"}


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        pytest.param("sdcm/wait.py", ["unit_tests/unit/test_wait.py"], id="its own"),
        pytest.param("unit_tests/unit/test_wait.py", ["unit_tests/unit/test_wait.py"], id="a test"),
        pytest.param("unit_tests/integration/test_cql.py", [], id="no unit test"),
    ],
)
def test_changed_files_and_their_tests(file: str, tests: list[str]) -> None:
    tests_of = runpy.run_path(str(ROOT / ".ci" / "changed_tests.py"))["tests_of"]
    found = [path.relative_to(ROOT) if path.is_absolute() else path for path in tests_of(Path(file))]
    assert [str(path) for path in found] == tests
    assert len(tests_of(Path("sdcm/lint/rules/waiting.py"))) == 0
    assert len(tests_of(Path("sdcm/lint/needs.py"))) > 1
