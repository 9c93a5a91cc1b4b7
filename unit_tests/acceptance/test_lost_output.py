"""Standard output that is closed, full or read by nobody any more: the run comes to its end all the same.

External services: none
"""

import subprocess
import sys

import pytest

from .conftest import SCT

pytestmark = pytest.mark.integration

#: More than a pipe's other end takes before it goes.
MANY = """
    import pytest

    @pytest.mark.parametrize("number", range(50))
    def test_one(number):
        with open("ran", "a") as file:
            file.write("x")
"""


def _end_of(project, shell, *arguments):
    """Run `sct.py` in a shell's line, in which `"$@"` stands for it; return the status and what was complained of."""
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shell}", "bash", sys.executable, str(SCT), *arguments],
        cwd=project.root,
        env=project.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        pytest.param('"$@" >&-', 0, "", id="closed"),
        pytest.param('"$@" >&- <&- 2>&-', 0, "", id="all-closed"),
        pytest.param('"$@" | head -1', 141, "", id="reader-gone"),
        pytest.param(
            '"$@" >/dev/full', 75, "sct: standard output cannot be written: No space left on device\n", id="full"
        ),
    ],
)
def test_every_test_runs_and_what_was_lost_is_told(project, shell, code, said, workers):
    project.write("unit_tests/test_many.py", MANY)
    assert _end_of(project, shell, "unit-tests", "-n", workers) == (code, said)
    assert (project.root / "ran").read_text() == "x" * 50
    assert project.nothing_left()


def test_a_failure_is_told_also_where_nobody_reads(project):
    project.write("unit_tests/test_wrong.py", "def test_wrong():\n    assert False\n")
    assert _end_of(project, '"$@" | head -1', "unit-tests")[0] == 1


def test_another_command_that_cannot_print(project):
    code, said = _end_of(project, '"$@" >/dev/full', "--help")
    assert (code, said.count("\n")) == (75, 1)
