"""Runs with database nodes, on an engine that holds things of somebody else's: what is left, and what is reported.

External services: Docker (database nodes)
"""

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import ExitStack, closing

import psutil
import pytest

from sdcm.wait import wait_for
from unit_tests.lib.journals import records_of
from unit_tests.lib.lazily import lazily

docker = lazily("docker")

pytestmark = pytest.mark.integration

#: Seconds within which nothing of a run may be left, whichever of its processes was killed: four times the 15 s that
#: bench/faults.py measures, for a machine that is busy with other tests.
GONE_WITHIN = 60

PASSING = '''
    import pytest

    @pytest.mark.integration
    def test_query(docker_scylla):
        """External services: Docker"""
        assert docker_scylla.cql_connection().execute("SELECT cluster_name FROM system.local").one()
'''
#: Says that it holds a node, then waits for longer than any test here.
HOLDING = '''
    import pathlib
    import time

    import pytest

    @pytest.mark.integration
    def test_holds(docker_scylla):
        """External services: Docker"""
        pathlib.Path("holding").write_text(docker_scylla.name)
        time.sleep(900)
'''


@pytest.fixture
def on_engine(project, catalogue_image):
    """A sample project whose runs use the engine of this very run, as a user's own, with the node image on it."""
    catalogue_image("cassandra")
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    return project


@pytest.fixture
def engine():
    """A client of that engine."""
    with closing(docker.from_env()) as client:
        yield client


def started(project, count=1):
    """Return the ids of the runs that the project has started, in no order."""
    runs = [path.name for path in (project.state / "runs").iterdir()]
    assert len(runs) >= count
    return runs


def left_of(engine, run):
    """Return what the engine still has of a run."""
    by_label = {"label": f"sct.run={run}"}
    names = [item.name for item in engine.containers.list(all=True, filters=by_label, ignore_removed=True)]
    names += [item.name for item in engine.networks.list(filters=by_label)]
    return names + [item.name for item in engine.volumes.list(filters=by_label)]


def holding(project):
    """Wait until the sample test holds its node."""
    wait_for((project.root / "holding").exists, step=0.2, timeout=180, text="the sample test holds a node")


def assert_gone(project, engine, child):
    """Nothing of the project's runs is left: objects, processes, runtime directories."""

    def gone():
        return (
            project.nothing_left()
            and not any(left_of(engine, run) for run in started(project))
            and not [process for process in processes(project, "") if process.pid != child.pid]
        )

    wait_for(gone, step=0.3, timeout=GONE_WITHIN, text="nothing of the run is left")


def _environ_of(process):
    try:
        return process.environ().get("SCT_STATE_DIR")
    except psutil.Error:
        return None


def processes(project, word):
    """Return the live processes of the project's run whose command line holds a word."""
    return [
        process
        for process in psutil.process_iter()
        if _environ_of(process) == project.environ["SCT_STATE_DIR"] and word in " ".join(process.cmdline())
    ]


def names_what_it_consisted_of(records, printed):
    """Check the critical path that a run with one test has told of itself: its stretches fill the run."""
    (path,) = [record for record in records if record["event"] == "critical-path"]
    assert f"critical path    {path['text']}"[:60] in printed
    links = path["links"]
    assert [link["what"] for link in links if link["kind"] == "test"][-1].endswith("test_query.py::test_query")
    assert links[0]["what"] == "collecting"
    assert links[-1]["what"] in {"teardown", "pytest ending", "idle, or not recorded"}
    ends = [link["after"] + link["seconds"] for link in links]
    # Two stretches are at most half a second apart; more is told as a gap.
    starts = [*(link["after"] for link in links[1:]), path["at"] - records[0]["at"]]
    assert all(-0.05 < after - before < 0.55 for before, after in zip(ends, starts, strict=True)), links


def test_a_passing_run_leaves_nothing_and_touches_nothing_of_the_users(on_engine, engine, catalogue_image):
    """Nor makes it a cluster for docker tests alone; and it tells what its time consisted of."""
    on_engine.write("unit_tests/integration/test_query.py", PASSING)
    image = catalogue_image("cassandra")
    with ExitStack() as theirs:
        network = engine.networks.create(f"theirs-{os.getpid()}")
        theirs.callback(network.remove)
        container = engine.containers.create(image, name=f"theirs-{os.getpid()}", entrypoint=["sleep", "60"])
        theirs.callback(container.remove, force=True)
        images = [container.commit(f"theirs-{os.getpid()}"), container.commit()]  # a named one, and one without a name
        for made in images:
            theirs.callback(engine.images.remove, made.id, force=True)
        ended = on_engine.sct("integration-tests", timeout=360)
        assert ended.code == 0, ended.text
        assert "nothing is left" in ended.out
        container.reload()
        network.reload()
        assert [engine.images.get(made.id).tags for made in images] == [[f"theirs-{os.getpid()}:latest"], []]
        (run,) = started(on_engine)
        assert left_of(engine, run) == []
        assert on_engine.nothing_left()
        clusters = engine.containers.list(all=True, filters={"label": f"io.x-k8s.kind.cluster=sct-{run}"})
        assert clusters == []
    journal = on_engine.state / "runs" / run / "journal.jsonl"
    assert '"step":"cluster"' not in journal.read_text()
    names_what_it_consisted_of(records_of(journal), ended.out)


def test_a_failing_test_carries_its_nodes_log(on_engine, engine, tmp_path):
    on_engine.write("unit_tests/integration/test_query.py", PASSING.replace(".one()", ".one() is None"))
    ended = on_engine.sct("integration-tests", "--junit-xml", str(tmp_path / "j.xml"), timeout=360)
    assert ended.code == 1, ended.text
    text = ET.tostring(ET.parse(tmp_path / "j.xml").getroot(), encoding="unicode")
    (run,) = started(on_engine)
    assert f"container sct-{run}-scylla-1" in text
    assert "Starting listening for CQL clients" in text
    assert left_of(engine, run) == []


def test_a_node_that_does_not_boot_is_the_environments_failure(on_engine):
    on_engine.write(
        "unit_tests/integration/test_query.py",
        PASSING.replace(
            "@pytest.mark.integration",
            '@pytest.mark.docker_scylla_args(extra_args=["-XX:NoSuchOption"])\n    @pytest.mark.integration',
        ),
    )
    ended = on_engine.sct("integration-tests", timeout=360)
    assert ended.code == 75, ended.text
    assert "NoSuchOption" in ended.text


@pytest.mark.parametrize("victim", ["runner", "broker", "everything-in-the-group"])
def test_killed_in_the_middle_nothing_is_left(on_engine, engine, victim):
    on_engine.write("unit_tests/integration/test_holds.py", HOLDING)
    child = on_engine.start("integration-tests")
    try:
        holding(on_engine)
        if victim == "runner":
            child.kill()
        elif victim == "broker":
            (broker,) = processes(on_engine, "broker_process")
            broker.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
        assert_gone(on_engine, engine, child)
        if victim == "broker":
            assert child.wait(GONE_WITHIN) in {1, 75}
    finally:
        child.kill()
        child.communicate()


def test_ctrl_c_reports_tears_down_and_exits_130(on_engine, engine):
    on_engine.write("unit_tests/integration/test_holds.py", HOLDING)
    child = on_engine.start("integration-tests")
    holding(on_engine)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=300)
    assert child.returncode == 130, out + err
    assert_gone(on_engine, engine, child)
    (run,) = started(on_engine)
    assert (on_engine.state / "runs" / run / "junit.xml").exists()


def test_a_worker_killed_with_its_node_is_reported_and_the_rest_runs_once(on_engine, engine):
    on_engine.write(
        "unit_tests/integration/test_crash.py",
        '''
        import os
        import pathlib

        import pytest

        @pytest.mark.integration
        @pytest.mark.parametrize("n", range(3))
        def test_n(docker_scylla, n):
            """External services: Docker"""
            with pathlib.Path("ran").open("a") as file:
                file.write(f"{n}\\n")
            if n == 0:
                os.kill(os.getpid(), 9)
        ''',
    )
    ended = on_engine.sct("integration-tests", "-n", "2", timeout=480)
    assert ended.code == 1, ended.text
    assert "crashed" in ended.text
    assert sorted((on_engine.root / "ran").read_text().split()) == ["0", "1", "2"]
    (run,) = started(on_engine)
    assert left_of(engine, run) == []


def test_plain_pytest_gives_the_same_guarantees(on_engine, engine):
    """Twice in a row: in one process, then on workers."""
    on_engine.write("unit_tests/integration/test_query.py", PASSING)
    for workers in ("0", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "unit_tests", "-v", "-m", "integration", "-n", workers],
            cwd=on_engine.root,
            env=on_engine.environ,
            capture_output=True,
            text=True,
            timeout=360,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 passed" in done.stdout
        assert not any(left_of(engine, run) for run in started(on_engine))
    assert len(started(on_engine, 2)) == 2
    assert on_engine.nothing_left()


@pytest.mark.services("kubernetes")
def test_a_cluster_that_fails_costs_only_the_kubernetes_tests(on_engine, engine, catalogue_image, tmp_path_factory):
    """A `kind` that cannot create clusters: docker tests pass, kubernetes tests are the environment's failures."""
    catalogue_image("kind-node")
    programs = tmp_path_factory.mktemp("bin")
    kind = programs / "kind"
    kind.write_text('#!/bin/sh\n[ "$1" = version ] && echo "kind v0.33.0 go1.26.0 linux/amd64" && exit 0\n'
                    "echo ERROR: no cluster today >&2\nexit 1\n")  # fmt: skip
    kind.chmod(0o755)
    on_engine.write("unit_tests/integration/test_query.py", PASSING)
    on_engine.write(
        "unit_tests/integration/test_k8s.py",
        '''
        import pytest

        @pytest.mark.integration
        def test_namespace(k8s_cluster):
            """External services: Kubernetes"""
        ''',
    )
    ended = on_engine.sct("integration-tests", timeout=480, PATH=f"{programs}:{os.environ['PATH']}")
    assert ended.code == 75, ended.text
    assert "1 passed" in ended.out
    assert "no cluster today" in ended.text
    (run,) = started(on_engine)
    summary = json.loads((on_engine.state / "runs" / run / "summary.json").read_text())
    assert list(summary["failures"]) == ["environment"]
    assert left_of(engine, run) == []


def test_an_image_that_is_not_to_be_had_is_named(on_engine):
    on_engine.write(
        "unit_tests/integration/test_query.py",
        PASSING.replace(
            "@pytest.mark.integration",
            '@pytest.mark.docker_scylla_args(image="registry.invalid/scylla:1.2")\n    @pytest.mark.integration',
        ),
    )
    ended = on_engine.sct("integration-tests", "-n", "0", timeout=300)
    assert ended.code == 69, ended.text
    assert "registry.invalid/scylla:1.2 is neither here nor pullable" in ended.out
    assert "Traceback" not in ended.text
    assert on_engine.nothing_left()
    ended = on_engine.sct("images", "build", "casandra", timeout=300)
    assert ended.code == 64
    assert "did you mean cassandra" in ended.err


def test_nodes_are_handed_from_test_to_test_unless_asked_not_to(on_engine):
    on_engine.write(
        "unit_tests/integration/test_nodes.py",
        '''
        import pytest

        @pytest.mark.integration
        @pytest.mark.parametrize("n", range(3))
        def test_keyspace(docker_scylla, n):
            """External services: Docker"""
            docker_scylla.cql_connection().execute(
                "CREATE KEYSPACE mine WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
            )
        ''',
    )
    booted = {}
    for options in ([], ["--fresh-nodes"]):
        ended = on_engine.sct("integration-tests", "-n", "1", *options, timeout=480)
        assert ended.code == 0, ended.text
        run = max((on_engine.state / "runs").iterdir(), key=lambda path: path.stat().st_mtime).name
        records = records_of(on_engine.state / "runs" / run / "journal.jsonl")
        booted[bool(options)] = sum(r["event"] == "container" and r["state"] == "ready" for r in records)
        handed_on = [record for record in records if record.get("what") == "handed-on"]
        assert bool(handed_on) is not bool(options)
    assert booted[False] < booted[True] == 3
