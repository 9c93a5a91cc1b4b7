"""Boots that cannot succeed any more end their wait at once."""

from typing import Any

import pytest

from sdcm.containers import boot_watch
from sdcm.containers.boot_watch import BootWatch
from sdcm.containers.flavours import flavour_of
from sdcm.containers.launch import launch_node
from sdcm.containers.readiness import NotReady
from sdcm.containers.records import NodeSpec
from sdcm.errors import EnvironmentFailed
from unit_tests.lib.fake_cql import FakeCql
from unit_tests.lib.fake_docker import FakeDocker

# As supervisord writes them in the official images.
_ENDED = (
    "2026-01-31 11:20:36,101 INFO spawned: 'scylla' with pid 29\n"
    "ERROR [shard 0:main] init - Startup failed: std::runtime_error (no such option)\n"
    "2026-01-31 11:20:37,120 INFO exited: scylla (exit status 1; not expected)\n"
)
_GAVE_UP = "2026-01-31 11:20:39 INFO gave up: scylla-server entered FATAL state, too many start retries too quickly\n"
_UP = (
    "INFO  2026-01-31 11:20:37 [shard 0:main] init - Scylla version 2026.1.0-0.20260128.abc initialization completed.\n"
)


@pytest.fixture
def docker(cql: FakeCql, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    client = FakeDocker()
    client.published = {9042: cql.port, 8000: 1}
    client.files["/etc/scylla/scylla.yaml"] = b"cluster_name: mine\n"
    monkeypatch.setattr("sdcm.containers.launch.ask_http", lambda *_: None)
    return client


def launch(docker: FakeDocker, flavour: str = "scylla", **more: Any) -> None:
    launch_node(docker, NodeSpec("node-1", "image:1", flavour, **more), deadline=3600)  # type: ignore[arg-type]


@pytest.mark.parametrize("log", [_ENDED, _GAVE_UP], ids=["exited", "gave-up"])
def test_a_server_that_ends_in_a_container_that_runs_on_ends_the_wait(docker: FakeDocker, log: str) -> None:
    docker.published[9042] = 1  # nothing listens there
    docker.log = log
    with pytest.raises(
        EnvironmentFailed, match=r"the server in node node-1 ended while it booted: .*scylla"
    ) as failure:
        launch(docker)
    assert failure.value.evidence == log


def test_a_helper_of_the_image_that_ends_is_no_end(docker: FakeDocker) -> None:
    docker.log = (
        "INFO exited: scylla-housekeeping (exit status 1; not expected)\nINFO stopped: scylla (exit status 0)\n"
    )
    launch(docker)


def test_what_was_written_before_a_restart_is_of_no_account(docker: FakeDocker) -> None:
    container = docker.containers.create("image:1", name="node-1")
    container.start()
    container.attrs["State"]["StartedAt"] = "2026-01-31T11:21:00.500000000Z"
    BootWatch(container, flavour_of("scylla")).check()  # type: ignore[arg-type]
    assert docker.log_requests[-1]["since"] == pytest.approx(1769858460.5)


def test_a_server_without_our_superuser_ends_the_wait_and_says_what_to_do(
    docker: FakeDocker, cql: FakeCql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot_watch, "_SUPERUSER_GRACE", 0.0)
    monkeypatch.setattr("sdcm.containers.readiness._LOOK_EVERY", 0.01)
    cql.refusals = 10_000
    docker.log = _UP
    with pytest.raises(
        EnvironmentFailed, match=r"knows no superuser of ours: .* incorrect -- .*native_entrypoint=True"
    ):
        launch(docker)


def test_a_superuser_may_come_a_little_later_than_the_server(docker: FakeDocker) -> None:
    docker.log = _UP
    container = docker.containers.create("image:1", name="node-1")
    container.start()
    watch = BootWatch(container, flavour_of("scylla"))  # type: ignore[arg-type]
    watch.last = NotReady("incorrect", bad_login=True)
    watch.check()


def test_the_names_of_the_superuser_are_in_the_settings_of_every_release(docker: FakeDocker) -> None:
    docker.log = _UP
    launch(docker)
    (settings, _info) = docker.containers.made["node-1"].put["/etc/scylla/scylla.yaml"]
    assert b"auth_superuser_name: cassandra" in settings
    assert b"auth_superuser_salted_password: $6$" in settings


def test_a_cassandra_nodes_log_is_not_read_while_it_boots(docker: FakeDocker, cql: FakeCql) -> None:
    cql.refusals = 2
    launch(docker, "cassandra")
    assert docker.log_requests == []
