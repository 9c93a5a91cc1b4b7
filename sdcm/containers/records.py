"""What crosses the socket between the broker and a worker: how to launch a node, and the node that came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

#: Host and port where a driver on this machine reaches a port of a container.
Address = tuple[str, int]


@dataclass(frozen=True)
class NodeSpec:
    """How to launch one node.

    Attributes:
        name: Name of the container.
        image: Reference of an image that the engine has.
        flavour: `scylla` or `cassandra`.
        network: Docker network to join; the engine's default bridge when empty.
        network_alias: Further name of the node on that network.
        seeds: Addresses or names of the nodes to join; none: a ring of its own.
        cluster_name: Name of the ring. Nodes of another name are no concern of its nodes, even where they get the
            address of one that has gone; the image's own when empty.
        rack: Its rack; a bare number `n` means `RACK<n>`. The flavour's default when empty.
        dc: Its data centre; the flavour's default when empty.
        ssl_dir: Directory of PEM files (see `certificates`) to copy into the node; TLS is on when given.
        mtls: Ask clients for a certificate of that directory's authority.
        smp: Cores (Scylla's shards).
        memory_mb: Memory of the node, in MiB.
        extra_args: Further arguments for the image's entrypoint.
        native_entrypoint: Leave the image's own configuration as it is: no settings of ours, and a login only if the
            image asks for one.
        labels: Labels of the container.
        publish_host: Name of the engine's host as seen from here; ports are published for it alone where it is
            the loopback.
        host: The engine, as a value of `DOCKER_HOST`, for the record; empty: whatever that variable says then.
    """

    name: str
    image: str
    flavour: str
    network: str = ""
    network_alias: str = ""
    seeds: tuple[str, ...] = ()
    cluster_name: str = ""
    rack: str = ""
    dc: str = ""
    ssl_dir: str = ""
    mtls: bool = False
    smp: int = 1
    memory_mb: int = 512
    extra_args: tuple[str, ...] = ()
    native_entrypoint: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    publish_host: str = "127.0.0.1"
    host: str = ""

    def to_record(self) -> dict[str, Any]:
        """Return the specification as JSON values."""
        return {**asdict(self), "labels": dict(self.labels)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "NodeSpec":
        """Rebuild a specification from `to_record`, also after a passage through JSON."""
        lists = {name: tuple(record[name]) for name in ("seeds", "extra_args") if name in record}
        return cls(**{**record, **lists})


@dataclass(frozen=True)
class NodeRecord:
    """A node that takes logins.

    Attributes:
        container_id: The engine's id of its container.
        name: Name of the container.
        image: Reference of its image.
        flavour: `scylla` or `cassandra`.
        host: The engine, as a value of `DOCKER_HOST`.
        ip: Its address on its network.
        ports: Port inside (as text) to where it is published; changes when the node is restarted.
        network: Docker network it is on.
        username: A superuser; empty when the node asks for no login.
        password: The superuser's password.
        dc: Its data centre.
        rack: Its rack.
        capabilities: What a test may ask of it: `cql`, `cqlsh`, `nodetool`, `ssl`, `vector`, `alternator`.
        boot_seconds: From the order to create its container until the first login.
        ssl_dir: Directory of the PEM files that a client needs; empty without TLS.
        cluster_name: Name of its ring; empty: the image's own.
        leased_at: Epoch seconds since when its test has it; 0: since its boot.
        earlier_tests: Node ids of the tests that had it before.
    """

    container_id: str
    name: str
    image: str
    flavour: str
    host: str
    ip: str
    ports: Mapping[str, Address]
    network: str
    username: str
    password: str = field(repr=False)
    dc: str
    rack: str
    capabilities: tuple[str, ...]
    boot_seconds: float
    ssl_dir: str = ""
    cluster_name: str = ""
    leased_at: float = 0.0
    earlier_tests: tuple[str, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return {**asdict(self), "ports": {port: list(address) for port, address in self.ports.items()}}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "NodeRecord":
        """Rebuild a record from `to_record`, also after a passage through JSON."""
        ports = {port: (str(host), int(number)) for port, (host, number) in record["ports"].items()}
        tuples = {name: tuple(record.get(name, ())) for name in ("capabilities", "earlier_tests")}
        return cls(**{**record, "ports": ports, **tuples})
