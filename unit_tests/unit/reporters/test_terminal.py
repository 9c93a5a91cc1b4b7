"""Lines of set-up."""

from sdcm.reporters.terminal import LOG_BEAT, SetupLines
from unit_tests.lib.journals import START, HandJournal

_ERROR = {"type": "EnvironmentFailed", "what": "no node", "why": "it exited", "mend": "see log", "evidence": "x"}


def _feed(lines: SetupLines, records: HandJournal) -> list[str]:
    return [line for record in records for line in lines.feed(record)]


def test_a_quick_step_is_one_line() -> None:
    records = HandJournal().write("step-start", step="engine").write("step-say", step="engine", text="starting")
    records.write("step-end", step="engine", status="done", seconds=0.2, error=None, detail="private, unix:///e.sock")
    assert _feed(SetupLines(), records) == ["  engine           up in 0.2 s (private, unix:///e.sock)"]


def test_progress_is_shown_as_it_is_said_with_the_time_it_took() -> None:
    lines = SetupLines()
    records = HandJournal().write("step-start", after=0, step="image base")
    records.write("step-say", after=1.0, step="image base", text="pulling 10 %")
    records.write("step-say", after=3.0, step="image base", text="pulling 90 %")
    records.write("step-end", after=1.0, step="image base", status="done", seconds=5.0, error=None)
    assert _feed(lines, records) == [
        "  image base       pulling 10 % (1 s)",
        "  image base       pulling 90 % (4 s)",
        "  image base       ready in 5.0 s",
    ]
    assert lines.tick(START + 100) == []


def test_of_what_is_said_fast_the_last_is_shown() -> None:
    lines = SetupLines()
    records = (
        HandJournal().write("step-start", after=0, step="kind").write("step-say", after=1.0, step="kind", text="0 %")
    )
    for percent in range(1, 5):
        records.write("step-say", after=0.05, step="kind", text=f"{percent} %")
    assert _feed(lines, records) == ["  kind             0 % (1 s)"]
    assert lines.tick(START + 1.4) == []
    assert lines.tick(START + 1.6) == ["  kind             4 % (2 s)"]
    assert lines.tick(START + 1.8) == []


def test_the_same_words_again_are_no_news() -> None:
    records = HandJournal().write("step-start", after=0, step="kind")
    records.write("step-say", after=1.0, step="kind", text="waiting").write(
        "step-say", after=1.0, step="kind", text="waiting"
    )
    assert _feed(SetupLines(), records) == ["  kind             waiting (1 s)"]


def test_no_step_is_silent_for_more_than_two_seconds() -> None:
    lines = SetupLines()
    _feed(lines, HandJournal().write("step-start", after=0, step="cluster"))
    spoken = [second for second in range(1, 13) if lines.tick(START + second)]
    assert spoken == [2, 4, 6, 8, 10, 12]


def test_where_a_log_is_kept_the_first_sign_comes_soon_and_the_others_seldom() -> None:
    lines = SetupLines(LOG_BEAT)
    _feed(lines, HandJournal().write("step-start", after=0, step="cluster"))
    assert lines.tick(START + 1.9) == []
    assert lines.tick(START + 2.0) == ["  cluster          under way (2 s)"]
    assert [second for second in range(3, 33) if lines.tick(START + second)] == [12, 22, 32]


def test_once_pytest_speaks_signs_of_life_are_seldom() -> None:
    lines = SetupLines()
    _feed(lines, HandJournal().write("step-start", after=0, step="cluster").write("pytest-start", after=0))
    assert [second for second in range(1, 23) if lines.tick(START + second)] == [2, 12, 22]


def test_several_silent_steps_share_a_line() -> None:
    lines = SetupLines()
    records = HandJournal().write("step-start", after=0, step="image a").write("step-start", after=1.0, step="cluster")
    _feed(lines, records)
    assert lines.tick(START + 2.0) == ["  image a          under way (2 s)"]
    assert lines.tick(START + 4.0) == ["  still            image a 4 s, cluster 3 s"]
    assert lines.tick(START + 5.0) == []


def test_failure_cancellation_and_where_the_log_is() -> None:
    records = HandJournal().write("step-start", step="engine").write("step-start", step="cluster")
    records.write("step-end", step="engine", status="failed", seconds=3.25, error=_ERROR, log="/l/engine.log")
    records.write("step-end", step="cluster", status="cancelled", seconds=1.0, error=None)
    assert _feed(SetupLines(), records) == [
        "  engine           FAILED after 3.2 s: no node: it exited -- see log",
        "                   log: /l/engine.log",
        "  cluster          cancelled after 1.0 s",
    ]


def test_services_that_are_not_to_be_had() -> None:
    records = HandJournal().write("service", service="docker", state="waiting", reason="")
    records.write("service", service="docker", state="ready", reason="")
    records.write("service", service="kubernetes", state="unavailable", reason="privileged containers are barred")
    records.write("service", service="aws", state="failed", reason="x")
    assert _feed(SetupLines(), records) == [
        "  kubernetes       unavailable, its tests are skipped: privileged containers are barred",
        "  aws              failed, its tests fail: x",
    ]


def test_selection_and_teardown() -> None:
    lines = SetupLines()
    records = (
        HandJournal().write("run-start").write("selection", tests=1, seconds=0.84).write("teardown-start", after=0)
    )
    assert _feed(lines, records) == ["  selection        1 test in 0.8 s"]
    assert lines.tick(records.now + 2.0) == ["  teardown         removing what the run has made (2 s)"]
    clean = HandJournal().write("teardown-end", seconds=2.5, leftovers=[])
    assert _feed(lines, clean) == ["  teardown         nothing is left (2.5 s)"]
    assert lines.tick(records.now + 60) == []
    left = HandJournal().write(
        "teardown-end", seconds=2.5, leftovers=[{"kind": "volume", "name": "v", "reason": "busy"}]
    )
    assert _feed(lines, left) == ["  teardown         1 LEFT OVER: volume v (busy) (2.5 s)"]


def test_control_characters_and_long_lines_are_tamed() -> None:
    records = HandJournal().write("step-start", after=0, step="image base")
    records.write("step-say", after=1.0, step="image base", text="\x1b[32mStep 1/2\x1b[0m\r\n RUN" + " x" * 300)
    (line,) = _feed(SetupLines(), records)
    assert line.startswith("  image base       Step 1/2 RUN x x")
    assert line.endswith("...")
    assert len(line) < 230


def test_after_the_run_nothing_ticks() -> None:
    lines = SetupLines()
    _feed(lines, HandJournal().write("step-start", step="cluster").write("run-end", exit_code=130))
    assert lines.tick(START + 60) == []


def test_the_clock_is_the_present_unless_it_is_given() -> None:
    lines = SetupLines()
    _feed(lines, HandJournal().write("step-start", after=0, step="cluster"))
    (line,) = lines.tick()
    assert line.startswith("  cluster          under way (")
