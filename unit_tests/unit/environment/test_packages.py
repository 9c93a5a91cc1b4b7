import os
import re
from pathlib import Path

import pytest

from sdcm.environment import packages
from sdcm.environment.private_engine import programs
from sdcm.errors import DeadlinePassed, EnvironmentFailed, ServiceUnavailable
from sdcm.wait import wait_for
from unit_tests.lib.fake_step import FakeStep


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on PATH; its apt-get writes down what it is called with."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(packages, "can_install", lambda: "")
    write(folder / "apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {tmp_path}/calls; echo "Setting up x"')
    write(folder / "apt-cache", 'echo "  Candidate: (none)"')
    return folder


def write(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_packages_are_installed_after_an_update(tools: Path, tmp_path: Path) -> None:
    step = FakeStep(tmp_path)
    packages.install(["mmdebstrap"], step)
    update, install = (tmp_path / "calls").read_text().splitlines()
    assert update == "noninteractive update"
    assert install.startswith("noninteractive install -y --no-install-recommends")
    assert install.endswith(" mmdebstrap")
    assert step.said[-1].startswith("installed mmdebstrap in")
    assert "Setting up x" in step.log.read_text()


@pytest.mark.parametrize(("candidate", "expected"), [("5:28.0", True), ("(none)", False)])
def test_the_docker_command_comes_along_where_it_is_a_package_of_its_own(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, candidate: str, expected: bool
) -> None:
    write(tools / "apt-cache", f'echo "  Candidate: {candidate}"')
    real = programs.locate
    monkeypatch.setattr(programs, "locate", lambda name: None if name == "docker" else real(name))
    packages.install(packages.ENGINE_PACKAGES, FakeStep(tmp_path))
    assert ("docker-cli" in (tmp_path / "calls").read_text()) is expected


def test_a_failure_tells_the_last_words(tools: Path, tmp_path: Path) -> None:
    write(tools / "apt-get", 'echo "E: Unable to locate package nope"; echo; exit 100')
    with pytest.raises(EnvironmentFailed, match=r"ended with status 100: E: Unable to locate package nope"):
        packages.install(["nope"], FakeStep(tmp_path))


def test_another_package_manager_is_waited_for(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_LOCK_PAUSE", 0.01)
    calls, locked = tmp_path / "calls", "E: Could not get lock /var/lib/apt/lists/lock"
    write(
        tools / "apt-get",
        f'echo "$*" >> {calls}; [ "$(wc -l < {calls})" -gt 2 ] || {{ echo "{locked}"; echo; exit 100; }}',
    )
    step = FakeStep(tmp_path)
    packages.install(["x"], step)
    assert [call.split()[0] for call in calls.read_text().splitlines()] == ["update"] * 3 + ["install"]
    assert any("waiting for another package manager" in said for said in step.said)


def test_a_lock_that_stays_is_a_failure(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_LOCK_PAUSE", 0.01)
    monkeypatch.setattr(packages, "_LOCK_DEADLINE", 0.1)
    write(tools / "apt-get", 'echo "E: Unable to lock directory /var/lib/apt/lists/"; exit 100')
    with pytest.raises(packages.PackagesLocked):
        packages.install(["x"], FakeStep(tmp_path))


def test_an_installation_is_let_finish_past_the_deadline(tools: Path, tmp_path: Path) -> None:
    go, finished = tmp_path / "go", tmp_path / "finished"
    write(tools / "apt-get", f"while ! [ -e {go} ]; do sleep 0.02; done; touch {finished}")
    with pytest.raises(DeadlinePassed, match="is let finish"):
        packages.install(["x"], FakeStep(tmp_path, deadline=0.05))
    assert not finished.exists()
    go.touch()
    wait_for(finished.exists, step=0.02, timeout=30)


def test_a_long_step_keeps_talking(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_SAY_EVERY", 0.02)
    go = tmp_path / "go"
    write(tools / "apt-get", f'echo "Unpacking y"; while ! [ -e {go} ]; do sleep 0.02; done')

    class Listener(FakeStep):
        def say(self, text: str) -> None:
            super().say(text)
            if re.fullmatch(r"Unpacking y \(\d+ s\)", text):  # the package manager ends only once this was said
                go.touch()

    step = Listener(tmp_path)
    packages.install(["y"], step)
    assert go.exists()
    assert step.said[-1].startswith("installed y in")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nPRETTY_NAME="Debian GNU/Linux 13"\n', ""),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', ""),
        ('ID=fedora\nPRETTY_NAME="Fedora Linux 42"\n', "Fedora Linux 42 is no Debian or Ubuntu"),
    ],
)
def test_systems_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(programs, "locate", lambda name: f"/usr/bin/{name}")
    (tmp_path / "os-release").write_text(text)
    assert packages.can_install(tmp_path / "os-release") == expected
    assert packages.can_install(tmp_path / "none") == "this is no Debian or Ubuntu system"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert packages.can_install(tmp_path / "os-release") == "only root can install packages"


def test_nothing_is_tried_where_nothing_can_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "can_install", lambda: "only root can install packages")
    with pytest.raises(ServiceUnavailable, match="only root can install packages -- apt-get install -y mmdebstrap"):
        packages.install(["mmdebstrap"], FakeStep(tmp_path))


def test_sbin_is_searched_even_if_path_lacks_it(tmp_path: Path) -> None:
    path = programs.search_path({"PATH": f"/usr/bin::{tmp_path}"}).split(os.pathsep)
    assert path[:2] == ["/usr/bin", str(tmp_path)]
    assert {"/usr/sbin", "/sbin"} <= set(path)
    assert path.count("/usr/bin") == 1


def test_the_engine_is_given_nothing_of_the_run() -> None:
    passed_on = {"PATH": "/bin", "HOME": "/root", "https_proxy": "http://p"}
    given = programs.engine_environment({**passed_on, "DOCKER_HOST": "x", "SCT_RUN": "y", "AWS_KEY": "z"})
    assert set(given) == {"PATH", "HOME", "https_proxy"}
