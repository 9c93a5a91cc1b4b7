"""Journals with values that no run writes: a disk's errors, another program's file, somebody's editing."""

import json
import random
from typing import Any

from unit_tests.lib.journals import HandJournal

#: Values that some field has never had; JSON as Python reads it knows the infinite ones, too.
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, "x", "", [], {}, [[1], 2], {"a": [None]}, [[["a"], {}], [1, 2, 3]]),
    *(
        float("nan"),
        float("inf"),
        -float("inf"),
        1e308,
        -1e308,
        1e12,
        10**400,
        -(10**18),
        "1" * 300,
        "\ud800 \x00 \x1b",
    ),
)


def journal_of_all_kinds() -> HandJournal:
    """Return a journal that holds every kind of record that reports are made of."""
    records = HandJournal().write("run-start", run="0123abcd", command="integration-tests", leaks="error", shard="1/2")
    records.write("selection", tests=4, seconds=0.5).write("shard", shard="1/2", tests=4, of=8, digest="d")
    records.write("host", cpu=5.0, memory=50.0, used_mb=900).write("step-start", step="engine", needs=["start"])
    error = {"type": "EnvironmentFailed", "what": "it broke", "why": "so", "mend": "", "evidence": "e"}
    records.write("step-end", step="engine", status="failed", seconds=1.0, error=error, log="logs/engine.log")
    records.write("service", service="docker", state="ready", reason="", steps=["engine"])
    records.write("pytest-start", argv=["x"], pid=1).write("worker", worker="gw0", state="lost", reason="why")
    records.write("collected", tests=4).write("held-back", test="a.py::one", seconds=1.0)
    records.write("lease", lease="1", what="node", test="a.py::one", worker="gw0", state="wanted", seconds=0.0)
    records.write("lease", lease="1", what="node", test="a.py::one", worker="gw0", state="granted", seconds=1.0)
    records.write("container", name="c", image="i", test="a.py::one", state="starting", seconds=0.0)
    records.write("container", name="c", image="i", test="a.py::one", state="ready", seconds=1.0)
    evidence = {"file": "f", "what": "w", "bytes": 1, "cut": 0}
    records.write("evidence", test="a.py::two", phase="call", folder="evidence/x", line="l", files=[evidence])
    phases = {"setup": 0.1, "call": 0.2, "teardown": 0.1}
    records.test("a.py::one", services=["docker"], phases=phases, properties=[["sct_waited", "0.1"]], worker="gw0")
    sections = [["out", "text"]]
    records.test("a.py::two", "failed", phase="call", reason="r", text="t", sections=sections, failure_class="test")
    records.test("a.py::three", "skipped", reason="no docker").write("test-start", test="a.py::four", worker="gw1")
    records.write("collect-error", test="b.py", text="oh").write("not-run", test="a.py::five", reason="lost")
    records.write("leak", kind="container", name="n", test="", image="", during=["a.py::one"], state="left", sure=True)
    records.write("shard-end", shard="1/2", state="complete", run="r", exit_code=1, tests=4, not_run=1, first_test=1.0)
    records.write("shard-misfit", reason="m").write("stage", name="s", started=records.now, shard="1")
    records.write("stress", tool="t", run="r", loader="l", state="running", operation="o", values={"p99": 1.0})
    records.write("pytest-end", status=1, stopped="").write("teardown-start", resources=1)
    records.write("teardown-end", seconds=0.1, leftovers=[{"kind": "network", "name": "n", "reason": "r"}])
    records.write("critical-path", text="p", links=[{"what": "w", "kind": "k", "after": 0.0, "seconds": 1.0}])
    return records.write("kept", environ={"A": "b"}).write("run-end", exit_code=1, seconds=9.0)


def damaged(lines: list[str], chance: random.Random) -> bytes:
    """Return a journal's lines with odd values in some fields, and now and then odd bytes."""
    records = [json.loads(line) for line in lines]
    for _ in range(chance.choice((1, 3, 20))):
        record = chance.choice(records)
        inside = [value for value in record.values() if isinstance(value, dict) and value]
        place = chance.choice([record, record, *inside])
        place[chance.choice(list(place))] = chance.choice(ODD)
    content = bytearray("".join(json.dumps(record) + "\n" for record in records).encode())
    for _ in range(chance.choice((0, 0, 1, 20))):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)
