from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.errors import UsageProblem
from sdcm.stress import live
from sdcm.stress.scylla_bench import ScyllaBenchThread, parse_summary
from sdcm.stress.summary import UnreadableOutput
from unit_tests.lib.fake_loader import FakeLoaders
from unit_tests.lib.recorded_output import recorded

READ = "scylla-bench -mode=read -workload=uniform -duration=10s"
#: Laid out as https://github.com/scylladb/scylla-bench prints its results (PrintTotalResults, printLatencyResults);
#: the figures are made up.
RESULTS = """
Results
Time (avg):\t 9.871s
Total ops:\t 61234
Total rows:\t 61234
Operations/s:\t 6803
Rows/s:\t\t 6803
raw latency :
  max:\t\t 5.668863ms
  99.9th:\t 5.537791ms
  99th:\t\t 3.440639ms
  95th:\t\t 3.342335ms
  90th:\t\t 2.1ms
  median:\t 852µs
  mean:\t\t 1.1ms
c-o fixed latency :
  max:\t\t 1m5.668863s
  99th:\t\t 44s
  mean:\t\t 12s
"""


def _whole() -> str:
    return recorded("scylla-bench-rows.txt") + RESULTS


def test_raw_latencies_and_configuration() -> None:
    summary = parse_summary(_whole())
    assert (summary["op rate"], summary["row rate"], summary["total operations"]) == ("6803", "6803", "61234")
    assert (summary["latency mean"], summary["latency median"]) == ("1.1", "0.852")
    assert (summary["latency 99th percentile"], summary["latency max"]) == ("3.440639", "5.668863")
    assert summary["Clustering row size"] == "Fixed(5120)"
    assert [str(summary.quantities[name]) for name in ("op rate", "latency mean")] == ["6803 op/s", "1.1 ms"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda _: "", "it is empty", id="empty"),
        pytest.param(lambda _: recorded("scylla-bench-rows.txt"), "it has no 'Results'", id="killed-while-running"),
        pytest.param(
            lambda _: recorded("scylla-bench-infinite-rate.txt"), "its 'op rate' is Infinity", id="infinite-rate"
        ),
        pytest.param(lambda text: text[: text.index("  99th:")], "it has no 'latency mean'", id="cut-short"),
        pytest.param(lambda text: text.replace("3.440639ms", "soon"), "'soon' is no duration", id="garbled"),
    ],
)
def test_what_cannot_be_read_is_an_error(change: Callable[[str], str], why: str) -> None:
    with pytest.raises(UnreadableOutput, match="scylla-bench's output cannot be read") as caught:
        parse_summary(change(_whole()))
    assert why in str(caught.value)


def test_rows_while_it_runs(tmp_path: Path, node: Any) -> None:
    thread = ScyllaBenchThread(FakeLoaders(tmp_path, lambda _: None).set, READ, 10, node_list=[node])
    read = thread.live_parser("read")
    samples = [sample for line in recorded("scylla-bench-rows.txt").splitlines() for sample in read(line)]
    assert [sample.values[live.OPS] for sample in samples] == [6429, 6347, 6196, 6536, 7185, 7310]
    assert samples[0].values[live.P99] == 793
    assert samples[1].values[live.MAX] == 1600


def test_the_command(tmp_path: Path, node: Any) -> None:
    (tmp_path / "tls").mkdir()
    for name in ("ca.pem", "test.crt", "test.key"):
        (tmp_path / "tls" / name).write_text(f"-- {name} --")
    secured = SimpleNamespace(cql_address="10.0.0.2", record=replace(node.record, ssl_dir=str(tmp_path / "tls")))
    loaders = FakeLoaders(tmp_path, lambda _: (0, _whole(), ""))
    [summary], errors = ScyllaBenchThread(loaders.set, READ, 10, node_list=[secured]).run().parse_results()
    assert (summary["op rate"], errors) == ("6803", {})
    assert loaders.containers[0].commands == [
        (
            f"{READ} -username cassandra -password s3cret -error-at-row-limit 1000 -tls -tls-ca-cert-file"
            " /etc/scylla/ssl_conf/ca.pem -nodes 10.0.0.2"
        )
    ]
    assert b"-- ca.pem --" in loaders.containers[0].archives[0]


def test_mode_and_workload_are_wanted(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="is given no -workload"):
        ScyllaBenchThread(FakeLoaders(tmp_path, lambda _: None).set, "scylla-bench -mode write", 10)
