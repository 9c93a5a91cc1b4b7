import json
from pathlib import Path

import pytest

from sdcm.containers import handle
from sdcm.containers.service import ContainerRecord, ContainerRequest, ContainerSpec, start_container
from sdcm.errors import EnvironmentFailed
from unit_tests.lib.fake_docker import FakeDocker

REQUEST = ContainerRequest(
    "cache",
    "cache:1",
    command=("--port", "8000"),
    environment={"SIZE": "1"},
    ports=(8000,),
    memory_mb=256,
    cores=1,
    files={"/run/secret": "s3cret"},
)


def spec_of(request: ContainerRequest, publish_host: str = "127.0.0.1") -> ContainerSpec:
    return ContainerSpec(
        request, "sct-1-cache-1", "cache-1", "cache:1@local", "sct-1", {"sct.run": "1"}, publish_host, "unix:///engine"
    )


@pytest.fixture
def docker() -> FakeDocker:
    client = FakeDocker()
    client.published = {8000: 32000}
    return client


def start(docker: FakeDocker, request: ContainerRequest = REQUEST, publish_host: str = "127.0.0.1") -> ContainerRecord:
    return start_container(docker, spec_of(request, publish_host))  # type: ignore[arg-type]


def test_a_request_and_a_record_cross_the_socket_whole(docker: FakeDocker) -> None:
    assert ContainerRequest.from_record(json.loads(json.dumps(REQUEST.to_record()))) == REQUEST
    record = start(docker)
    assert ContainerRecord.from_record(json.loads(json.dumps(record.to_record()))) == record


def test_the_container_is_made_as_asked_and_labelled(docker: FakeDocker) -> None:
    record = start(docker)
    options = docker.containers.made["sct-1-cache-1"].options
    assert options["labels"] == {"sct.run": "1"}
    assert options["command"] == ["--port", "8000"]
    assert options["environment"] == {"SIZE": "1"}
    assert options["ports"] == {"8000/tcp": ("127.0.0.1", None)}
    assert options["mem_limit"] == "256m"
    assert options["nano_cpus"] == 10**9
    assert options["networking_config"] == {"sct-1": {"aliases": ["cache-1"]}}
    assert docker.containers.made["sct-1-cache-1"].put["/run/secret"][0] == b"s3cret"
    assert docker.containers.made["sct-1-cache-1"].calls == ["put", "start"]
    assert "s3cret" not in repr(REQUEST)
    assert "entrypoint" not in options
    assert "user" not in options
    assert record.ports == {"8000": ("127.0.0.1", 32000)}
    assert (record.image, record.network, record.ip) == ("cache:1@local", "sct-1", "10.0.0.1")


def test_on_another_hosts_engine_ports_are_published_for_all_of_it(docker: FakeDocker) -> None:
    record = start(docker, publish_host="engine.example")
    assert docker.containers.made["sct-1-cache-1"].options["ports"] == {"8000/tcp": ("0.0.0.0", None)}
    assert record.ports == {"8000": ("engine.example", 32000)}


def test_a_container_that_ends_at_once_is_an_error_with_its_log(docker: FakeDocker) -> None:
    docker.ends_with, docker.log = {"ExitCode": 3}, "bad option --port\n"
    with pytest.raises(EnvironmentFailed, match=r"ended with status 3.*bad option") as caught:
        start(docker)
    assert caught.value.evidence == "bad option --port\n"


def test_an_image_the_engine_lost_is_named(docker: FakeDocker) -> None:
    docker.missing_images = {"cache:1@local"}
    with pytest.raises(EnvironmentFailed, match="the engine has no image cache:1@local"):
        start(docker)


def test_a_record_opens_as_a_container(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(handle, "connect", lambda _host: docker)
    (tmp_path / "a").write_text("1")
    container = start(docker).open()
    assert container.get_port(8000) == "127.0.0.1:32000"
    assert container.send_files(tmp_path / "a", "/srv/a")
    docker.api.close()
