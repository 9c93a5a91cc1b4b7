"""`sct.py pre-commit` runs a project's hooks on what has changed, and its verdict is theirs.

External services: none
"""

import subprocess

import pytest

from .conftest import one_line

CONFIG = """
repos:
- repo: local
  hooks:
  - {id: no-twos, name: no twos, entry: '== 2', language: pygrep, types: [python]}
"""


@pytest.mark.integration
def test_the_hooks_run_on_what_has_changed(project):
    """Those on unchanged files do not run, unless all are asked for."""
    ended = project.sct("pre-commit")
    assert (ended.code, "has no .pre-commit-config.yaml" in one_line(ended)) == (64, True)
    project.write(".pre-commit-config.yaml", CONFIG)
    for arguments in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *arguments], cwd=project.root, check=True, timeout=300)
    assert "no file has changed" in project.sct("pre-commit").out
    ended = project.sct("pre-commit", "--all-files")
    assert (ended.code, "no twos" in ended.out) == (1, True)
    project.write("unit_tests/test_sums.py", "def test_sum():\n    assert 1 + 2 == 3\n")
    assert project.sct("pre-commit").code == 0
