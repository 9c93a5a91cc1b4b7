"""Where each node of a ring is published now, shared by its nodes and their sessions."""

import threading
from collections.abc import Iterable

from sdcm.containers.records import Address


class NotPublished(ConnectionRefusedError):
    """The node is stopped, or starting."""


class _Table:
    """What the nodes of one ring share."""

    def __init__(self, member: "Whereabouts") -> None:
        self.lock = threading.Lock()
        self.published: dict[str, Address | None] = {}
        #: A node's address to the first that it had.
        self.first: dict[str, str] = {}
        self.members = [member]


class Whereabouts:
    """One node's view of where the nodes of its ring are published.

    A session that holds it sees the nodes that are introduced later too. While a node is down nobody is led to its
    former port, which may be another test's by then.
    """

    def __init__(self) -> None:
        self._table = _Table(self)

    def note(self, ips: Iterable[str], address: Address | None) -> None:
        """Write down where a node's CQL port is published, by each address it has had; None while it is down."""
        ips = list(ips)
        with self._table.lock:
            first = next((self._table.first[ip] for ip in ips if ip in self._table.first), None)
            self._table.first.update((ip, first or ip) for ip in ips)
            self._table.published.update(dict.fromkeys(ips, address))

    def share(self, other: "Whereabouts") -> None:
        """Have one table from now on with `other` and all that it shares one with."""
        ours, theirs = self._table, other._table
        if ours is theirs:
            return
        with ours.lock, theirs.lock:
            ours.published.update(theirs.published)
            ours.members.extend(theirs.members)
            for member in theirs.members:
                member._table = ours

    def published(self) -> dict[str, Address]:
        """Return the nodes that are up: address to where the CQL port is published."""
        with self._table.lock:
            return {ip: address for ip, address in self._table.published.items() if address is not None}

    def name_of(self, ip: str) -> str:
        """Return the address by which a driver is to know a node: the first that it had, where it is alone in its ring.

        An engine may give a node another address with each start. A driver takes that for another node, and gives up
        the sessions' pools of the one that it knew. In a ring an address may go from one node to another, so there each
        is known by what it has.
        """
        with self._table.lock:
            return self._table.first.get(ip, ip) if len(self._table.members) == 1 else ip

    def place_of(self, ip: str, port: int) -> Address:
        """Return where to connect for a node's port; a node that is not known here is reached directly.

        Raises:
            NotPublished: The node is down.
        """
        with self._table.lock:
            address = self._table.published.get(ip, (ip, port))
        if address is None:
            raise NotPublished(f"node {ip} is down")
        return address
