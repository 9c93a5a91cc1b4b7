import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sdcm import process_identity
from sdcm.environment.catalogue import Entry
from sdcm.environment.image_sources import bootstrap as bootstrap_module
from sdcm.environment.image_sources.bootstrap import bootstrap, obstacle
from sdcm.environment.image_sources.build import BuildFailed
from sdcm.environment.private_engine import programs
from sdcm.errors import ServiceUnavailable
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.ledger import Ledger
from unit_tests.lib.fake_engine import FakeEngine
from unit_tests.lib.set_clock import SetClock

ENTRY = Entry("rootfs-trixie", "sct/rootfs:trixie", pull="debian:13.1-slim", bootstrap="trixie")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    fake = FakeEngine(tmp_path)
    yield fake
    fake.close()


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to write a script that stands in for mmdebstrap; it is found first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(bootstrap_module, "_TELL_EVERY", 0.02)
    monkeypatch.setattr(bootstrap_module, "_CLEAN_UP", 60.0)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder / "mmdebstrap"


def write(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make(
    engine: FakeEngine,
    folder: Path,
    deadline: float = 300,
    ledger: Ledger | None = None,
    on_tell: Callable[[str], None] = lambda _text: None,
) -> list[str]:
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        on_tell(text)

    bootstrap(
        Endpoint(engine.host),
        ENTRY,
        digest="d1",
        log=folder / "step.log",
        deadline=deadline,
        tell=tell,
        environ=os.environ,
        ledger=ledger,
    )
    return told


def test_the_system_streams_into_the_engine(engine: FakeEngine, tmp_path: Path, mmdebstrap: Path) -> None:
    go = tmp_path / "go"
    wait_for_go = f"while ! [ -e {go} ]; do sleep 0.02; done"
    write(mmdebstrap, f'echo "I: installing" >&2; echo "$@" >&2; {wait_for_go}; head -c 3000000 /dev/zero')
    ledger = Ledger(tmp_path / "state", "0123abcd", process_identity.identify())
    told = make(engine, tmp_path, ledger=ledger, on_tell=lambda text: text.endswith(": installing") and go.touch())
    assert "bootstrapping Debian trixie for rootfs-trixie: installing" in told
    assert told[-1] == "importing Debian trixie for rootfs-trixie: 3 MB"
    assert engine.imported == bytes(3_000_000)
    assert engine.images["sct/rootfs:trixie"]["Config"]["Labels"] == {"sct.build": "d1"}
    assert "--format=tar trixie -" in (tmp_path / "step.log").read_text()
    assert ledger.entries() == ()
    assert '"kind":"process"' in ledger.path.read_text()
    ledger.close()


def test_half_a_system_becomes_no_image(engine: FakeEngine, tmp_path: Path, mmdebstrap: Path) -> None:
    write(mmdebstrap, "head -c 100000 /dev/zero; echo 'E: Could not resolve mirror.lan' >&2; exit 3")
    with pytest.raises(BuildFailed, match="mmdebstrap ended with status 3") as caught:
        make(engine, tmp_path)
    assert caught.value.is_for_want_of_a_registry
    assert engine.images == {}


def test_a_hanging_mmdebstrap_is_ended_and_cleans_up(
    engine: FakeEngine, tmp_path: Path, mmdebstrap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SetClock()
    monkeypatch.setattr(bootstrap_module, "time", clock)
    write(mmdebstrap, f"trap 'touch {tmp_path}/cleaned; exit 1' TERM; echo 'I: ready' >&2; sleep 600 & wait")
    started = time.monotonic()
    with pytest.raises(BuildFailed, match=r"took longer than 300 s"):
        make(engine, tmp_path, on_tell=lambda text: clock.leap(301) if text.endswith(": ready") else None)
    assert time.monotonic() - started < 60
    assert (tmp_path / "cleaned").exists()
    assert engine.images == {}


def test_a_refused_import_tells_the_engines_reason(engine: FakeEngine, tmp_path: Path, mmdebstrap: Path) -> None:
    write(mmdebstrap, "head -c 1000 /dev/zero")
    engine.refusals["POST /images/create"] = [(500, {"message": "no space left on device"})]
    with pytest.raises(BuildFailed, match="no space left on device"):
        make(engine, tmp_path)


def test_without_mmdebstrap_the_command_to_type_is_named(
    engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "locate", lambda name: None)
    assert obstacle() == "mmdebstrap is not installed"
    with pytest.raises(ServiceUnavailable, match=r"-- apt-get install -y mmdebstrap .*, or add --setup"):
        make(engine, tmp_path)
