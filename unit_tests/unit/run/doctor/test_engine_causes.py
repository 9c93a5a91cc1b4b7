"""Each cause is made on purpose: what is found, how bad it is, what mends it."""

from datetime import UTC, datetime, timedelta

import pytest

from sdcm.environment import packages
from sdcm.environment.private_engine import holding, programs
from sdcm.ownership import docker_endpoint
from sdcm.run.doctor import engine_causes
from unit_tests.lib.fake_step import FakeStep


def test_an_engine_that_answers(sick):
    assert sick.finds(engine_causes.engine, "engine").ok


def test_docker_host_that_points_nowhere(sick, tmp_path):
    found = sick.finds(engine_causes.engine, "DOCKER_HOST", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert (found.level, found.mend) == ("bad", "unset it, or start that engine")
    assert "No such file" in found.text


def test_a_docker_context_that_does_not_exist(sick):
    found = sick.finds(engine_causes.engine, "DOCKER_CONTEXT", DOCKER_HOST="", DOCKER_CONTEXT="shop")
    assert (found.level, found.mend) == ("bad", "docker context ls; docker context use default")


def test_a_socket_that_the_user_may_not_open(sick, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(docker_endpoint._UnixConnection, "connect", refuse)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sdcm.environment.user_engine._exists", lambda path: "var/run" in str(path))
    found = sick.finds(engine_causes.engine, "socket rights", DOCKER_HOST="")
    assert (found.level, found.mend) == ("bad", "sudo usermod -aG docker $USER, then log in again")


@pytest.fixture
def bare(monkeypatch):
    """A machine of root's without an engine or anything to start one from."""
    monkeypatch.setattr("sdcm.environment.user_engine._exists", lambda path: False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(programs, "missing", lambda: ("dockerd",))
    monkeypatch.setattr(holding, "is_up", lambda layout: False)
    monkeypatch.setattr(packages, "can_install", lambda: "")
    installed = []
    monkeypatch.setattr(packages, "install", lambda wanted, step: installed.append(tuple(wanted)))
    return installed


def test_no_engine_and_no_dockerd(sick, bare, tmp_path):
    found = sick.finds(engine_causes.engine, "engine", DOCKER_HOST="")
    assert (found.level, found.mend) == ("bad", "apt-get install -y docker.io iptables iproute2")
    found.fix.run(FakeStep(tmp_path))
    assert bare == [packages.ENGINE_PACKAGES]


@pytest.mark.parametrize(("driver", "level"), [("none", "bad"), ("systemd", "note")])
def test_a_rootless_engine(sick, driver, level):
    sick.tells(SecurityOptions=["name=seccomp", "name=rootless"], CgroupDriver=driver)
    found = sick.finds(engine_causes.rootless, "rootless engine")
    assert (found.level, "Delegate=yes" in found.mend) == (level, True)


def test_capabilities_that_are_withheld(sick):
    sick.write("proc/sys/kernel/cap_last_cap", "40\n")
    sick.write("proc/self/status", f"CapBnd:\t{(2**41 - 1) & ~(1 << 24):016x}\n")
    found = sick.finds(engine_causes.capabilities, "capabilities")
    assert (found.level, found.text) == ("note", "this process lacks CAP_SYS_RESOURCE")
    sick.write("proc/self/status", f"CapBnd:\t{2**41 - 1:016x}\n")
    assert sick.finds(engine_causes.capabilities, "capabilities").ok


@pytest.mark.parametrize(
    ("pools", "subnets", "text", "level"),
    [
        pytest.param(
            [{"Base": "10.1.0.0/22", "Size": 24}],
            ["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/23"],
            "0 of 4 networks are free on the engine",
            "bad",
            id="none free",
        ),
        pytest.param(
            [{"Base": "10.1.0.0/22", "Size": 24}], ["10.1.0.128/25"], "3 of 4 networks are free on the engine", "note",
            id="few",
        ),
        pytest.param(
            None, ["172.17.0.0/16", "192.168.0.0/20", "10.5.0.0/16"], "29 of 31 networks are free on the engine", "ok",
            id="the defaults",
        ),
    ],
)  # fmt: skip
def test_an_address_pool_with_little_left(sick, pools, subnets, text, level):
    sick.tells(DefaultAddressPools=pools)
    sick.engine.networks = [
        {"Id": name, "Name": name, "Labels": {}, "IPAM": {"Config": [{"Subnet": name}, {"Subnet": "fd00::/64"}]}}
        for name in subnets
    ]
    found = sick.finds(engine_causes.address_pool, "address pool")
    assert (found.text, found.level) == (text, level)
    assert found.ok or found.mend == "docker network prune"


@pytest.mark.parametrize(("off", "level"), [(600, "bad"), (-600, "bad"), (0, "ok")])
def test_an_engine_whose_clock_is_off(sick, off, level):
    at = datetime.now(UTC) + timedelta(seconds=off)
    sick.tells(SystemTime=at.strftime("%Y-%m-%dT%H:%M:%S.123456789Z"))
    found = sick.finds(engine_causes.clock, "clock")
    assert found.level == level
    assert found.ok or 500 < float(found.text.split()[-3]) < 700


def test_an_engines_clock_in_another_zone(sick):
    at = datetime.now(UTC) + timedelta(hours=2)
    sick.tells(SystemTime=at.strftime("%Y-%m-%dT%H:%M:%S.123456789+02:00"))
    assert sick.finds(engine_causes.clock, "clock").ok
