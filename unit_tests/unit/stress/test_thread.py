"""The path that every tool takes, shown with cassandra-stress in containers that run nothing."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm import journal
from sdcm.config.model import load_params
from sdcm.errors import UsageProblem
from sdcm.events.device import EventsDevice
from sdcm.events.severity import Severity
from sdcm.metrics import MetricsServer
from sdcm.stress.cassandra_stress import CassandraStressThread
from sdcm.stress.outcome import StressFailed
from sdcm.stress.tools import thread_class
from unit_tests.lib.fake_loader import Answer, FakeLoaders
from unit_tests.lib.recorded_output import recorded

MIXED = "cassandra-stress mixed 'ratio(write=1,read=2)' duration=6s -rate threads=10"


def _good(_line: str) -> Answer:
    return 0, recorded("cassandra-stress-mixed.txt"), ""


def _endless(line: str) -> Answer | None:
    return (0, "", "") if " help " in line else None


def _thread(loaders: FakeLoaders, node: Any, cmd: str = MIXED, **more: Any) -> CassandraStressThread:
    return CassandraStressThread(loaders.set, cmd, timeout=10, node_list=[node], **more)


def test_every_loader_runs_the_command_stress_num_times(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    loaders = FakeLoaders(tmp_path, _good, count=2)
    thread = _thread(loaders, node, stress_num=3)
    assert thread.run() is thread
    results = thread.get_results()
    assert [loader.name for loader, _, _ in results] == ["loader-1"] * 3 + ["loader-2"] * 3
    summaries, errors = thread.parse_results()
    assert not errors
    assert {(summary["loader_idx"], summary["cpu_idx"]) for summary in summaries} == {
        (loader, cpu) for loader in "12" for cpu in "012"
    }
    assert [request.image for request in loaders.requests] == ["cassandra-stress"] * 2
    assert loaders.requests[0].network == "sct-12345678"
    assert loaders.given_back == 2
    assert device.get_event_summary() == {"NORMAL": 12}
    assert len({event.event_id for _, _, event in results}) == 6


def test_round_robin_takes_one_loader_after_another(tmp_path: Path, node: Any) -> None:
    loaders = FakeLoaders(tmp_path, _good, count=2)
    used = [
        loader.name for _ in range(3) for loader, _, _ in _thread(loaders, node, round_robin=True).run().get_results()
    ]
    assert used == ["loader-1", "loader-2", "loader-1"]


def test_a_run_is_told_in_journal_log_and_metrics(
    tmp_path: Path, node: Any, device: EventsDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    path.touch()
    monkeypatch.setenv(journal.ENVIRONMENT_VARIABLE, str(path))
    with MetricsServer() as server:
        [run] = _thread(FakeLoaders(tmp_path, _good), node).run().runs()
        [family] = [each for each in server.registry.collect() if each.name == "sct_cassandra_stress_mixed_gauge"]
        labels = {
            "cassandra_stress_mixed": "0",
            "instance": "10.0.0.9",
            "loader_idx": "1",
            "cpu_idx": "0",
            "keyspace": "",
        }
        assert {"ops", "lat_mean", "lat_perc_99"} < {sample.labels["type"] for sample in family.samples}
        for sample in family.samples:
            assert sample.labels | {"type": ""} == labels | {"type": ""}
            assert sample.value == 0, "the run has ended"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record["state"] for record in told] == ["started", "running", "done"]
    assert told[1]["values"]["ops"] == 30
    assert told[2]["text"] == "op rate 277 op/s, latency mean 31.9 ms, latency 99th percentile 263.5 ms"
    assert re.fullmatch(r"cassandra-stress-mixed-l1-c0-\d{8}-\d{6}-[0-9a-f-]{36}\.log", run.log.name)
    assert re.search(r"^\[\d{4}-\d\d-\d\dT[^\]]+\] Op rate ", run.log.read_text(), re.MULTILINE)
    assert "s3cret" not in path.read_text() + "".join(device.get_formatted_event_lines())


def test_a_failed_run_is_critical_with_its_last_lines(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    answer = (1, "one\ntwo\n", "Failed to connect over JMX; not collecting these stats\nfirst\nsecond\nthird\n")
    thread = _thread(FakeLoaders(tmp_path, lambda _: answer), node).run()
    summaries, errors = thread.parse_results()
    problem = "Stress command completed with bad status 1: first second"
    assert (summaries, errors) == ([], {"loader-1": [(Severity.CRITICAL, problem)]})
    [line] = device.get_events_by_category()["CRITICAL"]
    assert all(text in line for text in ("CassandraStressEvent", problem, "second\nthird"))
    with pytest.raises(StressFailed, match="bad status 1: first second"):
        thread.summary()


def test_a_failure_may_be_no_more_than_an_error(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    _thread(FakeLoaders(tmp_path, lambda _: (2, "", "no")), node, stop_test_on_failure=False).run().runs()
    assert device.get_event_summary() == {"NORMAL": 1, "ERROR": 1}


@pytest.mark.parametrize(
    ("output", "why"),
    [
        pytest.param("", "it is empty", id="empty"),
        pytest.param("Connected to cluster: x\n", "it has no 'Results:'", id="no-results"),
    ],
)
def test_a_good_status_without_figures_is_an_error(
    tmp_path: Path, node: Any, device: EventsDevice, output: str, why: str
) -> None:
    summaries, errors = _thread(FakeLoaders(tmp_path, lambda _: (0, output, "")), node).run().parse_results()
    assert summaries == []
    [(severity, problem)] = errors["loader-1"]
    assert (severity, why in problem) == (Severity.CRITICAL, True)
    assert len(device.get_events_by_category()["CRITICAL"]) == 1


def test_a_killed_run_is_a_warning(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    loaders = FakeLoaders(tmp_path, _endless)
    thread = _thread(loaders, node).run()
    assert not thread.wait(0.01)
    thread.kill()
    summaries, errors = thread.parse_results()
    assert (summaries, errors) == ([], {"loader-1": [(Severity.WARNING, "Stress killed by test/teardown")]})
    assert device.get_event_summary() == {"NORMAL": 1, "WARNING": 1}
    assert loaders.given_back == 1


def test_what_still_runs_ends_with_the_loaders(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    loaders = FakeLoaders(tmp_path, _endless)
    threads = [_thread(loaders, node).run() for _ in range(2)]
    loaders.set.close()
    assert [run.state for thread in threads for run in thread.runs()] == ["killed", "killed"]
    assert loaders.given_back == 2


def test_past_its_soft_timeout_it_goes_on_with_a_warning(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    thread = _thread(FakeLoaders(tmp_path, _endless), node)
    thread.soft_timeout = 0.01
    with device.wait_for_n_events(device, 2, timeout=60):
        thread.run()
    assert "SoftTimeoutEvent" in device.get_events_by_category()["WARNING"][0]
    thread.close()


def test_lines_of_the_output_become_events_of_their_own(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    bad = "java.io.IOException: Operation x10 on key(s) [31]: Data returned was not validated\n"
    thread = _thread(FakeLoaders(tmp_path, lambda _: (1, bad * 25, "")), node, stress_num=2).run()
    thread.runs()
    lines = [snapshot for snapshot in device.snapshots if snapshot.attrs["base"] == "CassandraStressLogEvent"]
    assert len(lines) == 2 * 21, "twenty of each run, and how many more there were"
    assert {snapshot.severity for snapshot in lines} == {Severity.CRITICAL}
    assert {snapshot.attrs["type"] for snapshot in lines} == {"OperationOnKey"}
    assert sum("and 5 more such lines" in snapshot.formatted for snapshot in lines) == 2
    assert len({snapshot.attrs["event_id"] for snapshot in lines}) == len(lines)


def test_the_command_line(tmp_path: Path, node: Any) -> None:
    loaders = FakeLoaders(
        tmp_path, lambda line: (0, "[skip-unsupported-columns]", "") if "help" in line else _good(line)
    )
    cmd = "cassandra-stress write n=10 cl=ONE -schema 'replication(factor=1)' -rate threads=2"
    _thread(loaders, node, cmd, keyspace_num=2).run().runs()
    asked, *run = loaders.containers[0].commands
    assert asked == "cassandra-stress help -errors"
    assert sorted(run) == [
        f"echo TAG: loader_idx:1-cpu_idx:0-keyspace_idx:{index}; cassandra-stress write no-warmup n=10 cl=ONE -schema"
        f" 'replication(factor=1)' keyspace=keyspace{index} -rate threads=2 -mode native cql3 user=cassandra"
        " password=s3cret -node 10.0.0.1 -errors skip-unsupported-columns"
        for index in (1, 2)
    ]


def test_a_profile_is_copied_in(tmp_path: Path, node: Any) -> None:
    (tmp_path / "data_dir").mkdir()
    (tmp_path / "data_dir" / "custom.yaml").write_text("keyspace: keyspace1")
    loaders = FakeLoaders(tmp_path, _good)
    _thread(loaders, node, "cassandra-stress user profile=/tmp/custom.yaml 'ops(simple1=1)' n=5").run().runs()
    assert "user no-warmup profile=/tmp/custom.yaml 'ops(simple1=1)' n=5" in loaders.containers[0].commands[-1]
    assert b"keyspace: keyspace1" in loaders.containers[0].archives[0]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        pytest.param("cassandra-stress frob n=1", "knows no operation 'frob'", id="operation"),
        pytest.param("cassandra-stress user profile=/tmp/none.yaml n=1", "no file here", id="profile"),
        pytest.param("siege -c 5", "no stress tool is called 'siege'", id="tool"),
    ],
)
def test_what_cannot_work_is_refused_at_once(tmp_path: Path, command: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why):
        thread_class(command)(FakeLoaders(tmp_path, _good).set, command, 10)


def test_nodes_are_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"needs nodes -- give node_list=\[docker_scylla\]"):
        CassandraStressThread(FakeLoaders(tmp_path, _good).set, MIXED, 10).run()


@pytest.mark.parametrize("tool", ["cassandra-stress", "cql-stress-cassandra-stress"])
def test_tls_with_a_certificate_of_the_clients_own(tmp_path: Path, node: Any, tool: str) -> None:
    (tmp_path / "tls").mkdir()
    for name in ("ca.pem", "ca.key", "test.crt", "test.key"):
        (tmp_path / "tls" / name).write_text(f"-- {name} --")
    secured = SimpleNamespace(cql_address="10.0.0.2", record=replace(node.record, ssl_dir=str(tmp_path / "tls")))
    params = load_params((), {}, tmp_path)
    params.update({"client_encrypt": True, "client_encrypt_mtls": True})
    loaders = FakeLoaders(tmp_path, _good)
    cmd = f"{tool} write n=10 -rate threads=2"
    thread_class(cmd)(loaders.set, cmd, 10, node_list=[secured], params=params).run().runs()
    *prepared, run = (line for line in loaders.containers[0].commands if " help " not in line)
    folder = "/etc/scylla/ssl_conf"
    if tool == "cassandra-stress":
        assert "keytool -importcert" in prepared[0]
        assert f"openssl pkcs12 -export -in {folder}/test.crt -inkey {folder}/test.key" in prepared[1]
        assert f"-transport truststore={folder}/truststore.jks truststore-password=cassandra ssl-ciphers=TLS_" in run
        assert f"keystore={folder}/keystore.p12 keystore-password=cassandra" in run
    else:
        assert prepared == [f"cat {folder}/test.crt {folder}/test.key > {folder}/keystore.pem"]
        assert f"-transport truststore={folder}/ca.pem keystore={folder}/keystore.pem" in run
    [archive] = loaders.containers[0].archives
    assert b"-- test.key --" in archive
    assert b"-- ca.key --" not in archive, "the authority's key stays where it is"


def test_tls_is_not_asked_of_a_node_without(tmp_path: Path, node: Any) -> None:
    params = load_params((), {}, tmp_path)
    params["client_encrypt"] = True
    with pytest.raises(UsageProblem, match="not every node speaks TLS"):
        _thread(FakeLoaders(tmp_path, _good), node, params=params).run()
