"""What kind is told, and what can be known of a cluster without one."""

import json
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm import process_identity
from sdcm.environment import kind, kind_kubectl
from sdcm.environment.engine import Engine
from sdcm.environment.images import Image
from sdcm.environment.kind_config import kind_config
from sdcm.environment.kind_images import full_name
from sdcm.environment.telling import Teller
from sdcm.environment.whole_file import appearing
from sdcm.errors import DeadlinePassed, EnvironmentFailed, Interrupted, ServiceUnavailable
from sdcm.ownership.ledger import Ledger
from sdcm.paths import from_environment
from unit_tests.lib.set_clock import SetClock
from unit_tests.unit.environment.test_kind_binary import QuietStep


def test_the_api_is_published_where_we_say_on_any_free_port() -> None:
    networking = json.loads(kind_config(own_node=True, address="127.0.0.1"))["networking"]
    assert (networking["apiServerAddress"], networking["apiServerPort"]) == ("127.0.0.1", -1)


@pytest.mark.parametrize("own", [True, False])
def test_only_our_node_brings_its_own_network_settings(own: bool) -> None:
    networking = json.loads(kind_config(own_node=own, address="127.0.0.1"))["networking"]
    assert networking.get("disableDefaultCNI", False) is own


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("sct/cassandra:5.0.6", "docker.io/sct/cassandra:5.0.6"),
        ("quay.io/a/b", "quay.io/a/b:latest"),
        ("localhost:5000/a:1", "localhost:5000/a:1"),
        ("localhost/a", "localhost/a:latest"),
        ("kindest/node@sha256:00", "docker.io/kindest/node@sha256:00"),
    ],
)
def test_full_name(reference: str, name: str) -> None:
    assert full_name(reference) == name


def test_kind_is_kept_away_from_what_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/me/.kube/config")
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    environ = kind._environ(Engine("unix:///e.sock", private=True), "sct-1-kind", Path("/r/kubeconfig"))
    assert environ["KUBECONFIG"] == "/r/kubeconfig"
    assert environ["DOCKER_HOST"] == "unix:///e.sock"
    assert environ["KIND_EXPERIMENTAL_DOCKER_NETWORK"] == "sct-1-kind"
    assert "DOCKER_CONTEXT" not in environ


def test_without_docker_on_path_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    image = Image("kind-node", "sct/kind-node:1", "sha256:1", "present")
    nothing: Any = None
    with pytest.raises(ServiceUnavailable, match="the docker program is not on PATH"):
        kind.create_cluster(Engine("unix:///e.sock", private=False), image, Path("/kind"), run_id="0a1b2c3d",
                            runtime=tmp_path, paths=nothing, ledger=nothing, making=nullcontext,
                            step=QuietStep(tmp_path))  # fmt: skip


def _script(folder: Path, body: str) -> list[str]:
    program = folder / "kind"
    program.write_text(f"#!/bin/sh\n{body}")
    program.chmod(0o755)
    return [str(program)]


def test_stages_of_kind_are_told_and_its_log_kept(tmp_path: Path) -> None:
    told = tmp_path / "told"

    class Listening(QuietStep):
        def say(self, text: str) -> None:
            super().say(text)
            if text.startswith("kind: "):  # kind goes on only then
                told.touch()

    step, until_told = Listening(tmp_path), f"while ! [ -e {told} ]; do sleep 0.02; done"
    argv = _script(tmp_path, f"echo ' • Preparing nodes 📦  ...'; {until_told}; echo ' ✓ Preparing nodes'\n")
    kind._run_kind(argv, os.environ, step.log, _soon(300), Teller(step, "creating"), _ledger(tmp_path), nullcontext)
    assert step.said == ["creating", "kind: Preparing nodes"]
    assert "Preparing nodes" in step.log.read_text()


def test_a_failure_of_kind_is_told_in_its_own_words(tmp_path: Path) -> None:
    step = QuietStep(tmp_path)
    argv = _script(tmp_path, "echo starting; echo 'ERROR: failed to create cluster: no room'; exit 1\n")
    with pytest.raises(EnvironmentFailed, match=r"kind cannot create the cluster: ERROR: .* no room -- see ") as caught:
        kind._run_kind(argv, os.environ, step.log, _soon(300), Teller(step, "creating"), _ledger(tmp_path), nullcontext)
    assert caught.value.evidence.startswith("starting")


def test_kind_has_a_deadline(tmp_path: Path) -> None:
    step = QuietStep(tmp_path)
    with pytest.raises(DeadlinePassed, match="kind did not create the cluster in time"):
        kind._run_kind(
            _script(tmp_path, "sleep 600\n"),
            os.environ,
            step.log,
            _soon(0.05),
            Teller(step, "creating"),
            _ledger(tmp_path),
            nullcontext,
        )


def test_a_cancelled_step_ends_kind(tmp_path: Path) -> None:
    class Cancelled(QuietStep):
        def say(self, text: str) -> None:
            if text.startswith("kind:"):
                raise Interrupted("cancelled")

    step = Cancelled(tmp_path)
    argv = _script(tmp_path, f"echo $$ > {tmp_path}/pid; echo ' • Preparing nodes'; exec sleep 600\n")
    with pytest.raises(Interrupted):
        kind._run_kind(argv, os.environ, step.log, _soon(300), Teller(step, "creating"), _ledger(tmp_path), nullcontext)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_running_kind_is_in_the_ledger(tmp_path: Path) -> None:
    """Whoever cleans up after a killed broker must end kind before looking for what it made."""
    seen: list[str] = []
    told = tmp_path / "told"
    ledger = _ledger(tmp_path)

    class Looking(QuietStep):
        def say(self, text: str) -> None:
            seen.extend(entry.kind for entry in ledger.entries())
            if seen:
                told.touch()

    step = Looking(tmp_path)
    argv = _script(tmp_path, f"echo ' • Preparing nodes'; while ! [ -e {told} ]; do sleep 0.02; done\n")
    kind._run_kind(argv, os.environ, step.log, _soon(300), Teller(step, "creating"), ledger, nullcontext)
    assert "process" in seen
    assert ledger.entries() == ()


def test_no_kind_is_started_once_the_run_ends(tmp_path: Path) -> None:
    @contextmanager
    def closed() -> Iterator[None]:
        raise Interrupted("nothing more is started")
        yield

    step, ledger = QuietStep(tmp_path), _ledger(tmp_path)
    argv = _script(tmp_path, f"touch {tmp_path}/started\n")
    with pytest.raises(Interrupted):
        kind._run_kind(argv, os.environ, step.log, _soon(300), Teller(step, "creating"), ledger, closed)
    assert ledger.entries() == ()
    assert not (tmp_path / "started").exists()


def _ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger", "0a1b2c3d", process_identity.identify())


def _soon(seconds: float) -> float:
    import time

    return time.monotonic() + seconds


class FakeNode:
    """A container whose kubectl is a link, as in our node image."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_archive(self, path: str) -> tuple[list[bytes], dict[str, str]]:
        self.asked.append(path)
        buffer = BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo("kubelet")
            info.size = len(CONTENT)
            archive.addfile(info, BytesIO(CONTENT))
        data = buffer.getvalue()
        link = "/usr/bin/kubelet" if path.endswith("kubectl") else ""
        return [data[at : at + 1000] for at in range(0, len(data), 1000)], {"linkTarget": link}


CONTENT = b"program" * 5000


def test_kubectl_is_taken_out_of_the_node_once(tmp_path: Path) -> None:
    node = FakeNode()
    client: Any = SimpleNamespace(containers=SimpleNamespace(get=lambda _name: node))
    paths = from_environment({"HOME": str(tmp_path)})
    kubectl = kind_kubectl.ensure_kubectl(client, "node", "sha256:00112233445566778899", paths)
    assert kubectl == paths.cache / "kubectl" / "0011223344556677" / "kubectl"
    assert kubectl.read_bytes() == CONTENT
    assert node.asked == ["/usr/bin/kubectl", "/usr/bin/kubelet"]
    assert kind_kubectl.ensure_kubectl(client, "node", "sha256:00112233445566778899", paths) == kubectl
    assert len(node.asked) == 2


def test_copies_that_nobody_asked_for_are_forgotten(tmp_path: Path) -> None:
    node = FakeNode()
    client: Any = SimpleNamespace(containers=SimpleNamespace(get=lambda _name: node))
    paths = from_environment({"HOME": str(tmp_path)})
    old = kind_kubectl.ensure_kubectl(client, "node", "sha256:old", paths)
    os.utime(old.parent, (0, 0))
    kind_kubectl.ensure_kubectl(client, "node", "sha256:new", paths)
    assert not old.exists()


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "bin" / "program"
    with pytest.raises(TypeError), appearing(target) as file:
        file.write("half")  # type: ignore[arg-type]
    assert list(target.parent.iterdir()) == []
    with appearing(target) as file:
        file.write(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    assert os.access(target, os.X_OK)


def test_a_loop_is_not_silent_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SetClock()
    monkeypatch.setattr("sdcm.environment.telling.time", clock)
    step = QuietStep(tmp_path)
    teller = Teller(step, "loading")
    teller.still("10 MB")
    clock.leap(2)
    teller.still("20 MB")
    teller.still("21 MB")
    teller.now("unpacking")
    assert step.said == ["loading", "20 MB (2 s)", "unpacking"]
