from pathlib import Path

import pytest

from sdcm.config.derived import derived_layer, git_branch


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/branch-2025.1\n")
    return tmp_path


def project(root: Path, environ: dict[str, str], **so_far: str) -> tuple[str | None, str]:
    layer = derived_layer(environ, root, so_far)
    return layer.values.get("billing_project"), layer.origin("billing_project")


def test_the_jobs_name_goes_before_the_branch_and_both_after_earlier_layers(repository: Path, tmp_path: Path) -> None:
    assert project(repository, {"JOB_NAME": "scylla-5.2/longevity/10gb"}) == ("scylla-5.2", "JOB_NAME")
    assert project(repository, {}) == ("branch-2025.1", "git branch")
    assert project(repository, {"JOB_NAME": "x"}, billing_project="mine") == (None, "derived")
    assert project(tmp_path / "elsewhere", {}) == ("no_billing_project", "derived")


def test_a_worktree_has_its_own_branch_and_a_bare_commit_none(repository: Path, tmp_path: Path) -> None:
    own = repository / ".git" / "worktrees" / "w"
    own.mkdir(parents=True)
    (own / "HEAD").write_text("ref: refs/heads/feature/x\n")
    worktree = tmp_path / "worktree"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {own}\n")
    assert git_branch(worktree) == "feature/x"
    (own / "HEAD").write_text("0123456789abcdef0123456789abcdef01234567\n")
    assert git_branch(worktree) == ""
