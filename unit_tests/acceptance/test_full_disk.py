"""A state directory on a full disk.

External services: none
"""

import subprocess
import sys

import pytest

from .conftest import SCT

pytestmark = pytest.mark.integration

#: Runs what follows with so many KiB of room in a folder.
WITH_ROOM = """
set -e
room=$1; folder=$2; shift 2
mount -t tmpfs -o size=64k none "$folder"
head -c "$((64 - room))k" /dev/zero > "$folder/full"
exec "$@"
"""


@pytest.mark.parametrize(
    ("command", "room"),
    [("unit-tests", 4), ("unit-tests", 12), ("integration-tests", 4)],
    ids=["at-its-begin", "at-its-end", "integration-at-its-begin"],
)
def test_it_is_told_in_a_line_and_nothing_stays_up(project, command, room):
    project.write(
        "unit_tests/integration/test_here.py",
        """
        import pytest

        @pytest.mark.integration
        @pytest.mark.services("docker")
        def test_here():
            raise AssertionError("there was no room to set anything up")
        """,
    )
    project.state.mkdir(parents=True)
    apart = ["unshare", "--map-root-user", "--mount", "sh", "-c", WITH_ROOM, "sh", str(room), str(project.state)]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    done = subprocess.run(
        [*apart, sys.executable, str(SCT), command],
        cwd=project.root,
        env=project.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 75, done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert all(line.startswith("sct: ") for line in done.stderr.splitlines()), done.stderr
    assert project.nothing_left()
