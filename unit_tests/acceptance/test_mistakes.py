"""A user's mistake: one line that says what and how to mend it, the right exit code, nothing left behind.

Those that do not come as far as collecting tests are quick and run with the unit tests.

External services: none
"""

import json
import os
import subprocess
import sys

import pytest

from .conftest import SCT, one_line

DOCKER_TEST = '''
    import pytest

    @pytest.mark.integration
    @pytest.mark.services("docker")
    def test_needs_an_engine():
        """External services: Docker"""
'''

KUBERNETES_TEST = """
    import pytest

    @pytest.mark.integration
    def test_k(k8s_cluster):
        pass
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["-t", "test_sumz.py"], ["test_sumz.py", "did you mean test_sums.py"], id="path"),
        pytest.param(["-n", "-1"], ["-1", "number of workers"], id="workers"),
        pytest.param(["-n", "many"], ["many", "number of workers"], id="workers-word"),
        pytest.param(["--test-timeout", "nan"], ["nan is not in the range 0<=x<=604800"], id="deadline-nan"),
        pytest.param(["--test-timeout", "inf"], ["inf is not in the range"], id="deadline-inf"),
        pytest.param(["--test-timeout", "99999999999999999"], ["e+17 is not in the range"], id="deadline-long"),
        pytest.param(["--shard", "1/99999999999", "--plan"], ["--shard 1/99999999999", "N 1024 at most"], id="shards"),
        pytest.param(["--frobnicate"], ["--frobnicate", "pytest's goes after `--`"], id="option"),
        pytest.param(["test_sums.py"], ["test_sums.py: tests are chosen with -t", " -t test_sums.py"], id="path-alone"),
        pytest.param(["--", "-x", "test_sums.py"], ["test_sums.py: tests are chosen with -t"], id="path-for-pytest"),
        pytest.param(["-n", "2", "--", "--pdb"], ["--pdb needs the one process", "leave -n 2 out"], id="debugger"),
        pytest.param(
            ["--on", "kubernetes", "--", "--trace"], ["--trace needs", "leave --on out"], id="debugger-in-pods"
        ),
    ],
)
@pytest.mark.parametrize("command", ["unit-tests", "integration-tests"])
def test_wrong_usage(project, command, arguments, words):
    ended = project.sct(command, *arguments)
    line = one_line(ended)
    assert ended.code == 64, ended.text
    assert all(word in line for word in words), line
    assert project.nothing_left()


@pytest.mark.integration
def test_wrong_marker_expression(project):
    ended = project.sct("integration-tests", "-m", "not (")
    assert ended.code == 64, ended.text
    assert "-m" in one_line(ended)


@pytest.mark.integration
@pytest.mark.parametrize("command", ["unit-tests", "integration-tests"])
def test_unknown_node_id_names_near_ones(project, command):
    ended = project.sct(command, "-t", "test_sums.py::test_summ")
    assert ended.code == 64
    assert "did you mean unit_tests/test_sums.py::test_sum" in one_line(ended)


@pytest.mark.integration
def test_an_expression_that_matches_no_unit_test(project):
    ended = project.sct("unit-tests", "-k", "nothing_is_called_so")
    assert ended.code == 5
    assert "no test is selected" in ended.out


@pytest.mark.parametrize("hours", ["nan", "inf", "1e300", "0", "8761"])
@pytest.mark.parametrize("command", [["env", "up"], ["integration-tests", "--keep"]], ids=["env", "run"])
def test_hours_that_no_clock_holds(project, command, hours):
    ended = project.sct(*command, "--keep-for", hours)
    assert ended.code == 64, ended.text
    assert "0.01<=x<=8760" in one_line(ended)
    assert project.nothing_left()


def test_more_shards_to_merge_than_any_run_has(project):
    ended = project.sct("report", "merge", ".", "--shards", "99999999999")
    assert ended.code == 64, ended.text
    assert "1<=x<=1024" in one_line(ended)


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"format": 1, "tests": {"a.py::b": [NaN, 1]}}'], ids=["deep", "nan"]
)
def test_durations_that_cannot_be_read(project, content):
    project.write("known.json", content)
    for command in (["durations", "merge", "known.json"], ["unit-tests", "--shard", "1/2"]):
        ended = project.sct(*command, SCT_DURATIONS="known.json")
        assert ended.code == 64, ended.text
        assert "known.json is no durations file: " in one_line(ended)


def test_a_command_that_is_no_word(project):
    ended = project.sct("--", "--anything")
    assert ended.code == 64, ended.text
    assert "--anything" in one_line(ended)


def test_unknown_command_names_near_ones(project):
    ended = project.sct("integration-test")
    assert ended.code == 64
    assert "Did you mean 'integration-tests'?" in one_line(ended)


@pytest.mark.parametrize("kind", ["pipe", "folder"])
@pytest.mark.parametrize("command", ["unit-tests", "integration-tests"])
def test_a_report_that_goes_to_no_file(project, command, kind):
    place = project.root / "place"
    os.mkfifo(place) if kind == "pipe" else place.mkdir()
    ended = project.sct(command, "--junit-xml", "place", timeout=60)
    assert ended.code == 64, ended.text
    assert "place" in one_line(ended)
    assert project.nothing_left()


def test_unknown_required_service(project):
    ended = project.sct("integration-tests", "--require", "dockr")
    assert ended.code == 64
    line = one_line(ended)
    assert "dockr" in line
    assert "did you mean 'docker'" in line


def test_outside_any_project(project, tmp_path_factory):
    project.root = tmp_path_factory.mktemp("elsewhere")
    ended = project.sct("unit-tests")
    assert ended.code == 64
    assert "unit_tests" in one_line(ended)


@pytest.mark.parametrize("command", ["unit-tests", "integration-tests", "lint", "pre-commit"])
def test_in_a_folder_that_was_removed(project, command):
    gone = project.root / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", sys.executable, str(SCT), command],
        cwd=gone,
        env=project.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 64, done.stderr
    assert done.stderr == "sct: the current folder does not exist any more -- cd to one that does\n"


@pytest.mark.integration
def test_docker_host_that_does_not_answer(project):
    project.write("unit_tests/integration/test_docker.py", DOCKER_TEST)
    ended = project.sct("integration-tests", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert ended.code == 69
    line = one_line(ended)
    assert "DOCKER_HOST" in line
    assert "/nonexistent/docker.sock" in line
    assert project.nothing_left()


@pytest.mark.integration
def test_docker_host_over_ssh_is_refused(project):
    project.write("unit_tests/integration/test_docker.py", DOCKER_TEST)
    ended = project.sct("integration-tests", DOCKER_HOST="ssh://somewhere")
    assert ended.code == 64
    assert "ssh" in one_line(ended)


@pytest.mark.integration
def test_kubeconfig_that_does_not_exist(project):
    project.write("unit_tests/integration/test_k8s.py", KUBERNETES_TEST)
    ended = project.sct("integration-tests", "--kubeconfig", "nowhere.yaml")
    assert ended.code == 64
    assert "nowhere.yaml" in one_line(ended)
    ended = project.sct("integration-tests", KUBECONFIG="/nonexistent/config", DOCKER_HOST="unix:///nonexistent/d.sock")
    assert ended.code in {64, 69}
    one_line(ended)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: [1\nb: }", "the kubeconfig mine.yaml cannot be read"),
        (b"{}", "mine.yaml names no current context"),
        (b"\x80\xff\x00", "the kubeconfig mine.yaml cannot be read: it is no text"),
    ],
    ids=["garbage", "no-context", "binary"],
)
def test_kubeconfig_that_cannot_be_read(project, content, words):
    project.write("unit_tests/integration/test_k8s.py", KUBERNETES_TEST)
    (project.root / "mine.yaml").write_bytes(content)
    ended = project.sct("integration-tests", "--kubeconfig", "mine.yaml")
    assert ended.code == 64, ended.text
    assert words in one_line(ended)
    assert project.nothing_left()


@pytest.mark.integration
def test_required_credentials_are_missing(project):
    ended = project.sct("integration-tests", "--require", "aws")
    assert ended.code == 69
    assert "AWS_ACCESS_KEY_ID" in one_line(ended)


@pytest.mark.integration
def test_nothing_selected(project):
    ended = project.sct("integration-tests")
    assert ended.code == 5
    assert "no test is selected" in ended.out


@pytest.mark.integration
def test_everything_skipped_for_missing_services(project):
    project.write(
        "unit_tests/integration/test_aws.py",
        '''
        import pytest

        @pytest.mark.integration
        def test_bucket():
            """External services: AWS S3"""
            raise AssertionError("ran without credentials")
        ''',
    )
    ended = project.sct("integration-tests", "-n", "0")
    assert ended.code == 69, ended.text
    assert "AWS_ACCESS_KEY_ID" in ended.out
    assert project.nothing_left()


@pytest.mark.integration
def test_a_file_that_cannot_be_imported(project):
    project.write("unit_tests/integration/test_broken.py", "import no_such_module_anywhere\n")
    ended = project.sct("integration-tests")
    assert ended.code == 2
    assert "no_such_module_anywhere" in ended.text


@pytest.mark.integration
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os\n\nimport no_such_module\n", "3: ModuleNotFoundError: No module named 'no_such_module'"),
        ("import os\n\nraise ValueError('first\\nsecond')\n", "3: ValueError: first"),
        ("import json\n\njson.loads('{')\n", "3: json.decoder.JSONDecodeError: Expecting property name"),
        ("import os\nx = = 3\n", "2: SyntaxError: invalid syntax"),
        ("import sys\n\nsys.path.append('.venv/site-packages')\nimport installed\n", "4: ValueError: its own"),
    ],
    ids=["module", "error", "library", "syntax", "installed"],
)
def test_a_conftest_that_cannot_be_imported(project, text, said):
    project.write("unit_tests/integration/test_docker.py", DOCKER_TEST)
    project.write("unit_tests/conftest.py", text)
    project.write(".venv/site-packages/installed.py", "raise ValueError('its own')\n")
    ended = project.sct("integration-tests")
    assert ended.code == 64, ended.text
    expected = f"sct: unit_tests/conftest.py cannot be imported: unit_tests/conftest.py:{said}"
    assert any(line.startswith(expected) for line in ended.err.splitlines()), ended.text


@pytest.mark.integration
def test_a_conftest_that_ends_pytest(project):
    project.write("unit_tests/integration/test_docker.py", DOCKER_TEST)
    project.write("unit_tests/conftest.py", "import sys\n\nsys.exit(3)\n")
    ended = project.sct("integration-tests", "--plan")
    assert ended.code == 2, ended.text
    assert "cannot collect the tests: it ended with status 3 and said nothing, as by sys.exit" in ended.err


@pytest.mark.integration
def test_plan_of_docker_tests_has_no_kind_step(project):
    project.write("unit_tests/integration/test_docker.py", DOCKER_TEST)
    ended = project.sct("integration-tests", "--plan", "--json")
    assert ended.code == 0, ended.text
    plan = json.loads(ended.out)
    assert plan["services"] == {"docker": 1}
    assert plan["steps"] == ["engine", "network"]
    assert not any("cluster" in step or "kind" in step for step in plan["steps"])
    # Nothing ran, so there is no run to report or to keep.
    assert list((project.state / "runs").iterdir()) == []


@pytest.mark.integration
def test_a_test_that_its_marker_skips_needs_nothing(project):
    skipped = KUBERNETES_TEST.replace("@pytest", "@pytest.mark.skip('T-1')\n    @pytest", 1)
    free = DOCKER_TEST.replace('    @pytest.mark.services("docker")\n', "").replace("Docker", "none")
    project.write("unit_tests/integration/test_k8s.py", skipped)
    project.write("unit_tests/integration/test_free.py", free)
    plan = json.loads(project.sct("integration-tests", "--plan", "--json").out)
    assert (plan["steps"], plan["services"]) == ([], {})
    ended = project.sct("integration-tests")
    assert ended.code == 0, ended.text
    assert "1 passed, 1 skipped" in ended.out
    assert "1 skipped: T-1" in ended.out


@pytest.mark.integration
def test_plan_of_kubernetes_tests_has_one(project):
    project.write("unit_tests/integration/test_k8s.py", KUBERNETES_TEST)
    plan = json.loads(project.sct("integration-tests", "--plan", "--json").out)
    assert "cluster (Kind)" in plan["steps"]
    assert plan["services"] == {"kubernetes": 1}


@pytest.mark.integration
def test_unreadable_yaml_in_sct_config(project):
    project.write("broken.yaml", "a: [1, 2\nb: }")
    project.write(
        "unit_tests/integration/test_params.py",
        '''
        import pytest

        @pytest.mark.integration
        @pytest.mark.sct_config(files="broken.yaml")
        def test_params(params):
            """External services: none"""
        ''',
    )
    ended = project.sct("integration-tests", "-n", "0")
    assert ended.code == 64, ended.text
    assert "broken.yaml" in ended.text
    assert "Traceback" not in ended.text
