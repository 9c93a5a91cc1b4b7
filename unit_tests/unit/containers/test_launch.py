import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdcm.containers import readiness
from sdcm.containers.certificates import Authority
from sdcm.containers.launch import launch_node
from sdcm.containers.records import NodeRecord, NodeSpec
from sdcm.errors import DeadlinePassed, EnvironmentFailed, UsageProblem
from unit_tests.lib.fake_cql import FakeCql
from unit_tests.lib.fake_docker import FakeContainer, FakeDocker
from unit_tests.lib.set_clock import SetClock

SCYLLA_YAML = b"cluster_name: mine\nseed_provider:\n- class_name: x\nauthenticator: AllowAllAuthenticator\n"


@pytest.fixture
def docker(cql: FakeCql, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    client = FakeDocker()
    client.published = {9042: cql.port, 8000: 1}
    client.files["/etc/scylla/scylla.yaml"] = SCYLLA_YAML
    monkeypatch.setattr("sdcm.containers.launch.ask_http", lambda *_: None)
    return client


@pytest.fixture
def certificates(tmp_path: Path) -> str:
    return str(Authority(tmp_path).issue(tmp_path))


def launch(docker: FakeDocker, flavour: str, **more: Any) -> tuple[NodeRecord, FakeContainer]:
    spec = NodeSpec("node-1", "image:1", flavour, host="unix:///engine", **more)
    record = launch_node(docker, spec, deadline=120)  # type: ignore[arg-type]
    return record, docker.containers.made["node-1"]


def test_cassandra_gets_its_settings_as_variables(docker: FakeDocker) -> None:
    _, made = launch(
        docker, "cassandra", seeds=("10.0.0.7", "10.0.0.8"), cluster_name="shop", rack="2", dc="dc9",
        extra_args=("-Dx=1",), memory_mb=768,
    )  # fmt: skip
    assert made.options["environment"] == {
        "CASSANDRA_HEAP": "384m",
        "CASSANDRA_DIRECT_MEMORY": "192m",
        "CASSANDRA_SEEDS": "10.0.0.7,10.0.0.8",
        "CASSANDRA_CLUSTER_NAME": "shop",
        "CASSANDRA_DC": "dc9",
        "CASSANDRA_RACK": "RACK2",
    }
    assert made.options["command"] == [
        "-Dcassandra.settings.auth_read_consistency_level=LOCAL_ONE",
        "-Dcassandra.MAX_HINT_BUFFERS=2",
        "-Dcassandra.gossip_quarantine_delay_ms=60000",
        "-Dcassandra.ring_delay_ms=4000",
        "-Dx=1",
    ]
    assert made.options["mem_limit"] == made.options["memswap_limit"] == "768m"
    assert made.options["ports"] == {"9042/tcp": ("127.0.0.1", None)}
    assert made.calls == ["put", "start"]
    # The login is in a file for cqlsh alone, not among the arguments of its every call.
    assert list(made.put) == ["/etc/sct/cqlsh-credentials"]


def test_scylla_gets_its_settings_as_arguments_and_in_its_yaml(docker: FakeDocker) -> None:
    record, made = launch(docker, "scylla", seeds=("10.0.0.7",), rack="1", smp=2, memory_mb=1024, extra_args=("--x",))
    assert made.options["command"] == [
        "--smp", "2", "--memory", "1024M", "--overprovisioned", "1",
        "--alternator-port", "8000", "--alternator-write-isolation", "always",
        "--seeds=10.0.0.7", "--x",
    ]  # fmt: skip
    assert made.options["user"] == "root"
    assert made.options["nano_cpus"] == 2_000_000_000
    assert sorted(made.options["ports"]) == ["8000/tcp", "9042/tcp"]
    assert made.calls == ["put", "start"]
    data, info = made.put["/etc/scylla/scylla.yaml"]
    settings = yaml.safe_load(data)
    assert settings["cluster_name"] == "mine"
    assert settings["authenticator"] == "PasswordAuthenticator"
    assert settings["authorizer"] == "CassandraAuthorizer"
    assert settings["skip_wait_for_gossip_to_settle"] == 0
    assert settings["alternator_enforce_authorization"] is True
    assert "client_encryption_options" not in settings
    assert (info.mode, info.uid, info.gid) == (0o640, 7, 8)
    assert "alternator" in record.capabilities
    assert (record.dc, record.rack) == ("datacenter1", "RACK1")


@pytest.mark.parametrize(
    ("place", "lines"),
    [
        pytest.param({"rack": "1"}, ["dc=datacenter1", "rack=RACK1"], id="rack"),
        pytest.param({"dc": "east"}, ["dc=east", "rack=rack1"], id="data-centre"),
        pytest.param({"dc": "east", "rack": "r7"}, ["dc=east", "rack=r7"], id="both"),
    ],
)
def test_scylla_reads_rack_and_data_centre_from_a_file(
    docker: FakeDocker, place: dict[str, str], lines: list[str]
) -> None:
    """Images before 2026.1 end at once over arguments that name them."""
    _, made = launch(docker, "scylla", **place)
    assert not [word for word in made.options["command"] if word.startswith(("--rack", "--dc"))]
    said = made.put["/etc/scylla/cassandra-rackdc.properties"][0].decode().splitlines()
    assert said == [*lines, "prefer_local=true"]
    settings = yaml.safe_load(made.put["/etc/scylla/scylla.yaml"][0])
    assert settings["endpoint_snitch"] == "GossipingPropertyFileSnitch"


def test_scylla_alone_gets_neither_rack_nor_data_centre(docker: FakeDocker) -> None:
    _, made = launch(docker, "scylla")
    assert not [word for word in made.options["command"] if word.startswith(("--rack", "--dc", "--seeds"))]
    assert "/etc/scylla/cassandra-rackdc.properties" not in made.put
    assert "endpoint_snitch" not in yaml.safe_load(made.put["/etc/scylla/scylla.yaml"][0])


def test_a_native_entrypoint_takes_rack_and_data_centre_as_arguments(docker: FakeDocker, cql: FakeCql) -> None:
    cql.asks_login = False
    _, made = launch(docker, "scylla", native_entrypoint=True, rack="1", dc="east")
    assert made.options["command"][-2:] == ["--dc=east", "--rack=RACK1"]
    assert made.put == {}


def test_a_native_entrypoint_keeps_the_image_as_it_is(docker: FakeDocker, cql: FakeCql) -> None:
    cql.asks_login = False
    record, made = launch(docker, "scylla", native_entrypoint=True)
    assert made.put == {}
    assert (record.username, record.password) == ("", "")


def test_tls_files_go_in_before_the_start_but_not_the_authoritys_key(docker: FakeDocker, certificates: str) -> None:
    docker.ends_with = {"ExitCode": 1}
    with pytest.raises(EnvironmentFailed):
        launch(docker, "cassandra", ssl_dir=certificates)
    made = docker.containers.made["node-1"]
    assert made.calls == ["put", "start"]
    assert sorted(made.put) == [
        *(
            f"/etc/cassandra/ssl/{name}"
            for name in ("ca.pem", "client-facing.crt", "client-facing.key", "cqlshrc", "test.crt", "test.key")
        ),
        "/etc/sct/cqlsh-credentials",
    ]
    assert b"certfile = /etc/cassandra/ssl/ca.pem\n" in made.put["/etc/cassandra/ssl/cqlshrc"][0]
    assert "CASSANDRA_SSL_CLIENT_AUTH" not in made.options["environment"]
    _, key = made.put["/etc/cassandra/ssl/client-facing.key"]
    assert (key.mode, key.uid) == (0o600, 999)


def test_scylla_is_told_where_its_certificates_are(docker: FakeDocker, certificates: str) -> None:
    docker.ends_with = {"ExitCode": 1}
    with pytest.raises(EnvironmentFailed):
        launch(docker, "scylla", ssl_dir=certificates)
    made = docker.containers.made["node-1"]
    options = yaml.safe_load(made.put["/etc/scylla/scylla.yaml"][0])["client_encryption_options"]
    assert options["enabled"] is True
    assert {options["certificate"], options["keyfile"], options["truststore"]} < set(made.put)
    assert options["require_client_auth"] is False


@pytest.mark.parametrize("flavour", ["cassandra", "scylla"])
def test_mutual_tls_is_asked_of_either_flavour(docker: FakeDocker, certificates: str, flavour: str) -> None:
    docker.ends_with = {"ExitCode": 1}
    with pytest.raises(EnvironmentFailed):
        launch(docker, flavour, ssl_dir=certificates, mtls=True)
    made = docker.containers.made["node-1"]
    if flavour == "cassandra":
        assert made.options["environment"]["CASSANDRA_SSL_CLIENT_AUTH"] == "true"
    else:
        settings = yaml.safe_load(made.put["/etc/scylla/scylla.yaml"][0])
        assert settings["client_encryption_options"]["require_client_auth"] is True


@pytest.mark.parametrize("flavour", ["cassandra", "scylla"])
def test_an_image_of_ones_own_changes_nothing_else(docker: FakeDocker, flavour: str) -> None:
    """Neither login nor tablets depend on which image runs (flaw 9: naming one switched both)."""
    _, usual = launch(docker, flavour)
    usual_files = {path: data for path, (data, _) in usual.put.items()}
    spec = NodeSpec("node-2", "example/other-build:7", flavour, host="unix:///engine")
    launch_node(docker, spec, deadline=120)  # type: ignore[arg-type]
    chosen = docker.containers.made["node-2"]
    assert chosen.image == "example/other-build:7"
    assert {path: data for path, (data, _) in chosen.put.items()} == usual_files
    names = {"name": "", "hostname": ""}
    assert {**chosen.options, **names} == {**usual.options, **names}


def test_scylla_takes_its_rings_name(docker: FakeDocker) -> None:
    _, made = launch(docker, "scylla", cluster_name="shop")
    assert yaml.safe_load(made.put["/etc/scylla/scylla.yaml"][0])["cluster_name"] == "shop"


def test_tls_without_a_certificate_is_refused(docker: FakeDocker, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="holds no certificate"):
        launch(docker, "cassandra", ssl_dir=str(tmp_path))
    assert docker.containers.made == {}


@pytest.mark.parametrize("flavour", ["cassandra", "scylla"])
def test_tls_with_a_native_entrypoint_is_refused(docker: FakeDocker, certificates: str, flavour: str) -> None:
    with pytest.raises(UsageProblem, match="exclude each other"):
        launch(docker, flavour, ssl_dir=certificates, native_entrypoint=True)


def test_a_native_cassandra_is_told_only_what_the_test_asks_for(docker: FakeDocker, cql: FakeCql) -> None:
    _, made = launch(docker, "cassandra", native_entrypoint=True, cluster_name="shop", dc="east", extra_args=("-Dx=1",))
    assert made.options["environment"] == {"CASSANDRA_CLUSTER_NAME": "shop", "CASSANDRA_DC": "east"}
    assert made.options["command"] == ["-Dx=1"]


def test_the_container_carries_name_labels_and_network(docker: FakeDocker) -> None:
    record, made = launch(docker, "cassandra", network="net", network_alias="db", labels={"sct.run": "ab"})
    assert made.name == "node-1"
    assert made.options["labels"] == {"sct.run": "ab"}
    assert made.options["network"] == "net"
    assert made.options["networking_config"] == {"net": {"aliases": ["db"]}}
    assert record.ip == "10.0.0.1"


def test_ports_of_a_remote_engine_are_published_for_all_and_reached_by_its_name(
    docker: FakeDocker, cql: FakeCql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sdcm.containers.launch.CqlProbe.ask",
        lambda self, _timeout: (self.host, self.port) == ("engine-host", cql.port),
    )
    record, made = launch(docker, "cassandra", publish_host="engine-host")
    assert made.options["ports"] == {"9042/tcp": ("0.0.0.0", None)}
    assert record.ports == {"9042": ("engine-host", cql.port)}
    assert record.username == "cassandra"


def test_the_record_tells_how_to_reach_the_node(docker: FakeDocker, cql: FakeCql) -> None:
    began = time.monotonic()
    record, made = launch(docker, "cassandra")
    assert 0 < record.boot_seconds <= round(time.monotonic() - began, 3)
    assert record.container_id == made.id
    assert record.host == "unix:///engine"
    assert record.ports == {"9042": ("127.0.0.1", cql.port)}
    assert (record.username, record.password) == ("cassandra", "cassandra")
    assert (record.dc, record.rack) == ("datacenter1", "rack1")
    assert cql.tokens == [b"\0cassandra\0cassandra"]


def test_the_caller_learns_the_id_before_the_start(docker: FakeDocker) -> None:
    seen: list[tuple[str, list[str]]] = []
    spec = NodeSpec("node-1", "image:1", "cassandra")
    launch_node(
        docker,  # type: ignore[arg-type]
        spec,
        deadline=120,
        on_created=lambda made: seen.append((made, list(docker.containers.made["node-1"].calls))),
    )
    assert seen == [("id-of-node-1", [])]


def test_an_ended_container_ends_the_wait_at_once_with_its_log(docker: FakeDocker) -> None:
    docker.ends_with = {"ExitCode": 3}
    docker.log = "all is well\nUnrecognized VM option 'Nonsense'\nError: Could not create the Java Virtual Machine.\n"
    started = time.monotonic()
    with pytest.raises(EnvironmentFailed) as failure:
        launch(docker, "cassandra")
    assert time.monotonic() - started < 60
    assert str(failure.value) == ("node node-1 ended with status 3 while it booted: Unrecognized VM option 'Nonsense'")
    assert failure.value.evidence == docker.log
    assert docker.log_requests[-1]["tail"] == 60


def test_an_end_for_want_of_memory_says_so(docker: FakeDocker) -> None:
    docker.ends_with = {"ExitCode": 137, "OOMKilled": True}
    with pytest.raises(EnvironmentFailed, match="using more than its 512 MiB of memory"):
        launch(docker, "cassandra")


def test_a_container_that_ends_later_ends_the_wait_too(docker: FakeDocker) -> None:
    docker.published[9042] = 1  # nothing listens there
    spec = NodeSpec("node-1", "image:1", "cassandra")
    looks = 0
    reload = FakeContainer.reload

    def reload_and_end(self: FakeContainer) -> None:
        nonlocal looks
        looks += 1
        reload(self)
        if looks == 4:
            self.attrs["State"].update(Status="exited", ExitCode=9)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeContainer, "reload", reload_and_end)
        with pytest.raises(EnvironmentFailed, match="ended with status 9"):
            launch_node(docker, spec, deadline=120)  # type: ignore[arg-type]


def test_a_login_that_never_works_ends_with_the_deadline_the_last_answer_and_the_log(
    docker: FakeDocker, cql: FakeCql, monkeypatch: pytest.MonkeyPatch
) -> None:
    cql.refusals = 10_000
    clock, ask = SetClock(), readiness.CqlProbe.ask
    monkeypatch.setattr(readiness, "time", clock)

    def ask_for_hours(probe: readiness.CqlProbe, timeout: float) -> bool:
        clock.leap(3700 if cql.refusals < 9_998 else 0)
        return ask(probe, max(timeout, 60))

    monkeypatch.setattr("sdcm.containers.launch.CqlProbe.ask", ask_for_hours)
    docker.log = "INFO Created default superuser role\n"
    spec = NodeSpec("node-1", "image:1", "cassandra")
    with pytest.raises(DeadlinePassed) as failure:
        launch_node(docker, spec, deadline=3600)  # type: ignore[arg-type]
    assert str(failure.value) == (
        "node node-1 took no login within 3600 s: last: Provided username and/or password are incorrect"
    )
    assert failure.value.evidence == docker.log


def test_scylla_is_ready_only_when_alternator_answers_too(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdcm.containers.launch.ask_http", readiness.ask_http)  # nothing listens at the port
    monkeypatch.setattr(readiness, "time", SetClock(pace=50))
    spec = NodeSpec("node-1", "image:1", "scylla")
    with pytest.raises(DeadlinePassed, match=r"did not serve HTTP on port 8000 within 60 s"):
        launch_node(docker, spec, deadline=60)  # type: ignore[arg-type]


def test_a_missing_image_is_named(docker: FakeDocker) -> None:
    docker.missing_images.add("image:1")
    with pytest.raises(EnvironmentFailed, match="the engine has no image image:1"):
        launch(docker, "cassandra")


def test_an_image_of_another_kind_is_named(docker: FakeDocker) -> None:
    docker.files.clear()
    with pytest.raises(UsageProblem, match=r"node-1 has no /etc/scylla/scylla\.yaml"):
        launch(docker, "scylla")


def test_an_unknown_flavour_is_refused_with_the_known_ones(docker: FakeDocker) -> None:
    with pytest.raises(UsageProblem, match="known are cassandra, scylla"):
        launch(docker, "mongo")
