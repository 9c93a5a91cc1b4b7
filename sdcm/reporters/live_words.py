"""What a run is doing at this moment, in words: for the status line, for a log, and for whoever asks with SIGUSR1."""

from collections.abc import Iterable

from sdcm.reporters.live import LiveRun, LiveTest


def short_name(test: str) -> str:
    """Return what a test is called within its file."""
    return test.rpartition("::")[2] if "[" not in test else test[: test.index("[")].rpartition("::")[2] + _case(test)


def _case(test: str) -> str:
    return test[test.index("[") :]


def clock(seconds: float) -> str:
    """Return a duration in short: `34 s`, `2:05`, `1:10:00`."""
    whole = int(max(0.0, seconds))
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def now_line(live: LiveRun, now: float) -> str:
    """Return in words what runs now, for where there is no terminal; empty where the journal says nothing of it.

    Args:
        live: The run.
        now: Epoch seconds.
    """
    told: Iterable[str] = [test_words(live, test, now) for test in live.running.values()]
    told = [*told, *(f"{step.name} {clock(now - step.started)}" for step in live.steps.values())]
    if not told and live.stage in {"starting", "collecting", "teardown"}:
        what = {"starting": f"{len(live.workers)} workers up", "collecting": "collecting", "teardown": "tearing down"}
        told = [f"{what[live.stage]} {clock(now - live.since)}"]
    if live.stage == "tests" and live.total:
        counted = f"{live.done} of {live.total} tests done"
        told = [*told, counted + (f", {live.failed} failed" if live.failed else "")]
    return ", ".join(told)


def test_words(live: LiveRun, test: LiveTest, now: float) -> str:
    """Return one test under way in words: worker, name, phase or what it waits for, seconds."""
    waits = live.waits_for(test)
    doing = f"waits for {waits}" if waits else test.phase
    return " ".join(filter(None, (test.worker, short_name(test.test), doing, clock(now - test.started))))
