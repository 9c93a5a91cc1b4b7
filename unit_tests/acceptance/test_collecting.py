"""What a collecting pytest tells of its tests, in a process of its own.

External services: none
"""

import json
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

from sdcm.services import selected
from sdcm.services.selected import NODE_IMAGE

pytestmark = pytest.mark.integration

SUITE = '''
"""A module's own words.

External services: AWS S3
"""

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.docker_scylla_args(rack=1, image="module/scylla:1")]


@pytest.fixture(scope="module")
def shared(k8s_cluster_of_module):
    """Holds a lease for the module."""


@pytest.fixture(scope="module")
def k8s_cluster_of_module():
    """Nothing of ours."""


def test_plain():
    """Words."""


@pytest.mark.docker_scylla_args(scylla_docker_image="function/scylla:2")
def test_node(docker_scylla):
    """Words."""


def test_two(docker_scylla, docker_scylla_2):
    """Words."""


@pytest.mark.xdist_group("g")
def test_group():
    """Words."""


# service: azure
def test_comment():
    """Words."""


@pytest.mark.services("gce")
@pytest.mark.parametrize("n", [1, 2])
def test_marked(n):
    """Words."""
'''


def strangers_environ():
    """Return an environment that tells of no run and of no account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SCT_", "AWS_", "PYTEST_"))}


def collect(tmp_path, suite, *arguments):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_suite.py").write_text(textwrap.dedent(suite))
    file = tmp_path / "selection.json"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments],
        cwd=tmp_path,
        env={**strangers_environ(), selected.ENVIRONMENT_VARIABLE: str(file)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done, {test.nodeid.partition("::")[2]: test for test in selected.read(file)} if file.exists() else {}


def test_a_selection_tells_what_each_test_needs(tmp_path):
    done, tests = collect(tmp_path, SUITE)
    assert done.returncode == 0, done.stdout
    assert {test.file for test in tests.values()} == {"test_suite.py"}
    assert tests["test_plain"].services == ("aws",)
    assert tests["test_node"].services == ("aws", "docker")
    assert tests["test_node"].images == ("function/scylla:2",)
    assert (tests["test_two"].images, tests["test_two"].nodes) == (("module/scylla:1",), 2)
    assert tests["test_group"].group == "g"
    assert tests["test_comment"].services == ("aws", "azure")
    assert tests["test_marked[2]"].services == ("aws", "gce")
    assert not any(test.shared_lease for test in tests.values())


def test_a_node_without_an_image_of_its_own_has_the_runs_flavour(tmp_path):
    _, tests = collect(tmp_path, "def test_it(docker_scylla):\n    pass\n")
    assert tests["test_it"].images == (NODE_IMAGE,)


def test_a_lease_held_by_a_wider_fixture_keeps_its_module_whole(tmp_path):
    suite = """
    import pytest

    @pytest.fixture(scope="module")
    def mine(docker_scylla):
        return docker_scylla

    def test_it(mine):
        pass
    """
    _, tests = collect(tmp_path, suite)
    assert tests["test_it"].shared_lease


def test_an_unknown_service_is_a_mistake_that_names_the_test(tmp_path):
    done, _ = collect(tmp_path, "import pytest\n\n@pytest.mark.services('mars')\ndef test_it():\n    pass\n")
    assert done.returncode == 4
    text = done.stdout + done.stderr
    assert "test_suite.py::test_it: unknown service 'mars'" in text
    assert "INTERNALERROR" not in text


def test_a_missing_configuration_file_is_a_mistake_before_anything_runs(tmp_path):
    done, _ = collect(
        tmp_path, "import pytest\n\n@pytest.mark.sct_config(files='no.yaml')\ndef test_it(params):\n    pass\n"
    )
    assert done.returncode == 4
    assert "no.yaml" in done.stderr


@pytest.mark.parametrize(
    ("setting", "outcome"),
    [pytest.param("", "1 passed", id="a stranger's"), pytest.param("sct = true", "1 skipped", id="ours")],
)
def test_in_plain_pytest_words_count_only_where_the_project_says_so(tmp_path, setting, outcome):
    """A stranger's docstring skips nothing and starts nothing."""
    (tmp_path / "pytest.ini").write_text(f"[pytest]\n{setting}\n")
    (tmp_path / "test_it.py").write_text('def test_it():\n    """External services: AWS S3"""\n')
    state = tmp_path / "state"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        cwd=tmp_path,
        env={**strangers_environ(), "SCT_STATE_DIR": str(state), "SCT_RUNTIME_DIR": str(tmp_path / "r")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert outcome in done.stdout
    assert not (state / "runs").exists()
    assert not (tmp_path / "r").exists()


def test_collecting_our_own_suite_loads_no_sdk_but_the_engines():
    """Test files name SDKs `lazily`, and files without an integration test are not imported.

    External services: none
    """
    arguments = ["--collect-only", "-q", "-p", "no:cacheprovider", "-m", "integration", "unit_tests"]
    told = f"import json, sys, pytest; status = pytest.main({arguments}); print(json.dumps([status, *sys.modules]))"
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SCT_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-c", told],
        cwd=pathlib.Path(__file__).parents[2],
        env={**environ, selected.SUITE_VARIABLE: "integration"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    status, *modules = json.loads(done.stdout.splitlines()[-1])
    assert status == 0
    assert "unit_tests.integration.test_cql" in modules or "test_cql" in modules
    assert "unit_tests.unit.test_wait" not in modules
    assert "test_wait" not in modules
    sdks = {"azure", "boto3", "botocore", "cassandra", "confluent_kafka", "google.cloud", "kubernetes", "oci"}
    assert sdks.isdisjoint(modules)
