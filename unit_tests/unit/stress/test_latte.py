from collections.abc import Callable
from typing import Any

import pytest

from sdcm.errors import UsageProblem
from sdcm.stress import live
from sdcm.stress.latte import LatteStressThread, operation_of, parse_summary
from sdcm.stress.summary import UnreadableOutput
from unit_tests.lib.fake_loader import FakeLoaders
from unit_tests.lib.recorded_output import recorded


@pytest.fixture
def script(tmp_path) -> str:
    (tmp_path / "scripts" / "lib").mkdir(parents=True)
    (tmp_path / "scripts" / "load.rn").write_text("// script")
    (tmp_path / "scripts" / "lib" / "names.txt").write_text("names")
    return "scripts/load.rn"


def test_one_function() -> None:
    summary = parse_summary(recorded("latte-one-function.txt"))
    shown = (summary["op rate"], summary["latency mean"], summary["latency 99th percentile"])
    assert shown == ("8421", "13.772", "34.800")
    assert summary["latency 99th percentile run"] == "34.800"
    assert summary["latency 99.9th percentile"] == "43.057"
    assert summary["total operations"] == "25320"
    assert [str(summary.quantities[name]) for name in ("op rate", "latency mean")] == ["8421 op/s", "13.772 ms"]


def test_of_several_functions_the_worst_stands_for_all() -> None:
    summary = parse_summary(recorded("latte-two-functions.txt"))
    assert summary["latency 99th percentile write"] == "45.744"
    assert summary["latency 99th percentile read"] == "45.613"
    assert summary["latency 99th percentile"] == "45.744"
    assert summary["latency median"] == "13.885"
    assert summary["op rate"] == "7375"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda _: "", "it is empty", id="empty"),
        pytest.param(lambda text: text.partition("SUMMARY")[0], "it has no 'SUMMARY STATS'", id="killed-while-running"),
        pytest.param(lambda text: text.partition("Throughput")[0], "it has no 'op rate'", id="cut-short"),
        pytest.param(lambda text: text.partition("CYCLE LATENCY")[0], "latency 99th percentile", id="no-latencies"),
        pytest.param(lambda text: text.replace("8421", "????"), "it has no 'op rate'", id="garbled"),
    ],
)
def test_what_cannot_be_read_is_an_error(change: Callable[[str], str], why: str) -> None:
    with pytest.raises(UnreadableOutput, match=r"latte's output cannot be read") as caught:
        parse_summary(change(recorded("latte-one-function.txt")))
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("functions", "operation"),
    [
        (["read"], "read"),
        (["insert", "do_update"], "write"),
        (["counter_read", "counter_write"], "counter_mixed"),
        (["write", "get_many"], "mixed"),
        (["run"], "user"),
        ([], "user"),
    ],
)
def test_the_operation_follows_from_the_functions(functions: list[str], operation: str) -> None:
    assert operation_of(functions) == operation


def test_the_command(tmp_path, script: str, node: Any) -> None:
    loaders = FakeLoaders(tmp_path, lambda _: (0, recorded("latte-one-function.txt"), ""))
    cmd = f"latte run -d 10s -f write:1,read -P rows=5 {script} -- ignored"
    [summary], errors = LatteStressThread(loaders.set, cmd, 10, node_list=[node]).run().parse_results()
    assert not errors
    assert summary["op rate"] == "8421"
    schema, run = loaders.containers[0].commands
    login = "--user cassandra --password s3cret"
    assert schema == f"latte schema /tmp/latte/load.rn {login} -- 10.0.0.1"
    given = "latte run -d 10s -f write:1,read -P rows=5 /tmp/latte/load.rn"
    assert run == f"cd /tmp/latte && {given} {login} -q -o /tmp/latte/report-0.json -- 10.0.0.1"
    [archive] = loaders.containers[0].archives
    assert b"tmp/latte/load.rn" in archive
    assert b"tmp/latte/lib/names.txt" in archive


def test_rows_while_it_runs(tmp_path, script: str, node: Any) -> None:
    thread = LatteStressThread(FakeLoaders(tmp_path, lambda _: None).set, f"latte run {script}", 10, node_list=[node])
    read = thread.live_parser("read")
    samples = [sample for line in recorded("latte-one-function.txt").splitlines() for sample in read(line)]
    assert [sample.values[live.OPS] for sample in samples] == [8392, 8298, 8499, 26321]
    assert samples[0].values[live.P99] == 34.9


@pytest.mark.parametrize(
    ("command", "why"),
    [
        pytest.param("latte frobnicate x.rn", "not a command of latte", id="command"),
        pytest.param("latte run", "wants one workload script", id="no-script"),
        pytest.param("latte run missing.rn", "which is no file here", id="script-missing"),
    ],
)
def test_what_cannot_work_is_refused_at_once(tmp_path, command: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why):
        LatteStressThread(FakeLoaders(tmp_path, lambda _: None).set, command, 10)
