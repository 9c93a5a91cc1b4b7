from collections.abc import Iterator
from pathlib import Path

import pytest

from sdcm.errors import EnvironmentFailed
from sdcm.ownership import docker_objects
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.docker_objects import DockerObject
from unit_tests.lib.fake_engine import FakeEngine
from unit_tests.lib.set_clock import SetClock

RUN, OTHER = "0123abcd", "feedf00d"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    fake = FakeEngine(tmp_path)
    fake.add_container("ours", {"sct.run": RUN})
    fake.add_container("kind-node", {"io.x-k8s.kind.cluster": f"sct-{RUN}"})
    fake.add_container("other-run", {"sct.run": OTHER})
    fake.add_container("users", {})
    fake.add_container("users-kind", {"io.x-k8s.kind.cluster": "kind"})
    fake.networks = [
        {"Id": "n1", "Name": f"sct-{RUN}", "Labels": {"sct.run": RUN}, "Containers": {"c9": {}}},
        {"Id": "n2", "Name": "kind", "Labels": {}},
    ]
    fake.volumes = [{"Name": "v1", "Labels": {"sct.run": RUN}}, {"Name": "v2", "Labels": None}]
    yield fake
    fake.close()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pauses between two tries take no time."""
    monkeypatch.setattr(docker_objects, "time", SetClock(pace=20))


@pytest.fixture
def endpoint(engine: FakeEngine) -> Endpoint:
    return Endpoint(engine.host)


def test_a_runs_objects_are_found_and_no_others(endpoint: Endpoint) -> None:
    found = docker_objects.find(endpoint, RUN)
    assert [(item.kind, item.name) for item in found] == [
        ("container", "ours"),
        ("container", "kind-node"),
        ("network", f"sct-{RUN}"),
        ("volume", "v1"),
    ]


def test_all_runs_objects_leave_the_users_alone(endpoint: Endpoint) -> None:
    names = {item.name for item in docker_objects.find(endpoint)}
    assert names == {"ours", "kind-node", "other-run", f"sct-{RUN}", "v1"}


def test_remove_all_ours_leaves_the_users_alone(engine: FakeEngine, endpoint: Endpoint) -> None:
    said: list[str] = []
    docker_objects.remove_all_ours(endpoint, said.append)
    assert [container["Names"][0] for container in engine.containers] == ["/users", "/users-kind"]
    assert [network["Name"] for network in engine.networks] == ["kind"]
    assert [volume["Name"] for volume in engine.volumes] == ["v2"]
    assert len(said) == 1
    assert "kind-node" in said[0]


def test_removing_what_is_gone_is_no_failure(endpoint: Endpoint) -> None:
    for kind in ("container", "network", "volume"):
        docker_objects.remove(endpoint, DockerObject(kind, "never-was", "never-was"), deadline=60)


def test_a_container_goes_by_force_and_with_its_volumes(engine: FakeEngine, endpoint: Endpoint) -> None:
    refused = {"message": "removal of container ours is already in progress"}
    engine.refusals["DELETE /containers/ours"] = [(409, refused), (409, refused)]
    docker_objects.remove(endpoint, DockerObject("container", "ours", "ours"), deadline=60)
    assert engine.count("DELETE", "/containers/ours") == 3


def test_a_network_in_use_is_emptied_first(engine: FakeEngine, endpoint: Endpoint) -> None:
    engine.refusals["DELETE /networks/n1"] = [(403, {"message": "network has active endpoints"})]
    docker_objects.remove(endpoint, DockerObject("network", "n1", f"sct-{RUN}"), deadline=60)
    assert engine.count("POST", "/networks/n1/disconnect") == 1
    assert [network["Id"] for network in engine.networks] == ["n2"]


def test_what_stays_is_an_error_with_the_engines_reason(engine: FakeEngine, endpoint: Endpoint) -> None:
    engine.refusals["DELETE /volumes/v1"] = [(409, {"message": "volume is in use"})] * 50
    with pytest.raises(EnvironmentFailed, match=r"volume v1 cannot be removed: volume is in use"):
        docker_objects.remove(endpoint, DockerObject("volume", "v1", "v1"), deadline=60)


def test_remove_many_tells_what_stays_and_removes_the_rest(engine: FakeEngine, endpoint: Endpoint) -> None:
    engine.refusals["DELETE /containers/id-ours"] = [(500, {"message": "device or resource busy"})] * 50
    items = docker_objects.find(endpoint, RUN)
    failed = docker_objects.remove_many(endpoint, items, deadline=60)
    assert {item.name: why for item, why in failed.items()} == {
        "ours": "container ours cannot be removed: device or resource busy"
    }
    assert {item.name for item in docker_objects.find(endpoint, RUN)} == {"ours"}
