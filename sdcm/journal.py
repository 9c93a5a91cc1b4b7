"""Everything that happened in a run, appended as it happens, one JSON object a line.

A line is one `write` to a file opened for appending, so the runner, the broker and pytest's
controller can share one journal. Every report is a view of it. Readers accept a torn last line.

A merged journal (`sct.py report merge`) holds the records of all shards, each with `shard`, and with that before the
names of workers, steps and leases (`2/gw0`); what each shard says of its run as a whole stands in `shard-end` instead.

Each record has `event` (its name), `at` (epoch seconds) and what the event says. Events:

    run-start       run, command, argv, leaks (error, warn, off), shard (I/N, where it is one of several machines),
                    merged (ids of the runs that a merged one consists of)
    selection       tests, seconds
    shard           shard (I/N), tests, of (all tests), expected (seconds), digest (equal on all machines of one run)
    plan            services, images, steps
    host            cpu, memory (percent in use), used_mb (MiB)
    step-start      step, needs (names of the steps that had to end before)
    step-say        step, text
    step-end        step, status (done, failed, unavailable, cancelled), seconds, error (as `SctError.to_record`), log,
                    detail (what came up, a few words)
    service         service, state (waiting, ready, failed, unavailable, dismissed: no test to come needs it), reason,
                    steps (names of those it consists of; where none are told they are those told before)
    engine-lost     error (as `SctError.to_record`)
    pytest-start    argv, pid
    worker          worker, state (up, down, lost), reason
    collect-error   test (the file's node id), text
    collected       tests (that pytest is about to run)
    test-start      test, worker (where our scheduler knows it)
    test-body       test, worker, started (epoch seconds; the test's own code begins, its set-up is over); told, as the
                    next, of tests that do not end within a moment
    test-teardown   test (its own code is over)
    test-end        test, worker, outcome (passed, failed, error, skipped, xfailed, xpassed), phase (setup, call,
                    teardown; ??? when its worker died), seconds, phases, started (epoch seconds; its own code began, 0
                    where it did not), reason (of a skip, or one line of the failure), text (the failure in full),
                    sections ([title, text] each), failure_class (product, test, environment, leak), services (labels),
                    properties ([name, value] each). A worker that dies after the test's end adds a second one
    evidence        test, worker, phase (in which it failed), folder (below the reports' folder), line (the most telling
                    one), files (file, what, bytes, cut each; the first is the index)
    test-event      test, worker, base (kind of event), severity, period, event_id, line (what a test's event system was
                    told; the whole of it is in the files of events/ beside the journal)
    held-back       test, seconds (it waited for other tests to end: run_alone, weight, concurrency)
    durations-lost  reason
    leak            test, kind (container, network, volume, namespace, thread, process, or a kind of cluster-scoped
                    Kubernetes objects), name, image, during (tests that ran when it appeared, where it is not known
                    which of them made it; test is empty then), state (removed, left), reason (why it is left), sure
                    (false where it may as well be somebody else's)
    lease           lease, what, test, worker, state (wanted, granted, ended), seconds
    container       name, image, test, state (starting, ready, again, removed, left), seconds,
                    reason (why again, or why it is left)
    node            name, what (handed-on, put-back, thrown-away, not-known, not-booted-ahead), reason, tests (it has
                    served), seconds
    reports-lost    name (an earlier run whose reports could not be written), reason
    removal-failed  name, reason (a removal that failed; it is tried again, at the latest by teardown)
    pytest-end      status, stopped (maxfail: `-x` and its like; keys: Ctrl-C; exit: a debugger's `q`; or empty)
    stress          tool, run (tool, loader, number), loader, state (started, running, done, failed, killed), command,
                    operation, values (kind of figure -> value: milliseconds, and so many a second), text (result)
    teardown-start  resources
    teardown-end    seconds, leftovers (kind, name, reason each)
    critical-path   text (one line), links (what, kind, after: seconds since the run's start, seconds): what the wall
                    time consisted of, see `sdcm.reporters.critical_path`
    kept            environ (name -> value: what to export to use the environment that is kept)
    stage           name, started (a stretch in which a shard of a merged run neither set anything up nor ran a test)
    shard-end       shard, state (complete, lost half-way, never came back), reason, run, exit_code, tests, not_run,
                    started (by its own clock), seconds, first_test, attempts, shifted (seconds added to its times)
    not-run         test, reason (its shard was lost)
    shard-misfit    reason (why shards do not fit together)
    run-end         exit_code, seconds
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdcm.real_time import RealTime
from sdcm.redaction import Redactor

FILE_NAME = "journal.jsonl"
#: Tells pytest and the broker where the run's journal is.
ENVIRONMENT_VARIABLE = "SCT_JOURNAL"


#: Fields with words of our own, which readers compare: never a secret, even where one happens to be the same word.
_OUR_WORDS = frozenset(
    {"event", "at", "run", "command", "step", "status", "state", "service", "worker", "outcome", "phase", "kind"}
    | {"failure_class", "services", "type", "seconds", "phases", "started"}
)
#: Seconds after which a line that looks unfinished is: a live writer's is whole by then.
_MOMENT = 0.01
#: Made once: `json.dumps` makes an encoder for each call that wants anything but its defaults.
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class Journal:
    """The open journal of a live run; secrets of the environment, and what looks like one, stay out of it."""

    def __init__(self, path: Path) -> None:
        """Open (or make) the journal at `path`."""
        self._redactor = Redactor(os.environ)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end_torn_line(self._file)

    def write(self, event: str, **data: Any) -> None:
        """Append one event."""
        record: dict[str, Any] = {"event": event, "at": round(RealTime.time(), 3)}
        for key, value in data.items():
            record[key] = value if not value or key in _OUR_WORDS else self._redactor.value(value)
        self.append(record)

    def append(self, record: dict[str, Any]) -> None:
        """Append a record that another journal has told, with its time; secrets were kept out of it there."""
        os.write(self._file, _encode(record).encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def end_torn_line(file: int) -> None:
    """End the line a killed writer left unfinished, so that the next record has a line of its own.

    A line that another writer is still writing looks unfinished too, for a moment; where it does so longer, that costs
    an empty line behind it, which readers leave out.

    Args:
        file: Descriptor open for reading and appending.
    """
    if _looks_torn(file):
        RealTime.sleep(_MOMENT)
        if _looks_torn(file):
            os.write(file, b"\n")


def _looks_torn(file: int) -> bool:
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def parse(line: bytes) -> dict[str, Any] | None:
    """Return the record on one line, None for a torn or foreign line."""
    try:
        record = json.loads(line.decode())  # of bytes it would look for their encoding first
    except (ValueError, RecursionError):  # RecursionError: thousands of brackets
        return None
    return record if isinstance(record, dict) and isinstance(record.get("event"), str) else None


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a journal; nothing when there is no file."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        if (record := parse(line)) is not None:
            yield record


class Notes:
    """The journal of the run this process belongs to, kept open for who writes often."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._journal: Journal | None = None
        self._named = ""

    def __call__(self, event: str, **data: Any) -> None:
        """Append one event, if the process belongs to a run that has a journal."""
        # A test that empties the environment for its time still belongs to its run.
        if self._journal is not None and self._named != os.environ.get(ENVIRONMENT_VARIABLE, self._named):
            self.close()
        if self._journal is None:
            if (file := of_this_run()) is None:
                return
            self._journal, self._named = Journal(file), str(file)
        self._journal.write(event, **data)

    def close(self) -> None:
        """Close the journal; the next event opens it again."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None


def of_this_run() -> Path | None:
    """Return the journal's file of the run this process belongs to; None where there is none."""
    path = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(path) if path and Path(path).exists() else None


def note(event: str, **data: Any) -> None:
    """Append one event to the journal of the run this process belongs to, if it has one."""
    notes = Notes()
    try:
        notes(event, **data)
    finally:
        notes.close()
