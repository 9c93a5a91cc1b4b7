"""Stress tools put load on real nodes.

External services: Docker (database nodes, stress tools)
"""

import re

import pytest

from sdcm.events.severity import Severity
from unit_tests.lib.lazily import lazily

requests = lazily("requests")
latte = lazily("sdcm.stress.latte")

SCRIPT = "docker/latte/workloads/workload.rn"


@pytest.mark.integration
@pytest.mark.stress_tools("latte")
def test_latte(docker_scylla, stress, loaders, params, prom_address, events_function_scope):
    """latte: schema, load, a run of ten seconds, read back; its figures are those of its own report.

    External services: Docker (database node, latte)
    """
    params["use_hdrhistogram"] = True
    stress(f"latte load -P rows=2000 {SCRIPT}").summary()
    rows = docker_scylla.cql_connection().execute("SELECT id, v FROM latte.basic").all()
    assert sorted((row.id, row.v) for row in rows) == [(n, n + 1) for n in range(2000)]

    thread = stress(f"latte run -d 10s -f write:1,read:3 -P rows=2000 {SCRIPT}", timeout=180)
    scraped = []
    while not thread.wait(1.0):
        scraped.append(requests.get(f"http://{prom_address}/metrics", timeout=5).text)
    live = re.findall(r'sct_latte_mixed_gauge\{.*type="ops".*\} ([\d.]+)', "\n".join(scraped))
    assert live, scraped[-1]
    assert max(map(float, live)) > 0

    [(loader, result, event)] = thread.get_results()
    [summary], errors = thread.parse_results()
    assert not errors
    told = result.stdout
    assert re.search(rf"Throughput\s+\[op/s\]\s+{summary['op rate']}\b", told)
    assert re.search(rf"Request latency\s+\[ms\]\s+{re.escape(summary['latency mean'])}\b", told)
    for function in ("read", "write"):
        section = told.partition(f"CYCLE LATENCY for {function} ")[2]
        [p99] = re.findall(r"^\s*99\s+([\d.]+)", section.partition("CYCLE LATENCY")[0], re.MULTILINE)
        assert summary[f"latency 99th percentile {function}"] == p99
    assert summary.number("op rate") > 0
    assert 0 < summary.number("latency mean") < summary.number("latency 99th percentile")
    assert str(summary.quantities["op rate"]) == f"{summary['op rate']} op/s"
    [run] = thread.runs()
    assert sum(latencies.count for latencies in run.histograms.values()) > 0
    assert "--password ***" in event.stress_cmd
    assert loader.name == "loader-1"
    assert "op/s" in run.log.read_text()
    assert events_function_scope.get_event_summary().keys() == {"NORMAL"}

    failed = latte.LatteStressThread(loaders, f"latte run -f nothing {SCRIPT}", timeout=180, node_list=[docker_scylla])
    _, errors = failed.run().parse_results()
    [(severity, message)] = errors["loader-1"]
    assert severity is Severity.CRITICAL
    assert "Function nothing not found" in message
    [line] = events_function_scope.get_events_by_category()["CRITICAL"]
    assert "LatteStressEvent" in line
    assert "Function nothing not found" in line


@pytest.mark.integration
@pytest.mark.stress_tools("cassandra-stress")
def test_cassandra_stress(docker_scylla, stress, params, events_function_scope):
    """cassandra-stress: write, two mixed runs at once with histograms, read back; then a failure, then a kill.

    External services: Docker (database node, cassandra-stress)
    """
    stress("cassandra-stress write n=3000 cl=ONE -pop seq=1..3000 -rate threads=8").summary()
    count = docker_scylla.cql_connection().execute("SELECT count(*) FROM keyspace1.standard1").one()[0]
    assert count == 3000

    params["use_hdrhistogram"] = True
    mixed = "cassandra-stress mixed 'ratio(write=1,read=2)' duration=10s cl=ONE -pop seq=1..3000 -rate threads=4"
    thread = stress(mixed, timeout=180, stress_num=2)
    summaries, errors = thread.parse_results()
    assert not errors
    assert [(summary["loader_idx"], summary["cpu_idx"]) for summary in summaries] == [("1", "0"), ("1", "1")]
    for run, summary in zip(thread.runs(), summaries, strict=True):
        told = run.result.stdout
        for name in ("op rate", "latency mean", "latency 99th percentile"):
            [line] = [line for line in told.splitlines() if line.lower().startswith(f"{name} ")]
            read, write = (re.search(rf"{kind}: ([\d.,]+)", line)[1] for kind in ("READ", "WRITE"))
            whole = line.partition(":")[2].split()
            assert (summary[name], summary.quantities[name].unit) == (whole[0].replace(",", ""), whole[1])
            assert summary[f"{name} read"] == read.replace(",", "")
            assert summary[f"{name} write"] == write.replace(",", "")
        operations = int(summary["total partitions"])
        assert sum(latencies.count for latencies in run.histograms.values()) == operations
        assert abs(run.histograms["READ-st"].mean - summary.number("latency mean read")) <= 0.051

    _, errors = stress("cassandra-stress read n=500 cl=ONE -pop seq=900001..900500 -rate threads=2").parse_results()
    [(severity, message)] = errors["loader-1"]
    assert (severity, "bad status 1" in message) == (Severity.CRITICAL, True)
    critical = events_function_scope.get_events_by_category()["CRITICAL"]
    assert any("CassandraStressLogEvent" in line and "Operation x" in line for line in critical)
    assert any("CassandraStressEvent" in line for line in critical)

    calmly = "threads=2 throttle=100/s"  # others want the processors, too
    endless = stress(f"cassandra-stress read duration=10m cl=ONE -pop seq=1..3000 -rate {calmly}", timeout=700)
    assert not endless.wait(3.0)
    endless.kill()
    summaries, errors = endless.parse_results()
    assert (summaries, errors) == ([], {"loader-1": [(Severity.WARNING, "Stress killed by test/teardown")]})


@pytest.mark.integration
@pytest.mark.stress_tools("latte", "cassandra-stress")
@pytest.mark.docker_scylla_args(ssl=True)
def test_over_tls(docker_scylla, stress, params):
    """Latte and cassandra-stress put load on a node that speaks nothing but TLS; what they wrote is there.

    External services: Docker (database node, latte, cassandra-stress)
    """
    params["client_encrypt"] = True
    stress(f"latte load -P rows=500 {SCRIPT}").summary()
    assert stress(f"latte run -d 2s -r 200 -f read -P rows=500 {SCRIPT}", timeout=180).summary().number("op rate") > 0
    params["client_encrypt_mtls"] = True
    written = stress("cassandra-stress write n=500 cl=ONE -pop seq=1..500 -rate threads=4").summary()
    assert written["total partitions"] == "500"
    session = docker_scylla.cql_connection()
    for table in ("latte.basic", "keyspace1.standard1"):
        assert session.execute(f"SELECT count(*) FROM {table}").one()[0] == 500


@pytest.mark.integration
@pytest.mark.parametrize(
    ("tool", "command"),
    [
        pytest.param("cql-stress-cassandra-stress", "cql-stress-cassandra-stress write n=100", id="cql-stress"),
        pytest.param("scylla-bench", "scylla-bench -workload=sequential -mode=write -partition-count=5", id="s-b"),
        pytest.param("ycsb", "bin/ycsb load scylla -P workloads/workloada -p recordcount=100", id="ycsb"),
        pytest.param("gemini", "gemini --duration=5s --warmup=1s --concurrency=2 --mode=write", id="gemini"),
        pytest.param("ndbench", "ndbench cli.clientName=CassJavaDriverGeneric ; numKeys=100", id="ndbench"),
        pytest.param("nosqlbench", "nosqlbench run driver=cqld4 workload=cql-keyvalue cycles=100", id="nosqlbench"),
        pytest.param("harry", "run-stress -duration 1", id="harry"),
    ],
)
def test_tools_that_can_only_be_pulled(tool, command, catalogue_image, request):
    """Tools that no package registry has run too where a registry has their image, else skip naming it.

    External services: Docker (database node, stress tools)
    """
    catalogue_image(tool)  # before a node is booted
    node = request.getfixturevalue("docker_scylla")
    if tool == "ycsb":
        session = node.cql_connection()
        session.execute("CREATE KEYSPACE ycsb WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        fields = ", ".join(f"field{number} varchar" for number in range(10))
        session.execute(f"CREATE TABLE ycsb.usertable (y_id varchar PRIMARY KEY, {fields})")
    assert request.getfixturevalue("stress")(command, timeout=120, node_list=[node]).summary()
