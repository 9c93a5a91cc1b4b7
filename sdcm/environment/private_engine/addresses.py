"""Addresses for the private engine that nothing else on the machine uses."""

import contextlib
import ipaddress
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from sdcm import process
from sdcm.errors import DeadlinePassed, EnvironmentFailed

Network = ipaddress.IPv4Network

_SPECIAL_ROUTES = frozenset({"local", "broadcast", "unreachable", "blackhole", "prohibit", "throw", "multicast"})
_MUTEX = "\0sct-choosing-addresses"


def candidates(tag: str) -> list[Network]:
    """Return the /16 networks to try, in an order of this engine's own.

    Docker's own pools (172.17-31, 192.168) and Kind's pods and services (10.244, 10.96) are left out, for a user's
    engine started later would take the former.
    """
    blocks = [Network((f"10.{number}.0.0", 16)) for number in range(201, 240)]
    first = int(tag, 16) % len(blocks)
    return blocks[first:] + blocks[:first]


def used_networks(routes: str, resolv_conf: str = "") -> list[Network]:
    """Return the networks that routes and name servers use.

    Args:
        routes: Output of `ip -4 route show table all`.
        resolv_conf: Text of /etc/resolv.conf.
    """
    found = []
    for line in routes.splitlines():
        words = line.split()
        if words and words[0] in _SPECIAL_ROUTES:
            words = words[1:]
        if words and words[0] != "default":
            with contextlib.suppress(ValueError):
                found.append(Network(words[0], strict=False))
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            with contextlib.suppress(ValueError):
                found.append(Network(words[1]))
    return found


def choose(tag: str, used: Iterable[Network]) -> Network:
    """Return the first candidate that overlaps nothing in use.

    Raises:
        EnvironmentFailed: All are in use.
    """
    taken = [network for network in used if network.prefixlen > 0]
    for candidate in candidates(tag):
        if not any(candidate.overlaps(network) for network in taken):
            return candidate
    raise EnvironmentFailed(
        "no free addresses for the private engine",
        why="routes to every network from 10.201.0.0/16 to 10.239.0.0/16 exist",
        mend="ip -4 route show table all",
    )


@contextlib.contextmanager
def choosing(deadline: float = 20.0) -> Iterator[None]:
    """Let one process of this network namespace choose addresses at a time.

    The mutex is a name of an abstract socket: it belongs to the network namespace as routes do, leaves no file, and
    goes with its holder.

    Raises:
        DeadlinePassed: Another process held it for `deadline` seconds.
    """
    end = time.monotonic() + deadline
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mutex:
        while True:
            try:
                mutex.bind(_MUTEX)
                break
            except OSError as exc:
                if time.monotonic() > end:
                    raise DeadlinePassed("another engine's start has been choosing addresses for too long") from exc
                time.sleep(0.05)
        yield


def free_network(tag: str) -> Network:
    """Return a /16 that no route of this machine touches; call it inside `choosing`."""
    routes = process.run(["ip", "-4", "route", "show", "table", "all"], timeout=10).stdout
    try:
        resolv_conf = Path("/etc/resolv.conf").read_text()
    except OSError:
        resolv_conf = ""
    return choose(tag, used_networks(routes, resolv_conf))


def bridge_address(network: Network) -> str:
    """Return address and prefix length of the default bridge: the first /24 of the engine's network."""
    first = next(network.subnets(new_prefix=24))
    return f"{first.network_address + 1}/24"


def address_pool(network: Network) -> dict[str, str | int]:
    """Return the pool that networks made in the engine are cut from: the upper half, 128 networks of /24."""
    upper = list(network.subnets(new_prefix=17))[1]
    return {"base": str(upper), "size": 24}
