from collections.abc import Callable

import pytest

from sdcm.stress import live
from sdcm.stress.cassandra_stress_output import parse_summary, rows_after_header, total_rows
from sdcm.stress.hdr import read_log
from sdcm.stress.summary import UnreadableOutput
from unit_tests.lib.recorded_output import FOLDER, recorded


def test_a_mixed_run() -> None:
    summary = parse_summary("cassandra-stress", recorded("cassandra-stress-mixed.txt"))
    assert (summary["op rate"], summary["op rate read"], summary["op rate write"]) == ("277", "191", "86")
    assert (summary["latency mean"], summary["latency 99th percentile"]) == ("31.9", "263.5")
    assert summary["latency 99th percentile write"] == "239.5"
    assert summary["total partitions"] == "1729"
    assert summary["total partitions read"] == "1194"
    assert (str(summary.quantities["op rate"]), summary.quantities["row rate"].unit) == ("277 op/s", "row/s")
    assert summary.quantities["latency max"].unit == "ms"
    assert summary["total operation time"] == "00:00:06"


def test_the_histogram_log_holds_the_same_operations() -> None:
    latencies = read_log(FOLDER / "cassandra-stress-mixed.hdr")
    assert {tag: each.count for tag, each in latencies.items()} == {"READ-st": 1194, "WRITE-st": 535}
    assert latencies["READ-st"].mean == pytest.approx(31.9, abs=0.05)
    assert latencies["WRITE-st"].percentile(100) == pytest.approx(344.7, rel=0.002)


def test_a_histogram_log_without_intervals_is_an_error(tmp_path) -> None:
    log = tmp_path / "empty.hdr"
    log.write_text("#[Histogram log format version 1.3]\n")
    with pytest.raises(UnreadableOutput, match=r"empty\.hdr cannot be read: it holds no interval"):
        read_log(log)


def test_the_rows_while_it_runs() -> None:
    read = total_rows("mixed")
    samples = [sample for line in recorded("cassandra-stress-mixed.txt").splitlines() for sample in read(line)]
    assert [sample.values[live.OPS] for sample in samples] == [30, 82, 180, 249, 538, 549, 419]
    last = samples[-1]
    assert last.operation == "mixed"
    assert (last.values[live.MEAN], last.values[live.P99], last.values[live.MAX]) == (26.7, 166.6, 344.5)


def _without(start: str) -> Callable[[str], str]:
    return lambda text: "\n".join(line for line in text.splitlines() if not line.startswith(start))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda _: "", "it is empty", id="empty"),
        pytest.param(lambda _: " \n\n", "it is empty", id="blank"),
        pytest.param(lambda text: text.partition("Results:")[0], "it has no 'Results:'", id="killed-while-running"),
        pytest.param(lambda text: text[: text.index("Latency 95th")], "break off before", id="cut-short"),
        pytest.param(_without("Op rate"), "it has no 'op rate'", id="line-missing"),
        pytest.param(
            lambda text: text.replace(":   31.9 ms", ":    NaN ms"), "'latency mean' is NaN", id="not-a-number"
        ),
        pytest.param(lambda text: text.replace("277 op/s", "many op/s"), "'many' is no number", id="garbled"),
        pytest.param(lambda text: text[::-1], "it has no 'Results:'", id="backwards"),
    ],
)
def test_what_cannot_be_read_is_an_error(change: Callable[[str], str], why: str) -> None:
    with pytest.raises(UnreadableOutput, match="cassandra-stress's output cannot be read") as caught:
        parse_summary("cassandra-stress", change(recorded("cassandra-stress-mixed.txt")))
    assert why in str(caught.value)


def test_rows_count_only_below_their_header() -> None:
    # The columns of https://github.com/scylladb/cql-stress, src/bin/cql-stress-cassandra-stress/stats.rs.
    lines = [
        "         1,       1,     1.0,     1.0,     1.0,     1.0,     1.0,     1.0,    1.0,      0",
        "total ops ,    op/s,    mean,     med,     .95,     .99,    .999,     max,   time, errors",
        "      5000,    4999,     1.5,     1.2,     2.5,     3.5,     4.5,     5.5,    1.0,      2",
        "Results:",
        "      5000,    4999,     1.5,     1.2,     2.5,     3.5,     4.5,     5.5,    1.0,      2",
    ]
    read = rows_after_header("write")
    [sample] = [sample for line in lines for sample in read(line)]
    assert sample.values == {
        live.OPS: 4999, live.MEAN: 1.5, live.MEDIAN: 1.2, live.P95: 2.5, live.P99: 3.5, live.P999: 4.5,
        live.MAX: 5.5, live.ERRORS: 2,
    }  # fmt: skip
