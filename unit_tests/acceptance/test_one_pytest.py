"""One pytest collects and runs where one process is enough.

External services: none
"""

import pytest

from unit_tests.lib.journals import records_of

pytestmark = pytest.mark.integration

TEST = '''\
"""External services: none"""
import os, sys
import pytest

with open({file!r}, "a") as told:
    told.write(f"{{os.getpid()}}\\n")


@pytest.mark.integration
@pytest.mark.parametrize("number", range({tests}))
def test_it(number):
    print("said by the test", file=sys.stderr)
    {body}
'''


def suite(project, tmp_path, tests, body="assert number == 0 or number"):
    """Write a file of tests that notes by which processes it is imported; return these notes."""
    pids = tmp_path / "imported-by"
    project.write("unit_tests/integration/test_it.py", TEST.format(file=str(pids), tests=tests, body=body))
    return pids


def journal_of(project):
    (journal,) = (project.state / "runs").glob("*/journal.jsonl")
    return records_of(journal)


def test_one_test_is_collected_and_run_by_one_process(project, tmp_path):
    pids = suite(project, tmp_path, tests=1, body="assert not number, os.environ['SCT_RUN']")
    project.write("unit_tests/conftest.py", "import os\nos.write(2, b'said while collecting')\n")

    ended = project.sct("integration-tests", "-t", "integration/test_it.py", "--", "-s")

    assert ended.code == 0, ended.text
    (pid,) = pids.read_text().split()
    (started,) = [record for record in journal_of(project) if record["event"] == "pytest-start"]
    assert started["pid"] == int(pid)
    assert ended.out.count("test session starts") == ended.out.count("collected 1 item") == 1
    assert "said while collecting" not in ended.text
    assert "said by the test" in ended.err
    (log,) = (project.state / "runs").glob("*/collecting.log")
    assert log.read_text() == "said while collecting"


def test_several_tests_get_their_workers_and_the_first_pytest_runs_none(project, tmp_path):
    pids = suite(project, tmp_path, tests=2)

    ended = project.sct("integration-tests", "-t", "integration/test_it.py")

    assert ended.code == 0, ended.text
    assert len(set(pids.read_text().split())) == 3
    assert {record["worker"] for record in journal_of(project) if record["event"] == "test-end"} == {"gw0", "gw1"}
    assert "2 passed" in ended.out
    assert ended.out.count("test session starts") == 1


@pytest.mark.parametrize("status", [0, 5])
def test_a_test_that_ends_its_process_is_told_of(project, tmp_path, status):
    suite(project, tmp_path, tests=1, body=f"os._exit({status})")

    ended = project.sct("integration-tests", "-t", "integration/test_it.py")

    assert ended.code == 1, ended.text
    assert "test_it[0]: did not finish" in ended.out
    assert project.nothing_left()
