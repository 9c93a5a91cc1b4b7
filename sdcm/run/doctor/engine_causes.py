"""What is wrong with the Docker Engine, or with the way to it."""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sdcm.environment import packages
from sdcm.environment.engine import missing_capabilities
from sdcm.environment.private_engine import programs
from sdcm.environment.step import Step
from sdcm.errors import SctError
from sdcm.run.doctor.finding import Finding, Fix, Machine

#: The pools of an engine that was given none, as (network, prefix length of each network cut from it); moby's
#: libnetwork/ipamutils of release 20.10 on.
_DEFAULT_POOLS = (*((f"172.{number}.0.0/16", 16) for number in range(17, 32)), ("192.168.0.0/16", 20))
#: Networks that a run may want at a time: its own, a Kind cluster's, and some that tests make.
_NETWORKS = 4
#: Seconds by which clocks may differ; signed requests to clouds are refused from 300 s on.
_SKEW = 30.0
_NO_ENGINE = "every test with a database node, and every one on a Kind cluster, needs a Docker Engine"


def engine(machine: Machine) -> Iterator[Finding]:
    """No engine; an address or a context that leads nowhere; a socket that this user may not open."""
    found = machine.engine
    if not isinstance(found, SctError):
        yield Finding("engine", "ok", f"{found.detail} ({found.host})")
        return
    text = f"{found.what}: {found.why}" if found.why else found.what
    named = (
        name for name in ("DOCKER_HOST", "DOCKER_CONTEXT") if machine.environ.get(name) not in {None, "", "default"}
    )
    subject = next(named, "engine")
    if "Permission denied" in text:
        subject = "socket rights"
    fix = None
    if subject == "engine" and machine.uid == 0 and programs.missing() and not packages.can_install():
        fix = Fix(f"install {', '.join(packages.ENGINE_PACKAGES)}", _install_engine)
    yield Finding(subject, "bad", text, _NO_ENGINE, found.mend, fix)


def _install_engine(step: Step) -> None:
    packages.install(packages.ENGINE_PACKAGES, step)


def rootless(machine: Machine) -> Iterator[Finding]:
    """A rootless engine, which cannot give Kind what it needs everywhere."""
    options = [str(option) for option in machine.info.get("SecurityOptions") or ()]
    if not any(option.startswith("name=rootless") for option in options):
        return
    limited = machine.info.get("CgroupDriver") == "none"
    text = "the engine is rootless" + (", and no cgroup is delegated to it" if limited else "")
    why = "nodes get no memory limit and a Kind cluster does not start" if limited else "a Kind cluster may not start"
    mend = (
        "sudo mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=yes\\n'"
        " | sudo tee /etc/systemd/system/user@.service.d/delegate.conf && sudo systemctl daemon-reload"
    )
    yield Finding("rootless engine", "bad" if limited else "note", text, why, mend)


def capabilities(machine: Machine) -> Iterator[Finding]:
    """Capabilities that this machine withholds, without which `--privileged` fails."""
    known = machine.number("proc/sys/kernel/cap_last_cap")
    missing = missing_capabilities(machine.text("proc/self/status"), 0 if known is None else known)
    if not missing:
        yield Finding("capabilities", "ok", "none is withheld")
        return
    yield Finding(
        "capabilities",
        "note",
        f"this process lacks {', '.join(missing)}",
        "privileged containers (Kind's nodes) fail on an engine started here; the runner's private engine does without",
        "start this container with `docker run --privileged`, or use a machine instead of a container",
    )


def address_pool(machine: Machine) -> Iterator[Finding]:
    """An engine with no addresses left for new networks: usually networks of old runs and of compose projects."""
    if machine.endpoint is None or not machine.info:
        return
    free, whole = _free_networks(machine.info, machine.networks)
    text = f"{free} of {whole} networks are free on the engine"
    if free >= _NETWORKS:
        yield Finding("address pool", "ok", text)
        return
    why = "each run makes a network of its own: `could not find an available, non-overlapping IPv4 address pool`"
    yield Finding("address pool", "bad" if free == 0 else "note", text, why, "docker network prune")


def _free_networks(info: dict[str, Any], networks: list[dict[str, Any]]) -> tuple[int, int]:
    """Return how many more networks the engine's pools give, and how many they give in all."""
    own = info.get("DefaultAddressPools") or ()
    pools = [(str(pool["Base"]), int(pool["Size"])) for pool in own] or _DEFAULT_POOLS
    used = []
    for network in networks:
        for config in (network.get("IPAM") or {}).get("Config") or ():
            subnet = ipaddress.ip_network(str(config.get("Subnet") or "0.0.0.0/32"), strict=False)
            if subnet.version == 4:
                used.append(subnet)
    free = whole = 0
    for base, size in pools:
        pool = ipaddress.ip_network(base, strict=False)
        if pool.version != 4 or size < pool.prefixlen:
            continue
        blocks = 2 ** (size - pool.prefixlen)
        step = 2 ** (32 - size)
        first = int(pool.network_address)
        taken = set()
        for subnet in used:
            if subnet.overlaps(pool):
                low = max(int(subnet.network_address), first)
                high = min(int(subnet.broadcast_address), int(pool.broadcast_address))
                taken |= set(range((low - first) // step, (high - first) // step + 1))
        whole += blocks
        free += blocks - len(taken)
    return free, whole


def clock(machine: Machine) -> Iterator[Finding]:
    """An engine (in a virtual machine that slept, say) whose clock differs from this machine's."""
    told = str(machine.info.get("SystemTime") or "")
    if not told:
        return
    # Go writes nine digits of a second, Python's parser takes six.
    at = datetime.fromisoformat(told[:19]).replace(tzinfo=UTC)
    if not told.endswith("Z"):
        at = datetime.fromisoformat(told[:19] + told[-6:])
    skew = abs((datetime.now(UTC) - at).total_seconds())
    if skew <= _SKEW:
        yield Finding("clock", "ok", "the engine's clock agrees with this machine's")
        return
    why = "certificates are not valid yet, logs are cut to the wrong times, clouds refuse signed requests"
    mend = "restart the virtual machine that the engine runs in"
    yield Finding("clock", "bad", f"the engine's clock is {skew:.0f} s off", why, mend)
