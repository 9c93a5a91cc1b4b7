"""Runs that need no service: selection, exit codes, reports."""

import xml.etree.ElementTree as ET


def test_unit_tests_pass(project):
    ended = project.sct("unit-tests", "-n", "0")
    assert ended.code == 0, ended.text
    assert "1 passed" in ended.out
    assert project.nothing_left()


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
    ended = project.sct("unit-tests", "-n", "0", "--junit-xml", str(tmp_path / "junit.xml"))
    assert ended.code == 1
    suites = ET.parse(tmp_path / "junit.xml").getroot()
    failed = [case for case in suites.iter("testcase") if case.find("failure") is not None]
    assert [case.get("name") for case in failed] == ["test_wrong"]
    assert "sums are off" in ET.tostring(suites, encoding="unicode")


def test_last_line_says_where_the_reports_are(project, tmp_path):
    ended = project.sct("unit-tests", "-n", "0", "--report-dir", str(tmp_path / "reports"))
    last = ended.out.strip().splitlines()[-1]
    assert str(tmp_path / "reports") in last
    assert (tmp_path / "reports" / "junit.xml").exists()


def test_one_file_and_one_test(project):
    project.write("unit_tests/test_more.py", "def test_a(): pass\n\ndef test_b(): pass\n")
    assert "2 passed" in project.sct("unit-tests", "-n", "0", "-t", "test_more.py").out
    assert "1 passed" in project.sct("unit-tests", "-n", "0", "-t", "test_more.py::test_b").out
    assert "1 passed" in project.sct("unit-tests", "-n", "0", "-t", "unit_tests/test_more.py", "-k", "test_a").out


def test_arguments_after_the_dashes_reach_pytest(project):
    ended = project.sct("unit-tests", "-n", "0", "--", "-s", "--setup-show")
    assert ended.code == 0
    assert "SETUP" in ended.out or "test_sum" in ended.out


def test_mixed_selection_runs_what_needs_no_service(project):
    project.write(
        "unit_tests/integration/test_mixed.py",
        '''
        import pytest

        @pytest.mark.integration
        def test_free():
            pass

        @pytest.mark.integration
        def test_bucket():
            """External services: AWS S3"""
        ''',
    )
    ended = project.sct("integration-tests", "-n", "0")
    assert ended.code == 0, ended.text
    assert "1 passed" in ended.out
    assert "1 skipped" in ended.out
    assert "AWS_ACCESS_KEY_ID" in ended.out


def test_killed_worker_is_reported_and_the_rest_run_once(project):
    project.write(
        "unit_tests/integration/test_crash.py",
        """
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
        """,
    )
    ended = project.sct("integration-tests", "-n", "2")
    assert ended.code == 1, ended.text
    assert "crashed" in ended.text
    ran = (project.root / "unit_tests/integration/ran").read_text().split()
    assert sorted(ran) == [str(n) for n in range(8)]
