"""A private Docker Engine is started, shared, survives its holder, and goes without a trace.

External services: Docker (the programs of a Docker Engine, as root; no engine needs to run)
"""

import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from sdcm.broker.engine_machine import other_machine
from sdcm.environment.engine import (
    Engine,
    find_engine,
    hold_engine,
    privileged_verdict,
    stop_if_unused,
)
from sdcm.environment.private_engine import addresses, holding, processes, programs
from sdcm.environment.private_engine.layout import Layout, read_record
from sdcm.environment.private_engine.stop import mounts_below
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.removers import leftovers
from sdcm.paths import Paths
from sdcm.run.doctor import engine_causes
from sdcm.run.doctor.finding import Finding, Machine
from unit_tests.lib.fake_step import FakeStep
from unit_tests.lib.tiny_image import REFERENCE, import_tiny_image

pytestmark = [
    pytest.mark.integration,
    pytest.mark.xdist_group("private-engine"),
    pytest.mark.usefixtures("able_to_start_engines"),
]

RUN = "0123abcd"
HOLDER = """\
import sys
from pathlib import Path
from sdcm.environment.engine import find_engine, hold_engine
from sdcm.paths import Paths
from unit_tests.lib.fake_step import FakeStep
base = Path(sys.argv[1])
paths = Paths(base / "run", base / "state", base / "cache", base / "engine")
environ = {"HOME": str(base), "DOCKER_CONTEXT": "default", "DOCKER_HOST": sys.argv[2]}
with hold_engine(find_engine(environ, paths, allow_install=False), paths, FakeStep(base, 60)) as engine:
    print(engine.host, flush=True)
    sys.stdin.read()
"""

MakePaths = Callable[[], Paths]


@pytest.fixture
def able_to_start_engines() -> None:
    """Skip where no engine can be started; asked when the test runs, as `--setup` may install one until then."""
    if os.geteuid() != 0:
        pytest.skip("docker: only root can start a Docker Engine; run the tests as root")
    if missing := programs.missing():
        pytest.skip(f"docker: this machine lacks {', '.join(missing)}; `integration-tests --setup` installs it")


@pytest.fixture
def make_paths() -> Iterator[MakePaths]:
    """Directories of an engine of the test's own, at a short path; whatever is up in them is stopped."""
    made: list[Path] = []

    def make() -> Paths:
        base = Path(tempfile.mkdtemp(prefix="sct-", dir="/tmp"))
        made.append(base)
        return Paths(base / "run", base / "state", base / "cache", base / "engine")

    yield make
    for base in made:
        assert stop_if_unused(Paths(base / "run", base / "state", base / "cache", base / "engine"))
        shutil.rmtree(base)


@pytest.fixture
def places(make_paths: MakePaths) -> Paths:
    """Directories of an engine of the test's own."""
    return make_paths()


class Holder:
    """Another process that holds the engine."""

    def __init__(self, places: Paths) -> None:
        argv = [sys.executable, "-c", HOLDER, str(places.engine.parent), Layout.of(places).endpoint.host]
        self._child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._child.stdout is not None
        self.host = self._child.stdout.readline().strip()
        assert self.host

    def leave(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        assert self._child.wait(30) == 0

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()


def hold(places: Paths, folder: Path) -> AbstractContextManager[Engine]:
    """Hold the engine in this process, wherever DOCKER_HOST points."""
    environ = {"HOME": str(places.engine.parent), "DOCKER_HOST": Layout.of(places).endpoint.host}
    choice = find_engine(environ, places, allow_install=False)
    assert choice.private
    return hold_engine(choice, places, FakeStep(folder, 60))


def run_container(endpoint: Endpoint, name: str, **host_config: object) -> None:
    body = {
        "Image": REFERENCE,
        "Cmd": ["sleep", "600"],
        "Labels": {"sct.run": RUN},
        "ExposedPorts": {"9042/tcp": {}},
        "HostConfig": {"PortBindings": {"9042/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}, **host_config},
    }
    status, answer = endpoint.call("POST", "/containers/create", {"name": name}, body=body)
    assert status == 201, answer
    status, answer = endpoint.call("POST", f"/containers/{name}/start")
    assert status == 204, answer


def inspect(endpoint: Endpoint, name: str) -> Any:
    return endpoint.call("GET", f"/containers/{name}/json")[1]


def traces(layout: Layout, network: str) -> list[str]:
    """Return whatever an engine has left on the machine, its images apart."""
    found = [f"process {pid}" for pid in processes.find(layout.live)]
    found += [f"mount {point}" for point in mounts_below(Path("/proc/self/mountinfo").read_text(), layout.base)]
    found += [f"mount {point}" for point in mounts_below(Path("/proc/self/mountinfo").read_text(), layout.live)]
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=True).stdout
    found += [line for line in rules.splitlines() if layout.chain in line or network in line]
    routes = subprocess.run(["ip", "route", "show", "table", "all"], capture_output=True, text=True, check=True).stdout
    found += [line for line in routes.splitlines() if network.removesuffix("0.0/16") in line]
    found += [str(path) for path in (layout.live, layout.base / "engine.json") if path.exists()]
    return found


def test_engine_is_shared_and_the_last_one_stops_it(places: Paths, tmp_path: Path) -> None:
    """Images stay, everything else goes with the last holder.

    External services: Docker (a private engine of the test's own)
    """
    layout = Layout.of(places)
    with hold(places, tmp_path) as engine:
        record = read_record(layout.base)
        assert record is not None
        other = Holder(places)
        assert other.host == engine.host
        assert other_machine(engine.endpoint) is None
        import_tiny_image(engine.endpoint)
        assert len(traces(layout, record.network)) > 8
        assert not stop_if_unused(places)
    assert holding.is_up(Layout.of(places))
    other.leave()
    assert not holding.is_up(Layout.of(places))
    assert traces(layout, record.network) == []
    with hold(places, tmp_path) as engine:
        assert engine.endpoint.call("GET", f"/images/{REFERENCE}/json")[0] == 200


def test_engine_outlives_a_killed_holder_until_somebody_looks(places: Paths, tmp_path: Path) -> None:
    """SIGKILL of the holder's whole process group leaves the engine up; `stop_if_unused` ends it.

    External services: Docker (a private engine of the test's own)
    """
    holder = Holder(places)
    layout = Layout.of(places)
    record = read_record(layout.base)
    assert record is not None
    holder.kill()
    assert holding.is_up(Layout.of(places))
    assert stop_if_unused(places)
    assert traces(layout, record.network) == []
    assert stop_if_unused(places)


@pytest.mark.parametrize("victims", [("dockerd",), ("dockerd", "containerd"), ("containerd-shim", "dockerd")])
def test_a_crash_leaves_no_trace(places: Paths, tmp_path: Path, victims: tuple[str, ...]) -> None:
    """Containers that outlive their dockerd are ended, mounts and networks removed; the next start is clean.

    External services: Docker (a private engine of the test's own)
    """
    holder = Holder(places)
    layout = Layout.of(places)
    record = read_record(layout.base)
    assert record is not None
    endpoint = layout.endpoint
    import_tiny_image(endpoint)
    body = {"Name": f"sct-{RUN}", "Labels": {"sct.run": RUN}}
    assert endpoint.call("POST", "/networks/create", body=body)[0] == 201
    run_container(endpoint, "one", Privileged=True, NetworkMode=f"sct-{RUN}")
    run_container(endpoint, "two", PidMode="host")
    inside = [inspect(endpoint, name)["State"]["Pid"] for name in ("one", "two")]
    for pid in processes.find(layout.live, victims):
        os.kill(pid, signal.SIGKILL)
    holder.kill()
    started = time.monotonic()
    assert stop_if_unused(places)
    assert time.monotonic() - started < 10
    assert [pid for pid in inside if not processes.is_gone(pid)] == []
    assert traces(layout, record.network) == []
    with hold(places, tmp_path) as engine:
        assert leftovers(engine.host, RUN) == []
        assert engine.endpoint.call("GET", f"/images/{REFERENCE}/json")[0] == 200


def test_a_dead_engine_is_started_anew_for_who_joins(places: Paths, tmp_path: Path) -> None:
    """The engine died under its holder; the next one gets a working one and the first leaves in peace.

    External services: Docker (a private engine of the test's own)
    """
    holder = Holder(places)
    layout = Layout.of(places)
    for pid in processes.find(layout.live):
        os.kill(pid, signal.SIGKILL)
    with hold(places, tmp_path) as engine:
        assert engine.endpoint.silence() == ""
        holder.leave()
        assert engine.endpoint.silence() == ""
    assert not holding.is_up(Layout.of(places))


def test_two_engines_do_not_meet(make_paths: MakePaths, tmp_path: Path) -> None:
    """Each has networks of its own, and ports published on the loopback reach the right containers.

    External services: Docker (two private engines of the test's own)
    """
    one, two = make_paths(), make_paths()
    with hold(one, tmp_path) as first, hold(two, tmp_path) as second:
        networks = set()
        for places, engine in ((one, first), (two, second)):
            record = read_record(Layout.of(places).base)
            assert record is not None
            networks.add(record.network)
            import_tiny_image(engine.endpoint)
            run_container(engine.endpoint, "same-name")
            found = inspect(engine.endpoint, "same-name")["NetworkSettings"]
            assert found["IPAddress"].startswith(record.network.removesuffix("0.0/16"))
            port = int(found["Ports"]["9042/tcp"][0]["HostPort"])
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                pass
        assert len(networks) == 2
    for places in (one, two):
        assert not holding.is_up(Layout.of(places))


def test_privileged_containers_work(places: Paths, tmp_path: Path) -> None:
    """Also on a machine that withholds capabilities.

    External services: Docker (a private engine of the test's own)
    """
    with hold(places, tmp_path) as engine:
        import_tiny_image(engine.endpoint)
        assert privileged_verdict(engine, REFERENCE) == ""
        assert privileged_verdict(Engine(engine.host, private=True), "sct-test/none:1").startswith("No such image")


def test_doctor_tells_of_an_engine_without_addresses(places: Paths, tmp_path: Path) -> None:
    """A network that takes the whole pool: what the engine then says is what doctor warns of, and pruning mends it.

    External services: Docker (a private engine of the test's own)
    """
    with hold(places, tmp_path) as engine:
        record = read_record(Layout.of(places).base)
        assert record is not None
        subnet = addresses.address_pool(ipaddress.IPv4Network(record.network))["base"]
        greedy = {"Name": "greedy", "IPAM": {"Config": [{"Subnet": subnet}]}}
        assert engine.endpoint.call("POST", "/networks/create", body=greedy)[0] == 201
        status, answer = engine.endpoint.call("POST", "/networks/create", body={"Name": "one-more"})
        told = address_pool_of(engine, places)
        # Which status it is depends on the engine's version.
        assert (status >= 400, told.text.partition(" of ")[0], told.level) == (True, "0", "bad")
        assert "could not find an available, non-overlapping IPv4 address pool" in str(answer)
        assert "could not find an available, non-overlapping IPv4 address pool" in told.why
        assert told.mend == "docker network prune"
        assert engine.endpoint.call("POST", "/networks/prune")[0] == 200
        assert address_pool_of(engine, places).ok


def address_pool_of(engine: Engine, places: Paths) -> Finding:
    """Return what doctor finds of an engine's addresses."""
    machine = Machine({"HOME": str(places.engine.parent), "DOCKER_HOST": engine.host}, places)
    (found,) = engine_causes.address_pool(machine)
    return found


@pytest.fixture
def docker0() -> Iterator[int]:
    """Interface index of docker0, a user's engine's bridge; made for the test where there is none."""
    path = Path("/sys/class/net/docker0/ifindex")
    made = not path.exists()
    if made:
        subprocess.run(["ip", "link", "add", "name", "docker0", "type", "bridge"], check=True, timeout=20)
    yield int(path.read_text())
    if made:
        subprocess.run(["ip", "link", "delete", "docker0"], check=False, timeout=20)


@pytest.fixture
def users_rule() -> Iterator[list[str]]:
    """A rule in the chain DOCKER, as a user's engine has them; dockerd empties that chain when it starts."""
    rule = ["DOCKER", "-s", "192.0.2.77/32", "-j", "RETURN"]
    made = (
        subprocess.run(["iptables", "-w", "-N", "DOCKER"], check=False, capture_output=True, timeout=60).returncode == 0
    )
    subprocess.run(["iptables", "-w", "-A", *rule], check=True, timeout=60)
    yield rule
    subprocess.run(["iptables", "-w", "-D", *rule], check=False, timeout=60)
    if made:
        subprocess.run(["iptables", "-w", "-X", "DOCKER"], check=False, timeout=60)


def test_a_users_bridge_and_rules_are_left_alone(
    places: Paths, tmp_path: Path, docker0: int, users_rule: list[str]
) -> None:
    """Neither docker0 nor a rule of the chain DOCKER changes, also not at the second start with the same data.

    External services: Docker (a private engine of the test's own)
    """
    for _ in range(2):
        with hold(places, tmp_path):
            subprocess.run(["iptables", "-w", "-C", *users_rule], check=True, timeout=60)
        assert int(Path("/sys/class/net/docker0/ifindex").read_text()) == docker0
        subprocess.run(["iptables", "-w", "-C", *users_rule], check=True, timeout=60)
