import hashlib
import json
from pathlib import Path

import pytest

from sdcm.environment import user_engine
from sdcm.environment.user_engine import candidates
from sdcm.errors import UsageProblem


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose machine has no socket outside it."""
    monkeypatch.setattr(user_engine, "_exists", lambda path: path.is_relative_to(tmp_path) and path.exists())
    return tmp_path


def add_context(home: Path, name: str, host: str, *, skip_verify: bool = False) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = home / ".docker" / "contexts" / "meta" / digest
    folder.mkdir(parents=True)
    endpoint = {"Host": host, "SkipTLSVerify": skip_verify}
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": endpoint}}))
    return home / ".docker" / "contexts" / "tls" / digest / "docker"


def use_context(home: Path, name: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))


def test_docker_host_stands_alone_and_is_binding(home: Path) -> None:
    add_context(home, "desk", "unix:///desk.sock")
    use_context(home, "desk")
    (found,) = candidates({"HOME": str(home), "DOCKER_HOST": "unix:///my.sock", "DOCKER_CONTEXT": "desk"})
    assert (found.endpoint.host, found.origin, found.chosen) == ("unix:///my.sock", "DOCKER_HOST=unix:///my.sock", True)


def test_docker_context_stands_alone_and_is_binding(home: Path) -> None:
    add_context(home, "desk", "unix:///desk.sock")
    (found,) = candidates({"HOME": str(home), "DOCKER_CONTEXT": "desk"})
    assert (found.endpoint.host, found.origin, found.chosen) == ("unix:///desk.sock", "docker context desk", True)


def test_the_current_context_comes_before_the_sockets(home: Path) -> None:
    add_context(home, "desk", "unix:///desk.sock")
    use_context(home, "desk")
    for place in (".docker/run/docker.sock", "xdg/docker.sock"):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).touch()
    found = candidates({"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "xdg")})
    assert [candidate.endpoint.host for candidate in found] == [
        "unix:///desk.sock",
        f"unix://{home}/xdg/docker.sock",
        f"unix://{home}/.docker/run/docker.sock",
    ]
    assert not any(candidate.chosen for candidate in found)


@pytest.mark.parametrize("current", ["default", ""])
def test_the_default_context_means_the_sockets(home: Path, current: str) -> None:
    use_context(home, current)
    assert candidates({"HOME": str(home)}) == []
    assert candidates({"HOME": str(home), "DOCKER_CONTEXT": "default"}) == []


def test_docker_config_may_lie_elsewhere(home: Path) -> None:
    add_context(home, "desk", "tcp://192.0.2.7:2375")
    use_context(home, "desk")
    (home / ".docker").rename(home / "elsewhere")
    (found,) = candidates({"HOME": "/nowhere", "DOCKER_CONFIG": str(home / "elsewhere")})
    assert found.endpoint.host == "tcp://192.0.2.7:2375"


@pytest.mark.parametrize("text", ["", "no json", "[]"])
def test_an_unreadable_configuration_is_none(home: Path, text: str) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(text)
    assert candidates({"HOME": str(home)}) == []


@pytest.mark.parametrize("skip", [False, True])
def test_a_contexts_certificates_are_used(home: Path, skip: bool) -> None:
    tls = add_context(home, "ci", "tcp://192.0.2.7:2376", skip_verify=skip)
    tls.mkdir(parents=True)
    (found,) = candidates({"HOME": str(home), "DOCKER_CONTEXT": "ci"})
    assert (found.endpoint.cert_path, found.endpoint.tls_verify) == (str(tls), not skip)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, (False, "")),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}, (True, "/c")),
        ({"DOCKER_TLS_VERIFY": "1"}, (True, "/h/.docker")),
        ({"DOCKER_CERT_PATH": "/c"}, (False, "/c")),
    ],
)
def test_tls_variables_go_with_a_tcp_host(variables: dict[str, str], expected: tuple[bool, str]) -> None:
    (found,) = candidates({"HOME": "/h", "DOCKER_HOST": "tcp://192.0.2.7:2376", **variables})
    assert (found.endpoint.tls_verify, found.endpoint.cert_path) == expected


def test_ssh_is_refused_in_one_line(home: Path) -> None:
    add_context(home, "far", "ssh://me@far")
    for environ in ({"DOCKER_HOST": "ssh://me@far"}, {"DOCKER_CONTEXT": "far"}):
        with pytest.raises(UsageProblem, match="an engine behind ssh cannot be used") as caught:
            candidates({"HOME": str(home), **environ})
        assert "\n" not in str(caught.value)
        assert "ssh://me@far" in str(caught.value)


def test_other_addresses_are_refused(home: Path) -> None:
    with pytest.raises(UsageProblem, match="DOCKER_HOST is localhost:2375, no address of an engine"):
        candidates({"HOME": str(home), "DOCKER_HOST": "localhost:2375"})


@pytest.mark.parametrize("host", ["tcp://h:99999", "tcp://h:port", "tcp://:2375", "tcp://", "tcp://h:0", "tcp://[::1"])
def test_an_address_without_a_real_host_and_port_is_one_line(home: Path, host: str) -> None:
    with pytest.raises(UsageProblem, match="no address of an engine: ") as caught:
        candidates({"HOME": str(home), "DOCKER_HOST": host})
    assert "tcp://HOST:2375" in caught.value.mend


def test_an_unknown_context_is_named(home: Path) -> None:
    with pytest.raises(UsageProblem, match="docker context nope does not exist"):
        candidates({"HOME": str(home), "DOCKER_CONTEXT": "nope"})
