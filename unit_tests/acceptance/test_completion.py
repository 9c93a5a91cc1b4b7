"""Shell completion: in a real bash; for zsh and fish by what their scripts ask the program.

External services: none
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent
#: What bash does at a press of TAB: it sets these variables and calls the function that `complete` named.
PRESS_TAB = """
_uv() { COMPREPLY=(uvs-own); }
complete -F _uv uv
eval "$(sct completion bash)"
tab() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _sct_completion "$1" 2>/dev/null
    printf '%s\\n' "${COMPREPLY[*]}"
}
complete -p sct sct.py uv | sort | uniq -c | wc -l
"""
CASES = [
    (["sct", "int"], "integration-tests"),
    (["sct", "integration-tests", "--kee"], "--keep --keep-failed --keep-for"),
    (["uv", "run", "sct.py", "integration-tests", "--db", ""], "auto scylla cassandra"),
    (["uv", "run", "sct", "new-test", "x", "--service", "k"], "kubernetes"),
    (["uv", "add", ""], "uvs-own"),
    (["sct", "unit-tests", "-t", "test_s"], "test_sums.py"),
    (["sct", "images", "build", "cassandra-"], "cassandra-stress"),
    (["sct", "report", "0ab"], "0abc1234"),
    (["sct", "lint", "--explain", "I02"], "I02"),
    (["sct", "config", "explain", "n_load"], "n_loaders"),
    (["sct", "report", "--nothing"], ""),
]


def run(project, *argv, **environ):
    """Run a program in the project, with the console script `sct` on PATH, and return its lines."""
    path = f"{PROGRAMS}{os.pathsep}{project.environ['PATH']}"
    ended = subprocess.run(
        argv,
        cwd=project.root,
        env={**project.environ, "PATH": path, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


@pytest.mark.integration
def test_commands_options_and_values_complete_in_bash(project):
    """For the program by itself and behind `uv run`; other commands of uv keep their own completion.

    External services: none
    """
    (project.state / "runs" / "0abc1234").mkdir(parents=True)
    programs = project.root / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "sct").symlink_to(PROGRAMS / "sct")
    tabs = "\n".join("tab " + " ".join(f"'{word}'" for word in words) for words, _ in CASES)
    registered, *offered = run(project, "bash", "--norc", "-c", PRESS_TAB + tabs)
    assert registered.strip() == "3"
    assert dict(zip((" ".join(words) for words, _ in CASES), offered, strict=True)) == {
        " ".join(words): wanted for words, wanted in CASES
    }


@pytest.mark.integration
@pytest.mark.parametrize(
    ("shell", "at", "wanted"),
    [
        pytest.param("zsh", "3", ["plain", "kubernetes", "EKS, GKE, local Kind cluster"], id="zsh"),
        pytest.param("fish", "k", ["plain,kubernetes\tEKS, GKE, local Kind cluster"], id="fish"),
    ],
)
def test_the_other_shells_are_told_values_with_their_help(project, shell, at, wanted):
    """Their scripts ask in click's protocol, and the program's answer has what the script reads.

    External services: none
    """
    script = "\n".join(run(project, "sct", "completion", shell))
    assert f"_SCT_COMPLETE={shell}_complete" in script
    asked = {"_SCT_COMPLETE": f"{shell}_complete", "COMP_WORDS": "sct new-test --service k", "COMP_CWORD": at}
    assert run(project, "sct", **asked) == wanted
