"""The live rows in terminals of many widths."""

import pytest
from rich.cells import cell_len

from sdcm.reporters.live import LiveRun
from sdcm.reporters.live_rows import Size, rows
from unit_tests.lib.journals import START, HandJournal


def _live(names: tuple[str, ...] = ("test_ring[3-nodes]", "test_cql_session", "test_latte")) -> LiveRun:
    records = HandJournal().write("run-start", after=0).write("selection", after=0, tests=40)
    records.write("step-start", after=0, step="image cassandra")
    records.write("step-say", after=0, step="image cassandra", text="pulling 42 %, 96 of 230 MB, 18 MB/s")
    records.write("pytest-start", after=0)
    for number, name in enumerate(names):
        records.write("worker", after=0, worker=f"gw{number}", state="up")
        records.write("test-start", after=0, test=f"unit_tests/test_a.py::{name}", worker=f"gw{number}")
    records.write("test-body", after=0, test=f"unit_tests/test_a.py::{names[0]}")
    records.write("lease", after=0, test=f"unit_tests/test_a.py::{names[-1]}", what="node", state="wanted")
    records.write("container", after=0, name="n-1", state="ready").write(
        "container", after=0, name="n-2", state="starting"
    )
    live = LiveRun()
    for record in records:
        live.feed(record)
    return live


def _shown(live: LiveRun, columns: int, lines: int = 24) -> list[str]:
    return [row.plain.rstrip() for row in rows(live, START + 12, Size(columns, lines))]


def test_a_wide_terminal_shows_every_worker_and_the_nodes() -> None:
    assert _shown(_live(), 160) == [
        f"  {'image cassandra':<16} {'pulling 42 %, 96 of 230 MB, 18 MB/s':<134}  12 s",
        (
            "  0/40 done | gw0 test_ring[3-nodes] 12 s | gw1 test_cql_session set-up 12 s"
            " | gw2 test_latte waits for node 12 s | nodes 1 booting 1 ready"
        ),
    ]


def test_a_usual_one_shows_the_longest_and_counts_the_rest() -> None:
    assert _shown(_live(), 80) == [
        f"  {'image cassandra':<16} {'pulling 42 %, 96 of 230 MB, 18 MB/s':<54}  12 s",
        "  0/40 done | test_ring[3-nodes] 12 s | +2 more | nodes 1, 1 booting",
    ]


def test_a_narrow_one_shows_a_test_before_the_nodes() -> None:
    assert _shown(_live(), 50) == [
        "  image cassandra  pulling 42 %, 96 of 23..  12 s",
        "  0/40 done | test_ring[3-nodes] 12 s | +2 more",
    ]


@pytest.mark.parametrize("columns", [1, 2, 8, 20, 33, 40, 41, 57, 80, 100, 101, 132, 160, 250])
@pytest.mark.parametrize(
    "names", [("test_x",), ("test_" + "long_" * 30,) * 1, ("test_語" * 20 + "[語]", "b", "c", "d")]
)
def test_no_row_takes_the_last_column(columns: int, names: tuple[str, ...]) -> None:
    for row in rows(_live(names), START + 12, Size(columns, 24)):
        assert cell_len(row.plain) < columns
        assert row.plain.isprintable()


def test_a_long_name_keeps_what_sets_it_apart() -> None:
    (*_, status) = _shown(_live(("test_a_node_is_as_good_as_new_after_a_while[first-17]",)), 80)
    assert "test_a_node_is" in status
    assert "-17] " in status


def test_a_low_terminal_keeps_the_status_line() -> None:
    live = _live()
    for number in range(9):
        live.feed({"event": "step-start", "at": START, "step": f"image {number}"})
    assert len(_shown(live, 80, lines=24)) == 6
    assert _shown(live, 80, lines=24)[-2] == "  and 6 more steps"
    assert len(_shown(live, 80, lines=3)) == 1


def test_other_stages_tell_what_is_done_and_the_end_nothing() -> None:
    live = LiveRun()
    live.feed({"event": "run-start", "at": START})
    assert _shown(live, 80) == ["  collecting tests 12 s"]
    live.feed({"event": "teardown-start", "at": START + 10})
    assert _shown(live, 80) == ["  removing what the run has made 2 s"]
    live.feed({"event": "run-end", "at": START + 11})
    assert _shown(live, 80) == []


def test_nodes_that_boot_are_told_where_none_is_up() -> None:
    live = _live(("test_x",))
    live.feed({"event": "container", "at": START + 1, "name": "n-1", "state": "removed"})
    assert _shown(live, 80)[-1] == "  0/40 done | test_x waits for node 12 s | nodes 1 booting"
