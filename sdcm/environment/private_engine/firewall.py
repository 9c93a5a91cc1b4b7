"""Bridge, forwarding and firewall rules of the private engine, put up and taken down by us.

dockerd's own handling is off: at its start it empties the chains DOCKER and DOCKER-ISOLATION-*, which would
cut the published ports of a user's engine on the same machine, and at its stop it leaves them behind. What the
private engine needs is little, for its ports are published on the loopback through docker-proxy: that its network
may be forwarded, and that it is masqueraded. These rules name its network only.
"""

import contextlib
import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path

from sdcm import process
from sdcm.environment.private_engine import addresses
from sdcm.environment.private_engine.layout import Layout, Record
from sdcm.errors import DeadlinePassed

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_TIMEOUT = 15.0
#: End of the name of an empty chain that says: forwarding was off before.
_MARK = "-fwd"


def forwarding() -> str:
    """Return the value that net.ipv4.ip_forward had before any private engine of this machine turned it on.

    To be called inside `addresses.choosing`.
    """
    return "0" if _marks() else _FORWARDING.read_text().strip()


def put_up(layout: Layout, record: Record) -> None:
    """Make the bridge, allow forwarding, add the rules.

    Raises:
        CommandFailed: `ip` or `iptables` refused.
    """
    network = addresses.Network(record.network)
    _ip("link", "add", "name", layout.bridge, "type", "bridge")
    _ip("addr", "add", addresses.bridge_address(network), "dev", layout.bridge)
    _ip("link", "set", "dev", layout.bridge, "up")
    if record.forwarding_was != "1":
        # Whoever starts while this engine is up learns from the mark that it is on through us; the last turns it off.
        _iptables(["-t", "filter", "-N", f"{layout.chain}{_MARK}"])
        _FORWARDING.write_text("1")
    for arguments in _rules_up(layout.chain, record.network):
        _iptables(arguments)


def take_down(layout: Layout, record: Record, *, restore_forwarding: bool) -> None:
    """Remove the rules, every bridge inside the engine's network, and what hangs on them; never fails.

    Args:
        layout: The engine.
        record: What its start put up.
        restore_forwarding: Put net.ipv4.ip_forward back to what it was, unless another private engine needs it.
    """
    for arguments in _rules_down(layout.chain):
        _iptables(arguments, check=False)
    for name in _bridges(layout, addresses.Network(record.network)):
        for port in _ports_of(name):
            _ip("link", "delete", "dev", port, check=False)
        _ip("link", "delete", "dev", name, check=False)
    # Inside `choosing` nobody is between making up its mind and marking.
    with contextlib.suppress(DeadlinePassed), addresses.choosing():
        _iptables(["-t", "filter", "-X", f"{layout.chain}{_MARK}"], check=False)
        if restore_forwarding and record.forwarding_was == "0" and not _marks():
            _FORWARDING.write_text("0")


def _marks() -> list[str]:
    """Return the marks of the private engines that turned forwarding on, or found it turned on by such a one."""
    listed = _iptables(["-t", "filter", "-S"], check=False)
    chains = [line.removeprefix("-N ") for line in listed.splitlines() if line.startswith("-N SCT-")]
    return [chain for chain in chains if chain.endswith(_MARK)]


def _rules_up(chain: str, network: str) -> list[list[str]]:
    return [
        ["-t", "filter", "-N", chain],
        ["-t", "filter", "-A", chain, "-s", network, "-j", "ACCEPT"],
        ["-t", "filter", "-A", chain, "-d", network, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED",
         "-j", "ACCEPT"],
        ["-t", "filter", "-I", "FORWARD", "-j", chain],
        ["-t", "nat", "-N", chain],
        ["-t", "nat", "-A", chain, "-s", network, "!", "-d", network, "-j", "MASQUERADE"],
        ["-t", "nat", "-I", "POSTROUTING", "-j", chain],
    ]  # fmt: skip


def _rules_down(chain: str) -> list[list[str]]:
    return [
        ["-t", "filter", "-D", "FORWARD", "-j", chain],
        ["-t", "filter", "-F", chain],
        ["-t", "filter", "-X", chain],
        ["-t", "nat", "-D", "POSTROUTING", "-j", chain],
        ["-t", "nat", "-F", chain],
        ["-t", "nat", "-X", chain],
    ]


def _bridges(layout: Layout, network: addresses.Network) -> list[str]:
    """Return the engine's own bridge and those dockerd made for networks inside `network`."""
    told = _ip("-json", "-4", "addr", "show", "type", "bridge", check=False)
    names = []
    for link in json.loads(told or "[]"):
        held = [ipaddress.IPv4Address(entry["local"]) for entry in link.get("addr_info", [])]
        if link.get("ifname") == layout.bridge or any(address in network for address in held):
            names.append(link["ifname"])
    if layout.bridge not in names and Path("/sys/class/net", layout.bridge).exists():
        names.append(layout.bridge)
    return names


def _ports_of(bridge: str) -> list[str]:
    folder = Path("/sys/class/net", bridge, "brif")
    return [port.name for port in folder.iterdir()] if folder.is_dir() else []


def _ip(*arguments: str, check: bool = True) -> str:
    return _run(["ip", *arguments], check=check)


def _iptables(arguments: Sequence[str], *, check: bool = True) -> str:
    return _run(["iptables", "--wait", "10", *arguments], check=check)


def _run(argv: Sequence[str], *, check: bool) -> str:
    """Run a program and return its output; without `check` one that fails or hangs has said nothing."""
    try:
        done = process.run(argv, timeout=_TIMEOUT, check=check)
    except (process.CommandFailed, process.CommandTimedOut):
        if check:
            raise
        return ""
    return done.stdout if done.ok else ""
