import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sdcm.environment import engine as engines
from sdcm.environment import packages
from sdcm.environment.engine import Engine, find_engine, hold_engine, privileged_verdict
from sdcm.environment.private_engine import holding, programs
from sdcm.environment.private_engine.layout import Layout, Record, write_record
from sdcm.errors import ServiceUnavailable, UsageProblem
from sdcm.exit_codes import ExitCode
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.paths import Paths
from unit_tests.lib.fake_engine import FakeEngine
from unit_tests.lib.fake_step import FakeStep

Silence = Callable[..., None]


@pytest.fixture
def places(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "run", tmp_path / "state", tmp_path / "cache", tmp_path / "engine")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A Linux machine of root's, with every program there and no engine that answers; host -> why it is silent."""
    silence: dict[str, str] = {}
    monkeypatch.setattr(Endpoint, "silence", lambda self, timeout=3.0: silence.get(self.host, "Connection refused"))
    monkeypatch.setattr(engines, "candidates", _without_sockets)
    monkeypatch.setattr(programs, "locate", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages, "can_install", lambda: "")
    return silence


def _without_sockets(environ: dict[str, str]) -> list[engines.Candidate]:
    from sdcm.environment.user_engine import candidates

    return [found for found in candidates(environ) if not found.origin.startswith("/")]


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(programs, "locate", lambda name: None if name in names else f"/usr/bin/{name}")


def test_the_users_engine_is_used_when_it_answers(machine: dict[str, str], places: Paths) -> None:
    machine["unix:///u.sock"] = ""
    choice = find_engine({"HOME": "/h", "DOCKER_HOST": "unix:///u.sock"}, places, allow_install=True)
    assert (choice.kind, choice.host, choice.private) == ("user", "unix:///u.sock", False)


def test_a_set_docker_host_is_never_replaced(machine: dict[str, str], places: Paths) -> None:
    machine[Layout.of(places).endpoint.host] = ""
    with pytest.raises(ServiceUnavailable, match=r"DOCKER_HOST=unix:///u\.sock does not answer: Conn") as caught:
        find_engine({"HOME": "/h", "DOCKER_HOST": "unix:///u.sock"}, places, allow_install=True)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    assert "\n" not in str(caught.value)


def test_ssh_is_wrong_usage(machine: dict[str, str], places: Paths) -> None:
    with pytest.raises(UsageProblem) as caught:
        find_engine({"DOCKER_HOST": "ssh://far"}, places, allow_install=True)
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_private_engine_that_is_up_is_joined(machine: dict[str, str], places: Paths) -> None:
    host = Layout.of(places).endpoint.host
    machine[host] = ""
    choice = find_engine({"HOME": "/h"}, places, allow_install=False)
    assert (choice.kind, choice.host, choice.private) == ("private-up", host, True)


@pytest.mark.parametrize(("silence", "kind"), [("", "private-up"), ("No such file or directory", "private-start")])
def test_the_exported_address_of_the_private_engine_means_the_private_engine(
    machine: dict[str, str], places: Paths, silence: str, kind: str
) -> None:
    """A run's first lines tell to `export DOCKER_HOST=` our own socket; that must still work without the engine."""
    host = Layout.of(places).endpoint.host
    machine[host] = silence
    choice = find_engine({"HOME": "/h", "DOCKER_HOST": host}, places, allow_install=False)
    assert (choice.kind, choice.private) == (kind, True)


def test_root_with_dockerd_gets_a_private_engine(machine: dict[str, str], places: Paths) -> None:
    choice = find_engine({"HOME": "/h"}, places, allow_install=False)
    assert (choice.kind, choice.private, choice.host) == ("private-start", True, Layout.of(places).endpoint.host)
    assert not places.engine.exists()
    assert not places.runtime.exists()


@pytest.mark.parametrize("program", programs.NEEDED)
def test_what_is_missing_can_be_installed(
    machine: dict[str, str], places: Paths, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    without(monkeypatch, program)
    assert find_engine({"HOME": "/h"}, places, allow_install=True).kind == "install"
    with pytest.raises(ServiceUnavailable, match=rf"lacks {program} -- apt-get install -y docker\.io") as caught:
        find_engine({"HOME": "/h"}, places, allow_install=False)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE


def test_where_nothing_can_be_installed_it_says_why(
    machine: dict[str, str], places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "dockerd")
    monkeypatch.setattr(packages, "can_install", lambda: "Alpine is no Debian or Ubuntu")
    with pytest.raises(ServiceUnavailable, match="Alpine is no Debian or Ubuntu -- install Docker Engine"):
        find_engine({"HOME": "/h"}, places, allow_install=True)


@pytest.mark.parametrize(
    ("missing", "mend"),
    [((), "sudo systemctl start docker"), (("dockerd",), r"sudo apt-get install -y docker\.io")],
)
def test_a_user_is_told_what_to_type(
    machine: dict[str, str], places: Paths, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], mend: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    without(monkeypatch, *missing)
    with pytest.raises(ServiceUnavailable, match=f"-- {mend}"):
        find_engine({"HOME": "/h"}, places, allow_install=True)


def test_a_user_outside_the_docker_group_is_told(
    machine: dict[str, str], places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    found = engines.Candidate(Endpoint("unix:///var/run/docker.sock"), "/var/run/docker.sock")
    monkeypatch.setattr(engines, "candidates", lambda environ: [found])
    machine["unix:///var/run/docker.sock"] = "Permission denied"
    with pytest.raises(ServiceUnavailable, match=r"docker\.sock: Permission denied -- sudo usermod -aG docker"):
        find_engine({"HOME": "/h"}, places, allow_install=True)


def test_after_an_installation_the_systems_own_engine_is_used(
    machine: dict[str, str], places: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Installing docker.io starts a dockerd where there is an init system: then that one is the engine."""
    without(monkeypatch, "dockerd")
    choice = find_engine({"HOME": "/h"}, places, allow_install=True)
    installed: list[tuple[str, ...]] = []

    def install(wanted: tuple[str, ...], step: FakeStep) -> None:
        installed.append(tuple(wanted))
        machine["unix:///var/run/docker.sock"] = ""

    system = engines.Candidate(Endpoint("unix:///var/run/docker.sock"), "/var/run/docker.sock")
    monkeypatch.setattr(engines, "candidates", lambda environ: [system])
    monkeypatch.setattr(packages, "install", install)
    with hold_engine(choice, places, FakeStep(tmp_path)) as engine:
        assert (engine.host, engine.private) == ("unix:///var/run/docker.sock", False)
    assert installed == [packages.ENGINE_PACKAGES]


def test_a_users_engine_is_left_as_it_is(machine: dict[str, str], places: Paths, tmp_path: Path) -> None:
    machine["tcp://192.0.2.7:2375"] = ""
    choice = find_engine({"HOME": "/h", "DOCKER_HOST": "tcp://192.0.2.7:2375"}, places, allow_install=False)
    with hold_engine(choice, places, FakeStep(tmp_path)) as engine:
        assert engine == Engine("tcp://192.0.2.7:2375", private=False, publish_host="192.0.2.7")
    assert not places.engine.exists()


def test_stopping_what_never_ran_touches_nothing(machine: dict[str, str], places: Paths) -> None:
    assert holding.stop_if_unused(places)
    assert not places.engine.exists()


def test_a_child_is_given_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"DOCKER_TLS_VERIFY": "1", "PATH": "/bin"})
    plain = Engine("unix:///e.sock", private=True)
    assert plain.environ() == {"DOCKER_HOST": "unix:///e.sock", "DOCKER_TLS_VERIFY": ""}
    secured = Engine("tcp://192.0.2.7:2376", False, "192.0.2.7", tls_verify=True, cert_path="/c")
    assert secured.environ() == {
        "DOCKER_HOST": "tcp://192.0.2.7:2376",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": "/c",
    }


def test_a_record_of_another_runtime_directory_leads_to_the_one_engine(places: Paths, tmp_path: Path) -> None:
    places.engine.mkdir()
    write_record(places.engine, Record("/run/elsewhere/engine-1", "10.201.0.0/16", "1"))
    assert Layout.of(places).endpoint.host == "unix:///run/elsewhere/engine-1/docker.sock"


class TestPrivilegedVerdict:
    @pytest.fixture
    def fake(self, tmp_path: Path) -> Iterator[FakeEngine]:
        fake = FakeEngine(tmp_path)
        yield fake
        fake.close()

    def test_a_container_that_runs_settles_it(self, fake: FakeEngine) -> None:
        assert privileged_verdict(Engine(fake.host, private=True), "sct/base:bookworm", "0123abcd") == ""
        (body,) = fake.created
        assert body["HostConfig"] == {"Privileged": True, "NetworkMode": "none"}
        assert body["Labels"] == {"sct.run": "0123abcd", "sct.role": "probe"}
        assert fake.containers == []

    def test_the_engines_reason_is_given_and_nothing_stays(
        self, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engines.secrets, "token_hex", lambda _: "abc")
        reason = "OCI runtime create failed:\n unable to apply caps: operation not permitted"
        fake.refusals["POST /containers/sct-probe-privileged-abc/start"] = [(400, {"message": reason})]
        verdict = privileged_verdict(Engine(fake.host, private=False), "sct/base:bookworm")
        assert verdict == "OCI runtime create failed: unable to apply caps: operation not permitted"
        assert fake.containers == []

    def test_a_missing_image_is_a_reason(self, fake: FakeEngine) -> None:
        fake.refusals["POST /containers/create"] = [(404, {"message": "No such image: x:1"})]
        assert privileged_verdict(Engine(fake.host, private=False), "x:1") == "No such image: x:1"
