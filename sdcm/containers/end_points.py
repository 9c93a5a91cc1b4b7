"""Leads a CQL driver to the nodes of a ring by the ports where they are published.

The nodes tell the driver their addresses on the Docker network, which this machine may not reach; the driver's
address translator could change the address, but not the port. Imports nothing but the driver, either of
`scylla-driver` and `cassandra-driver`, so that a script of its own can use this file too.
"""

from collections.abc import Mapping
from functools import total_ordering
from typing import Any, Protocol

from cassandra.connection import EndPoint, EndPointFactory
from cassandra.metadata import _NodeInfo

_PORT = 9042


class Places(Protocol):
    """Knows where nodes are published."""

    def place_of(self, ip: str, port: int) -> tuple[str, int]:
        """Return where to connect for a node's port."""

    def name_of(self, ip: str) -> str:
        """Return the address by which the driver is to know a node."""


class PublishedPlaces:
    """Places that stay as they are.

    Args:
        published: A node's address to where its CQL port is published. Other nodes are reached directly.
    """

    def __init__(self, published: Mapping[str, tuple[str, int]]) -> None:
        self._published = dict(published)

    def place_of(self, ip: str, port: int) -> tuple[str, int]:
        """Return where to connect for a node's port."""
        return self._published.get(ip, (ip, port))

    def name_of(self, ip: str) -> str:
        """Return the address itself."""
        return ip


@total_ordering
class NodeEndPoint(EndPoint):  # type: ignore[misc]
    """One node, known by its own address; where it is published is asked anew for each connection.

    So a session outlives a restart that moves the published port.

    Args:
        ip: The node's address.
        port: Its port.
        places: Knows where that is published.
        tls: Whether connections are encrypted; the certificate is then checked for the published name.
    """

    def __init__(self, ip: str, port: int, places: Places, *, tls: bool) -> None:
        self._ip = ip
        self._port = port
        self._places = places
        self._tls = tls

    @property
    def address(self) -> str:
        """The node's own address."""
        return self._ip

    @property
    def port(self) -> int:
        """Its own port."""
        return self._port

    @property
    def ssl_options(self) -> dict[str, str] | None:
        """The name that the certificate is checked for."""
        return {"server_hostname": self.resolve()[0]} if self._tls else None

    def resolve(self) -> tuple[str, int]:
        """Return where to connect."""
        return self._places.place_of(self._ip, self._port)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeEndPoint) and (self._ip, self._port) == (other._ip, other._port)

    def __hash__(self) -> int:
        return hash((self._ip, self._port))

    def __lt__(self, other: "NodeEndPoint") -> bool:
        return (self._ip, self._port) < (other._ip, other._port)

    def __str__(self) -> str:
        return f"{self._ip}:{self._port}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class PublishedEndPoints(EndPointFactory):  # type: ignore[misc]
    """Makes the end points of nodes that the driver hears of.

    Args:
        places: Knows where nodes are published.
        tls: Whether connections are encrypted.
    """

    def __init__(self, places: Places, *, tls: bool = False) -> None:
        self._places = places
        self._tls = tls

    def create(self, row: Mapping[str, Any]) -> NodeEndPoint:
        """Return the end point of the node that a row of `system.peers_v2`, `peers` or `local` describes."""
        port = _NodeInfo.get_broadcast_rpc_port(row) or _PORT
        return self.at(_NodeInfo.get_broadcast_rpc_address(row), port)

    def at(self, ip: str, port: int = _PORT) -> NodeEndPoint:
        """Return the end point of the node with that address, to begin with."""
        return NodeEndPoint(self._places.name_of(ip), port, self._places, tls=self._tls)
