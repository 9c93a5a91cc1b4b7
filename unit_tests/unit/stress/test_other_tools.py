"""cql-stress, NDBench, NoSQLBench and Harry: command lines and parsers; and the images of all tools."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdcm.config.model import load_params
from sdcm.environment.catalogue import Catalogue
from sdcm.errors import UsageProblem
from sdcm.events.device import EventsDevice
from sdcm.stress import harry, ndbench, nosqlbench
from sdcm.stress.cassandra_stress_output import parse_summary
from sdcm.stress.cql_stress import CqlStressCassandraStressThread
from sdcm.stress.images import image_of
from sdcm.stress.summary import Summary, UnreadableOutput
from sdcm.stress.tools import thread_class
from unit_tests.lib.fake_loader import FakeLoaders
from unit_tests.lib.recorded_output import recorded

#: What Harry says at its end; no recorded run is public.
HARRY = "INFO  [main] 2022-08-16 10:00:00,000 Runner.java:255 - Completed\n"


def test_figures_of_an_older_cassandra_stress_get_their_units() -> None:
    summary = parse_summary("cassandra-stress", recorded("cassandra-stress-old.txt"))
    assert (summary["op rate"], summary["latency 99th percentile"], summary["total partitions"]) == (
        "46751", "60.5", "1000000",
    )  # fmt: skip
    assert [str(summary.quantities[name]) for name in ("op rate", "latency mean")] == ["46751 op/s", "4.3 ms"]
    assert "op rate write" not in summary


def test_cql_stress_gets_its_own_words(tmp_path: Path, node: Any) -> None:
    cmd = (
        "cql-stress-cassandra-stress write n=10 -col 'size=FIXED(64) n=FIXED(16)' -pop seq=1..10 -rate threads=2"
        " -mode cql3 native"
    )
    loaders = FakeLoaders(tmp_path, lambda _: (0, recorded("cassandra-stress-mixed.txt"), ""))
    CqlStressCassandraStressThread(loaders.set, cmd, 10, node_list=[node]).run().runs()
    assert loaders.containers[0].commands == [
        (
            "echo TAG: loader_idx:1-cpu_idx:0-keyspace_idx:1; cql-stress-cassandra-stress write no-warmup n=10 -col"
            " 'size=FIXED(64) n=16' -pop 'dist=SEQ(1..10)' -rate threads=2 -mode cql3 native user=cassandra"
            " password=s3cret -node 10.0.0.1"
        )
    ]


def test_ndbench_figures_are_those_of_the_last_interval() -> None:
    summary = ndbench.parse_summary(recorded("ndbench-statistics.txt"))
    assert (summary["op rate"], summary["op rate read"], summary["op rate write"]) == ("9048", "7246", "1802")
    assert str(summary.quantities["latency mean read"]) == "0.314 ms"
    assert str(summary.quantities["success ratio"]) == "100 %"


def test_the_command_of_ndbench(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    loaders = FakeLoaders(tmp_path, lambda _: (0, recorded("ndbench-statistics.txt") + "ERROR one\nBUILD FAILED\n", ""))
    cmd = "ndbench cli.clientName=CassJavaDriverGeneric ; numKeys=20000"
    thread = ndbench.NdBenchStressThread(loaders.set, cmd, 5, node_list=[node]).run()
    assert not thread.parse_results()[1]
    assert loaders.containers[0].commands == [
        (
            "./gradlew -Dndbench.config.cass.host=10.0.0.1 -Dndbench.config.cass.username=cassandra"
            " -Dndbench.config.cass.password=s3cret -Dndbench.config.cli.timeoutMillis=5000"
            " -Dndbench.config.cli.clientName=CassJavaDriverGeneric -Dndbench.config.numKeys=20000 run"
        )
    ]
    assert device.get_event_summary() == {"NORMAL": 2, "ERROR": 1, "CRITICAL": 1}
    reads, writes = thread.live_parser("run")(recorded("ndbench-statistics.txt").strip())
    assert (reads.operation, dict(reads.values)) == ("read", {"lat_avg": 0.314, "ops": 7246})
    assert writes.operation == "write"
    with pytest.raises(UsageProblem, match="wants name=value"):
        ndbench.NdBenchStressThread(loaders.set, "ndbench a=b ; nonsense", 5)


def test_nosqlbench_is_done_when_every_activity_is() -> None:
    summary = nosqlbench.parse_summary(recorded("nosqlbench-progress.txt"))
    assert summary == {"progress cql-keyvalue": "100.00", "status": "completed"}


def test_runs_of_nosqlbench_share_no_names(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    loaders = FakeLoaders(tmp_path, lambda _: (0, recorded("nosqlbench-progress.txt"), ""))
    cmd = "nosqlbench run driver=cqld4 workload=cql-keyvalue cycles=100k"
    thread = nosqlbench.NoSQLBenchStressThread(loaders.set, cmd, 5, node_list=[node], stress_num=2)
    assert not thread.run().parse_results()[1]
    assert set(loaders.containers[0].commands) == {
        (
            "java -jar nb5.jar run driver=cqld4 workload=cql-keyvalue cycles=100k hosts=10.0.0.1 localdc=datacenter1"
            " username=cassandra password=s3cret --progress console:5s"
        )
    }
    assert device.get_event_summary() == {"NORMAL": 6, "DEBUG": 8}


def test_harry_says_that_it_is_done() -> None:
    assert harry.parse_summary(HARRY) == {"status": "completed"}


def test_harry_remembers_what_each_run_gave(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    loaders = FakeLoaders(tmp_path, lambda _: (1, HARRY, "java.lang.IllegalStateException"))
    thread = harry.CassandraHarryThread(loaders.set, "run-stress -duration 1", 5, node_list=[node]).run()
    [(_, result, event)] = thread.get_results()
    assert (result.exit_status, type(event).__name__) == (1, "CassandraHarryEvent")
    assert "bad status 1" in event.errors[0]
    assert loaders.containers[0].commands == [
        "run-stress -duration 1 -node 10.0.0.1 -username cassandra -password s3cret"
    ]
    assert len(device.get_events_by_category()["CRITICAL"]) == 1


@pytest.mark.parametrize(
    ("parse", "text", "why"),
    [
        pytest.param(ndbench.parse_summary, "", "it is empty", id="ndbench-empty"),
        pytest.param(ndbench.parse_summary, "Read avg: 0.314ms, Read RPS: 72", "it has no", id="ndbench-cut-short"),
        pytest.param(ndbench.parse_summary, "Read avg: -ms, Read RPS: x, Write", "it has no", id="ndbench-garbled"),
        pytest.param(nosqlbench.parse_summary, "", "it is empty", id="nosqlbench-empty"),
        pytest.param(
            nosqlbench.parse_summary,
            "\n".join(recorded("nosqlbench-progress.txt").splitlines()[:4]),
            "cql-keyvalue stopped at 8.87 %",
            id="nosqlbench-cut-short",
        ),
        pytest.param(nosqlbench.parse_summary, "cql-keyvalue: ??%/Running", "no progress", id="nosqlbench-garbled"),
        pytest.param(harry.parse_summary, "", "it is empty", id="harry-empty"),
        pytest.param(harry.parse_summary, HARRY[:50], "does not say 'Completed'", id="harry-cut-short"),
    ],
)
def test_what_cannot_be_read_is_an_error(parse: Callable[[str], Summary], text: str, why: str) -> None:
    with pytest.raises(UnreadableOutput, match="output cannot be read") as caught:
        parse(text)
    assert why in str(caught.value)


def test_default_images_are_the_catalogues(tmp_path: Path) -> None:
    params = load_params((), {}, tmp_path)
    catalogue = Catalogue.load()
    ours = [name for name in params["stress_image"] if name in catalogue.names()]
    assert len(ours) == 9
    for tool in ours:
        assert image_of(tool, params) == tool
        assert params[f"stress_image.{tool}"] == f"docker.io/{catalogue.entry(tool).pull}"


def test_an_image_that_somebody_names_is_that_very_image(tmp_path: Path, node: Any) -> None:
    params = load_params((), {"SCT_STRESS_IMAGE__latte": "mine/latte:1"}, tmp_path)
    assert image_of("latte", params) == "mine/latte:1"
    params["stress_image.ycsb"] = "mine/ycsb:2"
    assert image_of("ycsb", params) == "mine/ycsb:2"
    loaders = FakeLoaders(tmp_path, lambda _: (0, "", ""))
    thread = thread_class("bin/ycsb run scylla")(loaders.set, "bin/ycsb run scylla", 5, node_list=[node], params=params)
    thread.run().runs()
    assert [request.image for request in loaders.requests] == ["mine/ycsb:2"]
    assert thread.docker_image_name == "mine/ycsb:2"
