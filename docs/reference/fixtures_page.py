"""The page of fixtures and markers: what their code says of them, with an example each."""

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sdcm.broker.protocol import NodeRequest
from sdcm.cloud.aws.resources import AwsResources, S3Bucket
from sdcm.cloud.azure.resources import AzureResources, BlobContainer
from sdcm.cloud.gce.resources import GceResources, GcsBucket
from sdcm.cloud.oci.account import OciAccount
from sdcm.config.model import SCTConfiguration
from sdcm.containers.alternator import Alternator
from sdcm.containers.kafka import KafkaCluster
from sdcm.containers.keyspace import Keyspace
from sdcm.containers.node import Node
from sdcm.containers.random_rows import RandomValues
from sdcm.containers.ring import NodeRing
from sdcm.containers.vector_store import VectorStore
from sdcm.events.device import EventsDevice
from sdcm.kubernetes.namespace import KubernetesNamespace
from sdcm.pytest_plugin import markers, node_arguments

#: Makes a Markdown table of a head and lines.
Rows = Callable[[Sequence[str], Iterable[Sequence[str]]], str]
FIXTURE_EXAMPLES: Mapping[str, str] = {
    "alternator_api": """\
@pytest.mark.integration
def test_items(alternator_api):
    alternator_api.create_table(table_name="songs")
    alternator_api.batch_write_actions(new_items=[{"p": "a", "c": "1", "title": "x"}], table_name="songs")
    assert alternator_api.scan_table(table_name="songs") == [{"p": "a", "c": "1", "title": "x"}]
""",
    "barred": """\
import socket

import pytest


def test_it_stays_at_home(barred):
    with socket.socket() as stranger, pytest.raises(RuntimeError, match="a unit test uses no engine and no network"):
        stranger.connect(("192.0.2.1", 80))
    assert len(barred.attempts) == 1
    barred.attempts.clear()
""",
    "catalogue_image": """\
import contextlib

import docker


@pytest.mark.integration
def test_a_container_of_ones_own(catalogue_image):
    reference = catalogue_image("base-bookworm")
    with contextlib.closing(docker.from_env()) as engine:
        assert engine.containers.run(reference, ["echo", "hello"], remove=True) == b"hello\\n"
""",
    "docker_scylla": """\
@pytest.mark.integration
def test_query(docker_scylla):
    session = docker_scylla.cql_connection()
    assert session.execute("SELECT cluster_name FROM system.local").one()
""",
    "docker_scylla_2": """\
@pytest.mark.integration
def test_ring(docker_scylla, docker_scylla_2):
    status = docker_scylla_2.run_nodetool("status").stdout
    assert sum(line.startswith("UN") for line in status.splitlines()) == 2
""",
    "aws_resources": """\
@pytest.mark.integration
def test_key(aws_resources):
    key = aws_resources.kms_key("for this test")
    assert aws_resources.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
""",
    "s3_bucket": """\
@pytest.mark.integration
def test_upload(s3_bucket):
    s3_bucket.put("a", b"1")
    assert s3_bucket.keys() == ["a"]
""",
    "gce_resources": """\
@pytest.mark.integration
def test_location(gce_resources):
    bucket = gce_resources.gcs_bucket("backups", location="EU")
    assert gce_resources.storage.get_bucket(bucket.name).location == "EU"
""",
    "gcs_bucket": """\
@pytest.mark.integration
def test_upload(gcs_bucket):
    gcs_bucket.put("a", b"1")
    assert gcs_bucket.get("a") == b"1"
""",
    "azure_resources": """\
@pytest.mark.integration
def test_two_containers(azure_resources):
    first, second = azure_resources.blob_container(), azure_resources.blob_container()
    assert first.name != second.name
""",
    "azure_blob_container": """\
@pytest.mark.integration
def test_upload(azure_blob_container):
    azure_blob_container.put("a", b"1")
    assert azure_blob_container.get("a") == b"1"
""",
    "oci_account": """\
@pytest.mark.integration
def test_regions(oci_account):
    assert oci_account.region in oci_account.regions()
""",
    "kafka_cluster": """\
@pytest.mark.integration
def test_messages(kafka_cluster):
    topic = kafka_cluster.create_topic(partitions=2)
    kafka_cluster.produce(topic, [("key", "first"), ("key", "second")])
    assert [message.value for message in kafka_cluster.consume(topic, 2)] == [b"first", b"second"]
""",
    "docker_vector_store": """\
@pytest.mark.integration
@pytest.mark.docker_scylla_args(vs_docker_image="scylladb/vector-store:1.2.0")
def test_store_is_up(docker_vector_store, docker_scylla):
    assert docker_vector_store.get_status() in ("SERVING", "BOOTSTRAPPING")
    assert docker_vector_store.get_indexes() == []
""",
    "vector_store_image": """\
@pytest.mark.integration
@pytest.mark.docker_scylla_args(vs_docker_image="scylladb/vector-store:1.2.0")
def test_that_very_image(vector_store_image):
    assert vector_store_image == "scylladb/vector-store:1.2.0"
""",
    "docker_scylla_cluster": """\
@pytest.mark.integration
def test_racks(docker_scylla_cluster):
    ring = docker_scylla_cluster(2, racks=2)
    assert [node.record.rack for node in ring] == ["RACK0", "RACK1"]
    session = ring.cql_connection()
    session.execute("CREATE KEYSPACE shop WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 2}")
    assert {host.rack for host in session.cluster.metadata.all_hosts()} == {"RACK0", "RACK1"}
""",
    "cql_session": """\
@pytest.mark.integration
def test_version(cql_session):
    assert cql_session.execute("SELECT release_version FROM system.local").one().release_version
""",
    "cql_driver": """\
@pytest.mark.integration
def test_metadata(cql_driver):
    assert "system_auth" in cql_driver.metadata.keyspaces
""",
    "random_values": """\
def test_made_up(random_values):
    rows = random_values.rows({"id": "int", "tags": "set<text>"}, count=10, key=["id"])
    assert len({row["id"] for row in rows}) == 10
""",
    "fresh_keyspace": """\
@pytest.mark.integration
def test_rows(fresh_keyspace):
    session = fresh_keyspace.session  # in the keyspace: its tables need no prefix
    session.execute("CREATE TABLE orders (id int PRIMARY KEY, item text)")
    rows = fresh_keyspace.fill("orders", rows=20)
    read = {row.id: row.item for row in session.execute("SELECT id, item FROM orders")}
    assert read == {row["id"]: row["item"] for row in rows}
""",
    "k8s_cluster": """\
@pytest.mark.integration
def test_config_map(k8s_cluster):
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"size": "3"}}
    k8s_cluster.apply(settings)
    assert k8s_cluster.get("configmap/settings")["data"] == {"size": "3"}
""",
    "test_data_dir": """\
def test_a_schema_is_there(test_data_dir):
    assert "CREATE TABLE" in (test_data_dir / "shop.cql").read_text()
""",
    "data_dir": """\
import yaml


def test_the_profile_has_a_query(data_dir):
    profile = yaml.safe_load((data_dir / "cassandra-stress-custom.yaml").read_text())
    assert profile["queries"]["simple1"]["cql"].startswith("select")
""",
    "prom_address": """\
import requests

from sdcm.metrics import active


def test_a_gauge_is_scraped(prom_address):
    active().gauge("sct_mine", "what my test counts").set(3)
    assert "sct_mine 3.0" in requests.get(f"http://{prom_address}/metrics", timeout=5).text
""",
    "loaders": """\
from sdcm.stress.cassandra_stress import CassandraStressThread


@pytest.mark.integration
@pytest.mark.stress_tools("cassandra-stress")
def test_write(docker_scylla, loaders, params):
    thread = CassandraStressThread(
        loaders, "cassandra-stress write n=1000 -rate threads=5", timeout=60, node_list=[docker_scylla], params=params
    )
    output, errors = thread.run().parse_results()
    assert not errors
    assert float(output[0]["latency mean"]) > 0
""",
    "stress": """\
@pytest.mark.integration
@pytest.mark.stress_tools("latte")
def test_reads_per_second(docker_scylla, stress):
    script = "docker/latte/workloads/workload.rn"
    stress(f"latte load {script}").summary()
    summary = stress(f"latte run -d 2s -r 200 -f read {script}", timeout=20).summary()
    assert summary.number("op rate") > 0
    assert summary.quantities["latency 99th percentile"].unit == "ms"
""",
    "params": """\
def test_defaults(params):
    assert params["n_db_nodes"] == 1
    params["n_db_nodes"] = 3  # in this test alone
    assert params.get("stress_image.ycsb")
""",
    "events": """\
from sdcm.events.kinds import NodetoolEvent


def test_a_flush_begins_and_ends(events):
    before = events.events_counter
    with NodetoolEvent(node="n1", nodetool_command="flush"):
        pass
    assert events.events_counter == before + 2
""",
    "events_function_scope": """\
from sdcm.events.kinds import InfoEvent


def test_one_event(events_function_scope):
    InfoEvent(message="up").publish()
    assert events_function_scope.get_event_summary() == {"NORMAL": 1}
""",
}
MARKER_EXAMPLES: Mapping[str, str] = {
    "integration": """\
pytestmark = pytest.mark.integration  # for every test of a file


@pytest.mark.integration  # for one test
def test_an_image_is_ready(catalogue_image):
    assert catalogue_image("base-bookworm")
""",
    "services": """\
@pytest.mark.integration
@pytest.mark.services("docker", "aws")  # without AWS_ACCESS_KEY_ID or AWS_PROFILE: skipped, saying so
def test_backup(docker_scylla):
    import boto3

    assert "Buckets" in boto3.client("s3", region_name="us-east-1").list_buckets()
""",
    "needs": """\
@pytest.mark.integration
@pytest.mark.needs("alternator")  # skipped on a node without: Cassandra has none
def test_table(docker_scylla):
    assert docker_scylla.get_port("8000")
""",
    "timeout": """\
@pytest.mark.timeout(60)  # this test must end within a minute
def test_quick(tmp_path):
    (tmp_path / "a").write_text("quick")
""",
    "strict_events": """\
from sdcm.events.kinds import TestFrameworkEvent


@pytest.mark.strict_events
def test_a_failure_is_told(events):
    with events.expect(TestFrameworkEvent, regex="cannot reach"):
        TestFrameworkEvent(source="loader", message="cannot reach the node").publish()  # expected: the test passes
""",
    "sct_config": """\
@pytest.mark.sct_config(files=["test-cases/docker/minimal.yaml", "test-cases/docker/tls.yaml"])
def test_with_config(params):
    assert params["client_encrypt"]
""",
    "run_alone": """\
@pytest.mark.run_alone
def test_fills_the_disk(tmp_path):
    (tmp_path / "large").write_bytes(bytes(1_000_000))
""",
    "weight": """\
@pytest.mark.weight(3)  # with -n 4 one light test may run beside it
def test_sorts_a_lot():
    assert sorted(range(200_000, 0, -1))[0] == 1
""",
    "concurrency": """\
@pytest.mark.concurrency("licence server", limit=2)
def test_checks_out_a_licence(tmp_path):
    (tmp_path / "licence").touch()
""",
    "stress_tools": """\
@pytest.mark.integration
@pytest.mark.stress_tools("latte", "cassandra-stress")
def test_two_tools(docker_scylla, stress): ...
""",
    "docker_scylla_args": """\
@pytest.mark.integration
@pytest.mark.docker_scylla_args(ssl=True, memory_mb=768)
def test_with_tls(docker_scylla):
    assert docker_scylla.cql_connection().execute("SELECT cluster_name FROM system.local").one()
""",
}
#: What a fixture gives.
_GIVES: Mapping[str, type] = {
    "alternator_api": Alternator,
    "aws_resources": AwsResources,
    "s3_bucket": S3Bucket,
    "gce_resources": GceResources,
    "gcs_bucket": GcsBucket,
    "azure_resources": AzureResources,
    "azure_blob_container": BlobContainer,
    "oci_account": OciAccount,
    "docker_scylla": Node,
    "docker_vector_store": VectorStore,
    "docker_scylla_cluster": NodeRing,
    "fresh_keyspace": Keyspace,
    "random_values": RandomValues,
    "k8s_cluster": KubernetesNamespace,
    "kafka_cluster": KafkaCluster,
    "params": SCTConfiguration,
    "events": EventsDevice,
}


def page(rows: Rows, made: str) -> str:
    """Return the page; see `cli_page.page`."""
    found = list(fixtures())
    lines = ((f"[`{name}`](#{name})", scope, doc.partition("\n")[0]) for name, scope, doc in found)
    shown = "\n".join(_fixture(name, doc, rows) for name, _, doc in found)
    marks = "\n".join(_marker(name, line, rows) for name, line in markers.MARKERS.items())
    return f"""# Fixtures and markers

{made}

They come with the plugin: nothing is to be imported. How they go together is in
[write a test](../guides/write-a-test.md).

{rows(("fixture", "scope", "what it does"), lines)}
## Fixtures

{shown}
## Markers

`docker_scylla_args` and `sct_config` on a function win over those on its class, and these over those on its module,
argument by argument. `services` and `needs` add up.

{marks}"""


def fixtures() -> Iterator[tuple[str, str, str]]:
    """Yield name, scope and docstring of each fixture of the plugin."""
    for file in sorted(Path(markers.__file__).parent.glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in map(ast.unparse, node.decorator_list):
                if decorator.startswith("pytest.fixture"):
                    scope = re.search(r"scope='(\w+)'", decorator)
                    yield node.name, scope[1] if scope else "function", ast.get_docstring(node) or ""


def _example(of: Mapping[str, str], name: str) -> str:
    if name not in of:
        raise LookupError(f"write an example of {name} into {Path(__file__).name}")
    return f"```python\n{of[name]}```\n"


def _fixture(name: str, doc: str, rows: Rows) -> str:
    text = f"### {name}\n\n{doc}\n\n{_example(FIXTURE_EXAMPLES, name)}"
    return f"{text}\n{rows(('member', 'what it is or does'), _members(_GIVES[name]))}" if name in _GIVES else text


def _members(given: type) -> list[tuple[str, str]]:
    """Return what a class offers with the first line on each: attributes, its own members, those of its bases."""
    found = {name: (f"`{name}`", text) for name, text in _attributes_of(given).items()}
    for kind in given.__mro__[:-1]:
        for name, member in vars(kind).items():
            doc = inspect.getdoc(member)
            # What `dict` or `Sequence` says of itself tells nothing of ours.
            of_python = not kind.__module__.startswith("sdcm.") or doc == inspect.getdoc(type(member))
            if name.startswith("_") or not doc or of_python:
                continue
            arguments = f"({_arguments_of(member)})" if inspect.isfunction(member) else ""
            found.setdefault(name, (f"`{name}{arguments}`", doc.partition("\n")[0]))
    return list(found.values())


def _arguments_of(function: Callable[..., object]) -> str:
    """Return the arguments as a caller writes them: without `self` and types."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(bare)).strip("()")


def _attributes_of(given: type) -> dict[str, str]:
    """Return name -> meaning of the section `Attributes` of a class's docstring."""
    _, _, section = (inspect.getdoc(given) or "").partition("Attributes:\n")
    found = re.findall(r"^    (\w+): (.+(?:\n {6,}.+)*)$", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _marker(name: str, line: str, rows: Rows) -> str:
    spelt, _, meaning = line.partition(": ")
    text = f"### {name}\n\n`{spelt}`: {meaning}.\n\n{_example(MARKER_EXAMPLES, name)}"
    if name != node_arguments.MARKER:
        return text
    meanings = _attributes_of(NodeRequest)
    defaults = {field.name: field.default for field in dataclasses.fields(NodeRequest)}
    lines = (
        (f"`{argument}`", f"`{defaults[field]!r}`", meanings[field])
        for argument, field in node_arguments.ARGUMENTS.items()
    )
    others = ((f"`{argument}`", "", meaning) for argument, meaning in node_arguments.OTHERS.items())
    return f"{text}\n{rows(('argument', 'default', 'meaning'), [*lines, *others])}"
