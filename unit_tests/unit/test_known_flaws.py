"""Flaws of test runners that users have met elsewhere, each pinned where it would come back.

The numbers are those of the list that this project began with. Where a flaw has tests beside the code it concerns, they
are named here and this file holds what is left to say.
"""

import ast
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.environment import kind
from sdcm.errors import EnvironmentFailed
from sdcm.lint.linter import Linter
from sdcm.lint.source import parse
from sdcm.pytest_plugin import collecting, deadlines, vector_store_fixtures
from sdcm.run.options import RunOptions
from sdcm.run.plan import make_plan
from sdcm.services import labels
from sdcm.services.selected import SelectedTest
from unit_tests.lib.fake_step import FakeStep

ROOT = Path(__file__).parents[2]


def _calls_of(programs: set[str], folder: Path) -> Iterator[str]:
    """Yield the files where one of these programs stands in a list or tuple: that is how programs are called."""
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if not any(f'"{program}"' in text for program in programs):
            continue
        for node in ast.walk(ast.parse(text)):
            for item in node.elts if isinstance(node, (ast.List, ast.Tuple)) else ():
                if isinstance(item, ast.Constant) and item.value in programs:
                    yield str(file)


def test_flaw_1_kubernetes_tests_have_a_cluster_and_the_host_stays_as_it_is() -> None:
    """There the runner made no cluster, no test had one, and prerequisites changed the host for good.

    Packages are installed with `--setup` alone: unit_tests/unit/environment/test_engine.py.
    """
    test = SelectedTest("k.py::t", "k.py", services=tuple(sorted(labels.of_fixtures(["k8s_cluster"]))))
    assert "cluster (Kind)" in make_plan(RunOptions("integration-tests"), (test,), lambda _labels: {}, workers=1).steps
    assert list(_calls_of({"sudo", "sysctl", "mknod", "modprobe"}, ROOT / "sdcm")) == []


def test_flaw_2_a_kind_cluster_has_a_name_a_kubeconfig_and_an_end_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it was called `kind`, the user's own of that name was deleted, ~/.kube was written, and it stayed."""
    called: list[tuple[list[str], dict[str, str]]] = []
    deleted: list[str] = []
    noted: list[tuple[str, str]] = []

    def run_kind(argv: list[str], environ: dict[str, str], *_: Any) -> None:
        assert noted == [("kind-cluster", "sct-0a1b2c3d")], "written down before it is made"
        assert deleted == [], "nothing is deleted beforehand"
        called.append((argv, environ))
        raise EnvironmentFailed("kind failed")

    monkeypatch.setattr(kind.shutil, "which", lambda _name: "/usr/bin/docker")
    monkeypatch.setattr(kind, "_require_image", lambda *_: True)
    monkeypatch.setattr(kind, "_make_network", lambda *_: "sct-0a1b2c3d-kind")
    monkeypatch.setattr(kind, "_run_kind", run_kind)
    monkeypatch.setattr(kind, "_node_evidence", lambda *_: "")
    monkeypatch.setattr(kind, "delete_cluster", lambda _engine, name: deleted.append(name))
    engine: Any = SimpleNamespace(
        client=lambda: SimpleNamespace(close=lambda: None), publish_host="127.0.0.1", host="unix:///e.sock",
        endpoint=None, private=True, facts=dict, environ=lambda: {"DOCKER_HOST": "unix:///e.sock"},
    )  # fmt: skip
    ledger: Any = SimpleNamespace(will_make=lambda kind_, name, **_: noted.append((kind_, name)))
    image: Any = SimpleNamespace(reference="kind-node:1", id="sha256:1")
    with pytest.raises(EnvironmentFailed, match="kind failed"):
        kind.create_cluster(engine, image, Path("/kind"), run_id="0a1b2c3d", runtime=tmp_path, paths=None,  # type: ignore[arg-type]
                            ledger=ledger, making=nullcontext, step=FakeStep(tmp_path))  # fmt: skip
    ((argv, environ),) = called
    assert argv[argv.index("--name") + 1] == "sct-0a1b2c3d"
    assert argv[argv.index("--kubeconfig") + 1] == environ["KUBECONFIG"] == str(tmp_path / "kubeconfig")
    assert deleted == ["sct-0a1b2c3d"], "and a failed set-up leaves none"


def test_flaw_10_a_vector_store_leaves_nothing_set_and_ends_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a variable and a global stayed set, it was destroyed twice on an error, and a failed reload was logged.

    The failed reload is an error: unit_tests/unit/containers/test_vector_store.py.
    """
    ended: list[str] = []

    @contextmanager
    def container_for(_request: Any, wanted: Any) -> Iterator[Any]:
        try:
            yield SimpleNamespace(name=wanted.fixture, ip_address="10.0.0.9", get_port=lambda _port: "127.0.0.1:1")
        finally:
            ended.append(wanted.fixture)

    monkeypatch.setattr(vector_store_fixtures, "container_for", container_for)
    monkeypatch.setattr("sdcm.containers.vector_store.VectorStore.wait_for_ready", lambda *_, **__: "SERVING")
    node: Any = SimpleNamespace(
        flavour="scylla", docker_network="n", internal_ip_address="10.0.0.1",
        record=SimpleNamespace(username="cassandra", password="cassandra"),
        remote_scylla_yaml=lambda: nullcontext({}), reload_config=_fail,
    )  # fmt: skip
    params: Any = {"vector_store_port": 6080, "vector_store_scylla_port": 9042, "vector_store_threads": 2}
    environ = dict(os.environ)
    fixture = vector_store_fixtures.docker_vector_store.__wrapped__  # type: ignore[attr-defined]
    with pytest.raises(EnvironmentFailed, match="no server process"):
        next(fixture(None, "scylladb/vector-store:1.2.0", node, params))
    assert ended == ["vector-store"]
    assert dict(os.environ) == environ
    assert params["vector_store_version"] == "1.2.0"


def _fail() -> None:
    raise EnvironmentFailed("no server process")


#: A file with the flaw, and the rule that finds it; unit_tests/unit/guards/test_own_tests.py holds ours to all rules.
_FILES = {
    "flaw 11: services are not said": ("I03", "def test_a(tmp_path):\n    '''A.'''\n"),
    "flaw 11: credentials are not guarded": (
        "I05",
        "def test_a():\n    '''A.\n\n    External services: AWS S3\n    '''\n    boto3.client('s3').list_buckets()\n",
    ),
    "flaw 23: skipped and rotten": ("I06", "@pytest.mark.skip\ndef test_a(docker_scylla):\n    '''A.'''\n"),
    "flaw 23: mocked, yet called integration": (
        "I18",
        "from moto import mock_aws\n\n@mock_aws\ndef test_a():\n    '''A.'''\n    boto3.client('s3').list_buckets()\n",
    ),
    "flaw 24: imported inside a function": (
        "I21",
        "def test_a(docker_scylla):\n    '''A.'''\n    import json\n    assert json\n",
    ),
}


@pytest.mark.parametrize("name", _FILES)
def test_flaws_of_test_files_are_found(name: str) -> None:
    rule, text = _FILES[name]
    head = "import boto3\nimport pytest\n\npytestmark = pytest.mark.integration\n"
    # In a project where words alone do not skip.
    source = parse(Path("/nonexistent/unit_tests/integration/test_x.py"), head + text)
    source.plugin_acts = False
    assert rule in [finding.rule for finding in Linter().check(source)]


def test_flaw_24_every_test_has_a_deadline_and_every_container_a_lease() -> None:
    """There no test had a deadline, and containers were kept apart by putting modules into one group by hand."""
    assert 0 < deadlines.DEFAULT < float("inf")
    assert 0 < deadlines.FIXTURES < float("inf")
    leasing = [name for name in collecting._LEASING_FIXTURES if "docker" in name or name == "kafka_cluster"]
    assert leasing
    assert all("docker" in labels.of_fixtures([name]) for name in leasing)
