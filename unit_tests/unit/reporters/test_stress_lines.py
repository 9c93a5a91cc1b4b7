from sdcm.reporters.stress_lines import PACE
from sdcm.reporters.terminal import SetupLines


def _record(state: str, at: float, **more: object) -> dict[str, object]:
    return {"event": "stress", "at": at, "run": "latte l1-c0", "state": state, **more}


def test_a_run_is_heard_of_now_and_then_and_at_its_end() -> None:
    lines = SetupLines()
    values = {"ops": 7375.4, "lat_mean": 15.7391, "lat_perc_99": 45.744}
    assert lines.feed(_record("started", 100.0)) == []
    assert lines.feed(_record("running", 101.0, operation="mixed", values=values)) == []
    [line] = lines.feed(_record("running", 100.0 + PACE, operation="mixed", values=values))
    assert line == "  latte l1-c0      mixed 7375 op/s, mean 15.7 ms, 99th 45.7 ms"
    assert lines.feed(_record("running", 101.0 + PACE, operation="mixed", values=values)) == []
    assert lines.feed(_record("done", 115.0, text="op rate 7412 op/s")) == [
        "  latte l1-c0      done: op rate 7412 op/s"
    ]
    assert lines.feed(_record("killed", 116.0)) == ["  latte l1-c0      killed"]
