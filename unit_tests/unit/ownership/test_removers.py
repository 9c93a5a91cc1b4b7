import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sdcm import process, process_identity
from sdcm.ownership import removers
from sdcm.ownership.docker_endpoint import Endpoint, EngineSilent
from sdcm.ownership.ledger import Entry, Ledger, read
from unit_tests.lib.fake_engine import FakeEngine
from unit_tests.lib.set_clock import SetClock

RUN = "0123abcd"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    fake = FakeEngine(tmp_path)
    yield fake
    fake.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "state", RUN, process_identity.identify())
    yield opened
    opened.close()


def sleeper(code: str = "pass") -> subprocess.Popen[bytes]:
    program = f"import signal, time; {code}; print('ready', flush=True); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def process_entry(pid: int) -> Entry:
    return Entry(1, "process", str(pid), {"identity": json.dumps(process_identity.identify(pid).to_record())})


def test_objects_go_and_are_written_off(engine: FakeEngine, ledger: Ledger) -> None:
    engine.networks = [{"Id": "n1", "Name": f"sct-{RUN}", "Labels": {}}]
    engine.volumes = [{"Name": "v1", "Labels": {}}]
    engine.add_container("c1", {})
    for kind, name in (("network", f"sct-{RUN}"), ("container", "c1"), ("volume", "v1"), ("container", "never-made")):
        ledger.will_make(kind, name, host=engine.host)
    assert removers.remove(ledger.entries(), ledger, 60) == []
    assert (engine.containers, engine.networks, engine.volumes) == ([], [], [])
    assert ledger.entries() == ()
    state = read(ledger.path)
    assert state is not None
    assert state.entries == ()


def test_what_stands_on_something_goes_first(engine: FakeEngine) -> None:
    engine.networks = [{"Id": "n1", "Name": "net", "Labels": {}}]
    entries = [
        Entry(1, "network", "net", {"host": engine.host}),
        Entry(2, "container", "a", {"host": engine.host}),
        Entry(3, "container", "b", {"host": engine.host}),
    ]
    removers.remove(entries, None, 60)
    deletions = [request for request in engine.requests if request.startswith("DELETE")]
    assert set(deletions[:2]) == {"DELETE /containers/a", "DELETE /containers/b"}
    assert deletions[2:] == ["DELETE /networks/net"]


def test_extra_kinds_go_first_each_alone_and_the_engine_last(engine: FakeEngine) -> None:
    order: list[str] = []
    entries = [
        Entry(1, "engine", "data", {}),
        Entry(2, "bucket", "first", {}),
        Entry(3, "container", "c", {"host": engine.host}),
        Entry(4, "bucket", "second", {}),
    ]
    extra = {kind: lambda entry: order.append(entry.name) for kind in ("bucket", "engine")}
    extra["container"] = lambda entry: order.append("container")
    assert removers.remove(entries, None, 60, extra=extra) == []
    assert order == ["second", "first", "container", "data"]


def test_one_failure_hinders_no_other_and_is_told(
    engine: FakeEngine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sdcm.ownership.docker_objects.time", SetClock(pace=20))
    engine.add_container("stuck", {})
    engine.refusals["DELETE /containers/stuck"] = [(500, {"message": "driver failed"})] * 50
    for name in ("stuck", "fine"):
        ledger.will_make("container", name, host=engine.host)
    left = removers.remove(ledger.entries(), ledger, 60)
    assert [str(leftover) for leftover in left] == [
        "container stuck (container stuck cannot be removed: driver failed)"
    ]
    assert [entry.name for entry in ledger.entries()] == ["stuck"]


def test_a_removers_own_defect_is_told_too() -> None:
    def broken(entry: Entry) -> None:
        raise KeyError("kubeconfig")

    left = removers.remove([Entry(1, "x", "y", {})], None, 60, extra={"x": broken})
    assert [leftover.reason for leftover in left] == ["'kubeconfig'"]


def test_an_unknown_kind_is_left_and_told() -> None:
    left = removers.remove([Entry(1, "spaceship", "s1", {})], None, 60)
    assert [str(leftover) for leftover in left] == ["spaceship s1 (nothing here can remove a spaceship)"]


def test_when_the_time_is_up_the_rest_is_told(engine: FakeEngine) -> None:
    left = removers.remove([Entry(1, "container", "c", {"host": engine.host})], None, 0)
    assert [leftover.reason for leftover in left] == ["the time for removing was up"]
    assert engine.requests == []


def test_a_silent_users_engine_may_still_have_it(tmp_path: Path) -> None:
    entry = Entry(1, "container", "c", {"host": f"unix://{tmp_path}/gone.sock"})
    (left,) = removers.remove([entry], None, 60)
    assert "does not answer" in left.reason


def test_a_dead_private_engine_takes_its_objects_along(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"unix://{tmp_path}/engine-0a1b2c/docker.sock"
    monkeypatch.setattr(Endpoint, "connection", _refuse)
    for kind in ("container", "network", "volume", "kind-cluster", "labelled"):
        ledger.will_make(kind, RUN, host=host)
    assert removers.remove(ledger.entries(), ledger, 60) == []
    assert ledger.entries() == ()


def test_a_private_engine_that_is_merely_slow_has_everything_still(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(*_arguments: object, **_options: object) -> None:
        raise EngineSilent("the engine does not answer")

    monkeypatch.setattr(Endpoint, "call", no_answer)
    ledger.will_make("container", "c", host=f"unix://{tmp_path}/engine-0a1b2c/docker.sock")
    monkeypatch.setattr(Endpoint, "listens", lambda self: True)
    (left,) = removers.remove(ledger.entries(), ledger, 60)
    assert "does not answer" in left.reason
    assert [entry.name for entry in ledger.entries()] == ["c"]


def _refuse(self: Endpoint, timeout: float) -> None:
    raise ConnectionRefusedError(111, "Connection refused")


def test_a_kind_cluster_goes_by_its_label(engine: FakeEngine) -> None:
    engine.add_container("control-plane", {"io.x-k8s.kind.cluster": f"sct-{RUN}"})
    engine.add_container("another", {"io.x-k8s.kind.cluster": "kind"})
    assert removers.remove([Entry(1, "kind-cluster", f"sct-{RUN}", {"host": engine.host})], None, 60) == []
    assert [container["Id"] for container in engine.containers] == ["id-another"]


def test_labelled_removes_all_of_the_run_and_nothing_else(engine: FakeEngine) -> None:
    engine.add_container("a", {"sct.run": RUN})
    engine.add_container("b", {"sct.run": "feedf00d"})
    engine.networks = [{"Id": "n", "Name": "n", "Labels": {"sct.run": RUN}}]
    assert len(removers.leftovers(engine.host, RUN)) == 2
    assert [str(left) for left in removers.leftovers(engine.host, RUN)] == ["container a", "network n"]
    assert removers.remove([Entry(1, "labelled", RUN, {"host": engine.host})], None, 60) == []
    assert removers.leftovers(engine.host, RUN) == []
    assert [container["Id"] for container in engine.containers] == ["id-b"]


def test_labelled_looks_again_for_what_came_while_it_removed(engine: FakeEngine) -> None:
    engine.add_container("a", {"sct.run": RUN})
    late = ["b", "c"]
    engine.on_delete = lambda: engine.add_container(late.pop(), {"sct.run": RUN}) if late else None
    assert removers.remove([Entry(1, "labelled", RUN, {"host": engine.host})], None, 60) == []
    assert engine.containers == []


def test_a_process_is_ended_with_its_group() -> None:
    child = sleeper("import subprocess; subprocess.Popen(['sleep', '600'])")
    try:
        assert removers.remove([process_entry(child.pid)], None, 60) == []
        assert child.wait(60) == -signal.SIGTERM
        assert not _group_lives(child.pid)
    finally:
        process.kill_group(child.pid)


def _group_lives(group: int) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        members = [stat for stat in Path("/proc").glob("[0-9]*/stat") if _group_of(stat) == group]
        if not members:
            return False
        time.sleep(0.05)
    return True


def _group_of(stat: Path) -> int:
    try:
        words = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if words[0] == "Z" else int(words[2])


def test_a_process_that_does_not_listen_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removers, "_ASKED_NICELY", 0.2)
    child = sleeper("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert removers.remove([process_entry(child.pid)], None, 60) == []
    assert child.wait(60) == -signal.SIGKILL


def test_a_later_process_of_the_same_number_is_spared() -> None:
    child = sleeper()
    try:
        later = process_identity.identify(child.pid)
        earlier = replace(later, start_ticks=later.start_ticks - 1)
        entry = Entry(1, "process", str(child.pid), {"identity": json.dumps(earlier.to_record())})
        assert removers.remove([entry], None, 60) == []
        assert child.poll() is None
    finally:
        process.kill_group(child.pid)
        child.wait()


def test_a_process_of_another_host_is_left_and_told() -> None:
    foreign = replace(process_identity.identify(), host="elsewhere")
    entry = Entry(1, "process", str(os.getpid()), {"identity": json.dumps(foreign.to_record())})
    (left,) = removers.remove([entry], None, 60)
    assert "another host" in left.reason


def test_a_directory_below_the_runtime_directory_goes(tmp_path: Path) -> None:
    directory = tmp_path / "run" / RUN
    (directory / "deep").mkdir(parents=True)
    (directory / "deep" / "file").write_text("x")
    entry = Entry(1, "directory", str(directory), {})
    for _ in range(2):
        assert removers.remove([entry], None, 60, runtime=tmp_path / "run") == []
    assert not directory.exists()


@pytest.mark.parametrize("name", ["{base}", "{base}/run", "{base}/run/../state", "{base}/run/link/inside", "relative"])
def test_no_other_directory_is_touched(tmp_path: Path, name: str) -> None:
    for folder in ("run", "state/inside"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "run" / "link").symlink_to(tmp_path / "state")
    entry = Entry(1, "directory", name.format(base=tmp_path), {})
    (left,) = removers.remove([entry], None, 60, runtime=tmp_path / "run")
    assert "left alone" in left.reason
    assert (tmp_path / "state" / "inside").is_dir()
    assert (tmp_path / "run").is_dir()
