"""Tests that break the rules end a run before anything is set up; in a stranger's project none does.

External services: none
"""

import os
import subprocess
import sys

import pytest

from .conftest import one_line

pytestmark = pytest.mark.integration

UNMARKED = '''
    def test_query(docker_scylla):
        """A node answers."""
'''
SAMPLES = {
    "I01": (UNMARKED, "test_x.py:2: I01 test_query: add @pytest.mark.integration"),
    "I03": (
        "import pytest\n\n@pytest.mark.integration\ndef test_something():\n    pass\n",
        "test_x.py:3: I03 test_something: declare external services",
    ),
    "I03 fixture": (
        "import pytest\n\n@pytest.mark.integration\ndef test_a(docker_scyla):\n    pass\n",
        "I03 test_a: there is no fixture 'docker_scyla' -- did you mean docker_scylla",
    ),
    "I04 word": (
        'import pytest\n\n@pytest.mark.integration\ndef test_a():\n    """External services: Dokcer"""\n',
        "I04 test_a: 'Dokcer' names no service -- did you mean docker?",
    ),
    "I04 use": (
        (
            "import boto3\nimport pytest\n\n@pytest.mark.integration\ndef test_a(docker_scylla):\n"
            "    assert [boto3.client('s3') for _ in 'a']\n"
        ),
        "I04 test_a: uses aws (boto3.client) but does not declare it",
    ),
    "I07": (
        (
            "import contextlib, socket\nwith contextlib.suppress(Exception):\n"
            "    socket.create_connection(('192.0.2.1', 80), timeout=1)\n"
        ),
        "test_x.py:3: I07 reaches for 192.0.2.1:80: move this out of collection time",
    ),
    "I07 program": (
        (
            "import subprocess\n\ndef ask():\n    return subprocess.run(['docker', 'ps'])\n\ntry:\n    ask()\n"
            "except Exception:\n    pass\n"
        ),
        "test_x.py:7: I07 reaches for the program docker",
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_run_ends_before_set_up_with_one_line(project, name):
    text, line = SAMPLES[name]
    project.write("unit_tests/integration/test_x.py", text)
    ended = project.sct("integration-tests", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert ended.code == 64, ended.text
    assert line in one_line(ended)
    assert project.nothing_left()


def test_several_breaches_have_a_line_each_and_a_reasoned_comment_lets_one_be(project):
    project.write("unit_tests/integration/test_x.py", UNMARKED)
    project.write(
        "unit_tests/test_y.py",
        "import pytest\n\n# sct: ignore[I02] moves with its folder next week\n@pytest.mark.integration\n"
        "def test_a(docker_scylla): ...\n\n@pytest.mark.integration\ndef test_b(docker_scylla): ...\n",
    )
    ended = project.sct("integration-tests")
    assert ended.code == 64, ended.text
    assert "unit_tests/test_y.py:7: I02 test_b: integration tests belong in integration/ of the tests" in ended.err
    assert "I01 test_query" in ended.err
    assert "test_a" not in ended.err


def test_an_unknown_marker_ends_the_run(project):
    project.write(
        "unit_tests/integration/test_x.py",
        "import pytest\n\n@pytest.mark.integration\n@pytest.mark.docker_scyla_args\ndef test_a(docker_scylla): ...\n",
    )
    ended = project.sct("integration-tests")
    assert ended.code == 2
    assert "docker_scyla_args" in ended.text


def test_in_a_worker_the_test_fails_with_its_line_and_the_others_run(project):
    project.write("unit_tests/integration/test_x.py", UNMARKED.replace("docker_scylla", ""))
    ended = project.sct("unit-tests", "-n", "1")
    assert ended.code == 1, ended.text
    assert "test_x.py:2: I01 test_query: add @pytest.mark.integration" in ended.out
    assert "1 passed" in ended.out


@pytest.mark.parametrize(
    ("setting", "code"), [pytest.param("", 0, id="a stranger's"), pytest.param("sct = true", 4, id="asked for")]
)
def test_plain_pytest_heeds_them_only_where_the_project_asks(tmp_path, setting, code):
    (tmp_path / "unit_tests/integration").mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{setting}\n")
    (tmp_path / "unit_tests/integration/test_x.py").write_text(
        "import contextlib, socket\n\nwith socket.socket() as one, contextlib.suppress(RuntimeError):\n"
        "    one.settimeout(0.01)\n    one.connect_ex(('192.0.2.1', 80))\n\ndef test_a():\n    pass\n"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SCT_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=tmp_path,
        env={**environ, "SCT_STATE_DIR": str(tmp_path / "s"), "SCT_RUNTIME_DIR": str(tmp_path / "r")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    if code:
        assert "I01 test_a" in done.stderr
        assert "I07 reaches for 192.0.2.1:80" in done.stderr
