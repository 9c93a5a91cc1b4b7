from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.config.model import load_params
from sdcm.containers.records import NodeRecord
from sdcm.errors import UsageProblem
from sdcm.events.device import EventsDevice
from sdcm.stress import live
from sdcm.stress.summary import UnreadableOutput
from sdcm.stress.ycsb import YcsbStressThread, parse_summary
from unit_tests.lib.fake_loader import FakeLoaders
from unit_tests.lib.recorded_output import recorded

CQL = "bin/ycsb run scylla -P workloads/workloada -threads 5"
DYNAMODB = "bin/ycsb run dynamodb -P workloads/workloada"


def test_one_operation_keeps_its_latency_whole() -> None:
    summary = parse_summary(recorded("ycsb-reads.txt"))
    assert summary["op rate"] == "47865.21156423511"
    assert summary["latency mean"] == summary["latency mean read"] == "1.6573425007610595"
    assert summary["latency 99th percentile"] == summary["latency 99th percentile read"] == "7"
    assert str(summary.quantities["latency mean"]) == "1.6573425007610595 ms"


def _with_counts(reads: int, inserts: int) -> str:
    """Return the recorded figures with the counts of operations, which YCSB prints and the source left out."""
    return f"{recorded('ycsb-two-operations.txt')}[READ], Operations, {reads}\n[INSERT], Operations, {inserts}\n"


@pytest.mark.parametrize(
    ("reads", "inserts", "mean"),
    [
        pytest.param(1, 0, "4.709976145", id="reads-alone"),
        pytest.param(500, 500, "3.723189275", id="half-and-half"),
        pytest.param(200, 800, "3.131117152", id="one-to-four"),
    ],
)
def test_the_mean_of_several_is_weighted_by_how_often_each_was_done(reads: int, inserts: int, mean: str) -> None:
    summary = parse_summary(_with_counts(reads, inserts))
    assert summary["latency mean"] == mean
    assert (summary["latency mean read"], summary["latency mean insert"]) == ("4.7099761448336", "2.7364024041831044")
    assert summary["latency 99th percentile"] == "59.519"
    assert summary["latency 99th percentile insert"] == "16.127"
    assert summary["op rate"] == "31562.565549908937"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda _: "", "it is empty", id="empty"),
        pytest.param(lambda text: text.partition("[READ]")[0], "it has no 'latency mean'", id="no-operation"),
        pytest.param(lambda text: text.replace("[OVERALL]", "[ALL]"), "it has no 'op rate'", id="no-throughput"),
        pytest.param(
            lambda text: text[: text.index("[READ], 99th")], "READ has no 99thPercentileLatency(us)", id="cut-short"
        ),
        pytest.param(lambda text: text.replace("(us), 1657.3425007610595", "(us), NaN"), "is NaN", id="not-a-number"),
        pytest.param(lambda text: text.replace("(us), 7000", "(us), seven"), "READ has no 99th", id="garbled"),
        pytest.param(
            lambda _: recorded("ycsb-two-operations.txt"), "does not say how often it was done", id="no-counts"
        ),
        pytest.param(lambda _: _with_counts(0, 0), "no operation was done", id="nothing-done"),
    ],
)
def test_what_cannot_be_read_is_an_error(change: Callable[[str], str], why: str) -> None:
    with pytest.raises(UnreadableOutput, match="YCSB's output cannot be read") as caught:
        parse_summary(change(recorded("ycsb-reads.txt")))
    assert why in str(caught.value)


def test_status_lines_while_it_runs(tmp_path: Path, node: Any) -> None:
    thread = YcsbStressThread(FakeLoaders(tmp_path, lambda _: None).set, CQL, 10, node_list=[node])
    read = thread.live_parser("run")
    samples = [sample for line in recorded("ycsb-status.txt").splitlines() for sample in read(line)]
    assert [sample.operation for sample in samples] == ["read", "insert"] * 2
    assert samples[0].values[live.MEAN] == pytest.approx(0.54839)
    assert samples[1].values[live.P99] == 2.779
    assert sum(sample.values[live.OPS] for sample in samples[:2]) == pytest.approx(37634.74)
    [verified] = read("[VERIFY], Return=UNEXPECTED_STATE, 12")
    assert (verified.operation, dict(verified.values)) == ("verify", {"UNEXPECTED_STATE": 12.0})


def test_the_command_for_cql(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    loaders = FakeLoaders(tmp_path, lambda _: (0, recorded("ycsb-reads.txt"), ""))
    thread = YcsbStressThread(loaders.set, CQL, 10, node_list=[node], cluster_tester=None)
    [summary], errors = thread.run().parse_results()
    assert (summary["latency mean"], errors) == ("1.6573425007610595", {})
    assert loaders.containers[0].commands == [
        (
            "cd /usr/local/share/scylla-ycsb && bin/ycsb.sh run scylla -P workloads/workloada -threads 5 -s -p"
            " maxexecutiontime=10 -p scylla.hosts=10.0.0.1 -p scylla.readconsistencylevel=QUORUM -p"
            " scylla.writeconsistencylevel=QUORUM -p scylla.username=cassandra -p scylla.password=s3cret"
        )
    ]
    assert "s3cret" not in "".join(device.get_formatted_event_lines())


def test_the_command_for_dynamodb(tmp_path: Path, node: Any) -> None:
    params = load_params((), {}, tmp_path)
    params.update(
        {
            "alternator_loadbalancing": True,
            "alternator_trust_all_certificates": False,
            "dynamodb_primarykey_type": "HASH_AND_RANGE",
        }
    )
    loaders = FakeLoaders(tmp_path, lambda _: (0, recorded("ycsb-reads.txt"), ""))
    YcsbStressThread(loaders.set, DYNAMODB, 10, node_list=[node], params=params).run().runs()
    [command] = loaders.containers[0].commands
    assert command.endswith("-s -p maxexecutiontime=10 -P /tmp/dynamodb.properties")
    [archive] = loaders.containers[0].archives
    assert b"dynamodb.endpoint = http://10.0.0.1:8000" in archive
    assert b"dynamodb.hashKeyName = p" in archive
    assert b"trustAllCertificates" not in archive


@pytest.mark.parametrize(
    ("settings", "credentials"),
    [
        pytest.param({}, b"accessKey = alternator\nsecretKey = $6$salted\n", id="of-the-node"),
        pytest.param(
            {"alternator_access_key_id": "alternator"},
            b"accessKey = alternator\nsecretKey = $6$salted\n",
            id="secret-of-the-node",
        ),
        pytest.param(
            {"alternator_access_key_id": "me", "alternator_secret_access_key": "mine"},
            b"accessKey = me\nsecretKey = mine\n",
            id="given",
        ),
    ],
)
def test_requests_are_signed_with_keys_that_a_scylla_node_takes(
    tmp_path: Path, node_record: NodeRecord, settings: dict[str, str], credentials: bytes
) -> None:
    """Scylla takes the salted hash of the role's password for its secret, and refuses the password."""
    asked: list[str] = []

    def execute(statement: str) -> list[Any]:
        asked.append(statement)
        return [SimpleNamespace(salted_hash="$6$salted")]

    node: Any = SimpleNamespace(
        cql_address=node_record.ip,
        record=replace(node_record, flavour="scylla", capabilities=("alternator", "cql")),
        cql_connection=lambda: SimpleNamespace(execute=execute),
    )
    params = load_params((), {}, tmp_path)
    params.update({"alternator_use_dns_routing": True, "alternator_enforce_authorization": True, **settings})
    loaders = FakeLoaders(tmp_path, lambda _: (0, recorded("ycsb-reads.txt"), ""))
    YcsbStressThread(loaders.set, DYNAMODB, 10, node_list=[node], params=params).run().runs()
    [archive] = loaders.containers[0].archives
    assert credentials in archive
    assert any("CREATE ROLE" in statement for statement in asked) == (b"$6$" in credentials)


def test_dynamodb_wants_one_way_to_find_nodes(tmp_path: Path) -> None:
    params = load_params((), {}, tmp_path)
    with pytest.raises(UsageProblem, match="by DNS or by its own load balancing"):
        YcsbStressThread(FakeLoaders(tmp_path, lambda _: None).set, DYNAMODB, 10, params=params)


def test_lines_that_tell_of_wrong_data_are_errors(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    output = recorded("ycsb-reads.txt") + "[VERIFY], Return=UNEXPECTED_STATE, 12\n[READ], Return=ERROR, 3\n"
    YcsbStressThread(FakeLoaders(tmp_path, lambda _: (0, output, "")).set, CQL, 10, node_list=[node]).run().runs()
    types = [each.attrs["type"] for each in device.snapshots if each.attrs["base"] == "YcsbStressLogEvent"]
    assert types == ["UnexpectedState", "ReturnedError"]
    assert len(device.get_events_by_category()["ERROR"]) == 2
