"""Runs that need no service: selection, exit codes, reports.

External services: none
"""

import json
import re
import xml.etree.ElementTree as ET

import psutil
import pytest

from sdcm.wait import wait_for

pytestmark = pytest.mark.integration


def test_unit_tests_pass(project):
    ended = project.sct("unit-tests", "-n", "0")
    assert ended.code == 0, ended.text
    assert "1 passed" in ended.out
    assert project.nothing_left()


def test_relative_directories_are_the_same_for_all_that_a_run_starts(project):
    text = "import os\n\ndef test_here():\n    assert os.environ['SCT_STATE_DIR'] == {!r}\n"
    project.write("unit_tests/test_here.py", text.format(str(project.root / "unit_tests" / "kept")))
    top, project.root = project.root, project.root / "unit_tests"
    ended = project.sct("unit-tests", "-n", "1", "-t", "test_here.py", SCT_STATE_DIR="kept")
    assert ended.code == 0, ended.text
    assert not (top / "kept").exists()
    assert len(list((project.root / "kept" / "runs").iterdir())) == 1


def test_unit_tests_leave_integration_tests_out(project):
    project.write(
        "unit_tests/integration/test_it.py",
        "import pytest\n\n@pytest.mark.integration\ndef test_it():\n    raise AssertionError\n",
    )
    ended = project.sct("unit-tests", "-n", "1")
    assert ended.code == 0, ended.text
    assert "1 passed" in ended.out


def test_failing_test_gives_1_and_its_report(project, tmp_path):
    project.write("unit_tests/test_wrong.py", "def test_wrong():\n    assert 1 == 2, 'sums are off'\n")
    folder, extra = tmp_path / "reports", tmp_path / "junit.xml"
    ended = project.sct("unit-tests", "-n", "0", "--junit-xml", str(extra), "--report-dir", str(folder))
    assert ended.code == 1
    suites = ET.parse(extra).getroot()
    failed = [case for case in suites.iter("testcase") if case.find("failure") is not None]
    assert [case.get("name") for case in failed] == ["test_wrong"]
    assert "sums are off" in ET.tostring(suites, encoding="unicode")
    assert str(folder) in ended.out.strip().splitlines()[-1]
    assert (folder / "junit.xml").read_bytes() == extra.read_bytes()


@pytest.mark.parametrize("environ", [{}, {"PYTHONIOENCODING": "ascii"}], ids=["utf-8", "ascii"])
def test_a_failure_that_the_output_cannot_show_is_told_nevertheless(project, environ):
    project.write("unit_tests/test_wrong.py", "def test_wrong():\n    raise ValueError('\\ud800 off \\xe9')\n")
    ended = project.sct("unit-tests", "-n", "0", "-t", "test_wrong.py", **environ)
    assert ended.code == 1, ended.text
    assert "ValueError: \\ud800 off" in ended.out.split("tests    ")[-1]
    told = project.sct("report", "--output", "told.md", **environ)
    assert told.code == 0, told.text
    assert "\\ud800 off" in (project.root / "told.md").read_text()


def test_one_file_and_one_test(project):
    project.write("unit_tests/test_more.py", "def test_a(): pass\n\ndef test_b(): pass\n")
    assert "1 passed" in project.sct("unit-tests", "-n", "0", "-t", "test_more.py::test_b").out
    assert "1 passed" in project.sct("unit-tests", "-n", "0", "-t", "unit_tests/test_more.py", "-k", "test_a").out


def test_arguments_after_the_dashes_reach_pytest(project):
    ended = project.sct("unit-tests", "-n", "0", "--", "-s", "--setup-show")
    assert ended.code == 0
    assert "SETUP" in ended.out or "test_sum" in ended.out


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_failed_last_can_be_run_again(project, workers):
    project.write("unit_tests/test_more.py", "def test_a(): pass\n\ndef test_b(): raise ValueError\n")
    assert "1 failed, 2 passed" in project.sct("unit-tests", "-n", workers).out
    again = project.sct("unit-tests", "-n", workers, "--", "--lf")
    assert again.code == 1, again.text
    assert "1 failed in" in again.out


def test_a_child_that_a_test_forks_and_ends_is_no_request_to_stop(project):
    project.write(
        "unit_tests/test_child.py",
        "import multiprocessing, time\n\ndef test_a():\n"
        "    child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        "    child.start(); time.sleep(0.3); child.terminate(); child.join()\n"
        "    assert child.exitcode == -15\n\ndef test_b():\n    assert 0\n",
    )
    ended = project.sct("unit-tests", "-n", "0")
    assert ended.code == 1, ended.text
    assert "1 failed, 2 passed" in ended.out


def test_what_ends_the_process_while_it_collects_is_no_success(project):
    project.write("unit_tests/test_wrong.py", "import os\n\nos._exit(0)\n")
    assert project.sct("unit-tests", "-n", "0").code == 1


def test_how_a_lost_worker_ended_is_told(project):
    project.write(
        "unit_tests/test_dying.py",
        "import os, signal\n\ndef test_exits(): os._exit(7)\n\n"
        "def test_is_killed(): os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    ended = project.sct("unit-tests", "-n", "2")
    assert ended.code == 1, ended.text
    assert "crashed while running 'unit_tests/test_dying.py::test_exits', ended with status 7" in ended.out
    assert "::test_is_killed', ended by SIGKILL (sent from outside, or the system had no memory left)" in ended.out
    assert re.search(r"worker gw\d: ended with status 7", ended.out)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_test_that_empties_the_environment_for_its_time_belongs_to_its_run(project, workers):
    project.write(
        "unit_tests/test_env.py",
        "import os\nfrom unittest import mock\nimport pytest\n\n"
        "@pytest.fixture(scope='module', autouse=True)\ndef clean():\n"
        "    with mock.patch.dict(os.environ, {'A': '1'}, clear=True):\n        yield\n\n"
        "def test_a(): assert os.environ['A'] == '1'\n\ndef test_b(): pass\n",
    )
    ended = project.sct("unit-tests", "-n", workers)
    assert ended.code == 0, ended.text
    assert "3 passed" in ended.out


@pytest.mark.parametrize("arguments", [["-k", "("], ["-m", "slow and"]])
def test_an_expression_that_cannot_be_read_by_workers(project, arguments):
    ended = project.sct("unit-tests", "-n", "2", *arguments)
    assert ended.code == 64, ended.text
    assert f"sct: Wrong expression passed to '{arguments[0]}': " in ended.err
    assert arguments[1] in ended.err


def test_a_file_that_cannot_be_imported_is_no_key_press(project):
    project.write("unit_tests/test_wrong.py", "def test_wrong(:\n")
    assert project.sct("unit-tests", "-n", "0").code == 2


def test_a_thread_that_a_test_leaves_does_not_keep_the_run(project):
    project.write(
        "unit_tests/test_thread.py",
        "import threading\n\ndef test_it():\n"
        "    threading.Thread(target=threading.Event().wait, name='forever').start()\n",
    )
    ended = project.sct("unit-tests", "-n", "0")
    assert ended.code in {0, 79}, ended.text
    assert "threads that tests have left running are ended: forever" in ended.text


def test_tests_of_the_other_command_are_told_of(project):
    ended = project.sct("integration-tests", "-t", "test_sums.py")
    assert ended.code == 5, ended.text
    assert "no test is selected: where tests are not marked integration, `sct.py unit-tests` runs them" in ended.out


def test_mixed_selection_runs_what_needs_no_service(project):
    project.write(
        "unit_tests/integration/test_mixed.py",
        '''
        import pytest

        @pytest.mark.integration
        def test_free():
            """External services: none"""

        @pytest.mark.integration
        def test_bucket():
            """External services: AWS S3"""
        ''',
    )
    junit = project.root / "junit.xml"
    ended = project.sct("integration-tests", "-n", "0", "--junit-xml", str(junit))
    assert ended.code == 0, ended.text
    assert "1 passed" in ended.out
    assert "1 skipped: aws (" in ended.out
    assert "AWS_ACCESS_KEY_ID" in ended.out
    (census,) = ET.parse(junit).getroot().iterfind("testsuite[@name='pytest']/properties/property")
    assert census.get("name") == "skipped.aws"
    assert census.get("value").startswith("1: ")


def test_killed_worker_is_reported_and_the_rest_run_once(project):
    project.write(
        "unit_tests/integration/test_crash.py",
        '''
        """External services: none"""

        import os
        import pathlib
        import pytest

        pytestmark = pytest.mark.integration

        @pytest.mark.parametrize("n", range(8))
        def test_n(n):
            with (pathlib.Path(__file__).parent / "ran").open("a") as file:
                file.write(f"{n}\\n")
            if n == 3:
                os.kill(os.getpid(), 9)
        ''',
    )
    ended = project.sct("integration-tests", "-n", "2")
    assert ended.code == 1, ended.text
    assert "crashed" in ended.text
    ran = (project.root / "unit_tests/integration/ran").read_text().split()
    assert sorted(ran) == [str(n) for n in range(8)]


def test_killing_the_runner_ends_pytest_too(project):
    """Nothing was brought up, so there is no broker; pytest and its workers still end with the runner."""
    project.write(
        "unit_tests/test_slow.py",
        "import pathlib, time\n\ndef test_slow():\n    pathlib.Path('slow').touch()\n    time.sleep(900)\n",
    )
    kill_when_slow(project, "unit-tests", "-n", "1", "-t", "test_slow.py")


def test_killing_the_runner_ends_the_collecting_pytest_too(project):
    """A conftest that hangs is imported before pytest is configured."""
    project.write("unit_tests/conftest.py", "import pathlib, time\n\npathlib.Path('slow').touch()\ntime.sleep(900)\n")
    kill_when_slow(project, "integration-tests")


def kill_when_slow(project, *arguments):
    """Kill a run when its slow part runs, and wait until no process of it is left."""
    child = project.start(*arguments)
    wait_for((project.root / "slow").exists, step=0.1, timeout=180, text="the slow part runs")
    child.kill()
    child.communicate()
    mine = project.environ["SCT_STATE_DIR"]

    def all_ended():
        return not any(_environ(process).get("SCT_STATE_DIR") == mine for process in psutil.process_iter())

    wait_for(all_ended, step=0.1, timeout=180, text="pytest and its workers have ended")


def _environ(process):
    try:
        return process.environ()
    except psutil.Error:
        return {}


def test_arguments_that_pytest_refuses_are_no_success(project):
    ended = project.sct("unit-tests", "-n", "0", "--", "--no-such-option")
    assert ended.code == 4, ended.text


def test_a_report_folder_that_cannot_be_made_is_said_before_anything_runs(project):
    project.write("file", "")
    ended = project.sct("unit-tests", "--report-dir", "file/reports")
    assert ended.code == 64
    assert "file/reports" in ended.err
    assert "Traceback" not in ended.text


def test_shards_are_the_whole_run_and_durations_travel(project, tmp_path):
    project.write(
        "unit_tests/test_many.py",
        """
        import time
        import pytest

        @pytest.mark.parametrize("n", range(8))
        def test_n(n):
            time.sleep(n / 50)

        @pytest.mark.xdist_group("pair")
        @pytest.mark.parametrize("n", range(2))
        def test_pair(n):
            pass

        @pytest.mark.parametrize("options", ["--password=correct-horse", "--token=battery-staple"])
        def test_login(options):
            pass
        """,
    )
    first = project.sct("unit-tests", "-n", "2")
    assert first.code == 0, first.text
    shared = tmp_path / "durations.json"
    assert project.sct("durations", "export", str(shared)).code == 0
    seen = []
    for index in (1, 2):
        own = {"SCT_DURATIONS": str(shared), "SCT_STATE_DIR": str(tmp_path / "shards" / str(index))}
        ended = project.sct("unit-tests", "-n", "2", "--shard", f"{index}/2", **own)
        assert ended.code == 0, ended.text
        passed = {line.split()[-1] for line in ended.out.splitlines() if " PASSED " in line}
        assert f"{len(passed)} of 13 tests" in ended.out
        assert "not run" not in ended.out
        seen.append(passed)
    assert len(seen[0] | seen[1]) == len(seen[0]) + len(seen[1]) == 13
    assert [sum("test_pair" in test for test in passed) for passed in seen] in ([0, 2], [2, 0])
    merged = project.sct("report", "merge", str(tmp_path / "shards"), "-o", str(tmp_path / "merged"))
    assert merged.code == 0, merged.text
    assert "13 passed" in merged.out
    # Names that look like they hold a secret are hidden in all that is written, and are the same names still.
    assert "not run" not in merged.out
    idle = project.sct("unit-tests", "--shard", "15/15")
    assert (idle.code, "shard 15/15 has no test" in idle.out) == (0, True), idle.text


def test_repeated_runs_name_the_tests_whose_outcome_changes(project, tmp_path):
    """A test that leaves state behind passes once and fails when it runs again."""
    project.write(
        "unit_tests/test_twice.py",
        "import pathlib\n\ndef test_stays():\n    pass\n\ndef test_leaves_a_file():\n"
        "    assert not pathlib.Path('left').exists()\n    pathlib.Path('left').touch()\n",
    )
    folder = tmp_path / "reports"
    ended = project.sct("unit-tests", "-n", "0", "--repeat", "2", "-t", "test_twice.py", "--report-dir", str(folder))
    assert ended.code == 1, ended.text
    assert "test_leaves_a_file: passed, then failed" in ended.out
    assert "test_stays: " not in ended.out
    changed = json.loads((folder / "summary.json").read_text())["changed"]
    assert changed == {"unit_tests/test_twice.py::test_leaves_a_file": ["passed", "failed"]}
    suite = ET.parse(folder / "junit.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite[0].tag) == ("4", "properties")
    assert [each.get("name") for each in suite[0]] == ["changed"]


def test_no_set_up_begins_after_the_failure_that_ends_the_run(project):
    """The failed test's evidence takes as long as it takes until another worker has been at its next test."""
    project.write(
        "conftest.py",
        """
        import os
        import pathlib
        import pytest
        from sdcm.wait import wait_for

        HERE = pathlib.Path(__file__).parent
        WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")

        def note(what):
            (HERE / f"{what}-{WORKER}").touch()

        def noted(what, count):
            wait_for(lambda: len(list(HERE.glob(f"{what}-*"))) >= count, timeout=120, step=0.02, text=f"{count} {what}")

        @pytest.hookimpl(tryfirst=True, wrapper=True)
        def pytest_runtest_protocol(item):
            try:
                return (yield)
            finally:
                if any(HERE.glob("failed-*")) and "test_wrong" not in item.nodeid:
                    note("asked-again" if (HERE / f"ended-{WORKER}").exists() else "ended")

        @pytest.fixture(autouse=True)
        def _set_up(request):
            with (HERE / "set-ups").open("a") as file:
                file.write(request.node.name + "\\n")

        class SlowEvidence:
            name = "slow"

            def evidence(self, lines):
                note("failed")
                noted("asked-again", 2)
                return ""
        """,
    )
    project.write(
        "unit_tests/test_many.py",
        """
        import pytest
        from conftest import SlowEvidence, note, noted
        from sdcm.pytest_plugin import evidence

        def test_wrong(request):
            evidence.watch(request.node, SlowEvidence())
            noted("begun", 2)
            raise AssertionError

        @pytest.mark.parametrize("n", range(30))
        def test_other(n):
            note("begun")
            noted("failed", 1)
        """,
    )
    ended = project.sct("unit-tests", "-n", "3", "-t", "test_many.py", "--", "-x")
    assert ended.code == 1, ended.text
    set_ups = (project.root / "set-ups").read_text().split()
    assert len(set_ups) == 3, "the one that failed, and what the two other workers were at"
    assert len(list(project.root.glob("asked-again-*"))) == 2
    assert "28 not run" in ended.out
