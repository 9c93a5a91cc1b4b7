"""What workers and the broker say to one another: one JSON object a line over a Unix socket.

A request has `op` and its arguments; the answer has `result`, or `error` (see `sdcm.errors.from_record`).
A connection belongs to one worker; when it closes, the worker's leases end, and what it still waits for is given up.
A worker that was interrupted in the middle of an exchange says hello on a new connection with its earlier name: it
keeps its leases, and the request is given up.

    hello      worker, resume (earlier name)  -> run, broker pid, name (the worker's, unique in the broker)
    wait       service                        -> environ (variables a test needs to reach it)
    node       request (NodeRequest), test    -> lease, node (NodeRecord)
    container  request (ContainerRequest), test -> lease, container (ContainerRecord)
    adopt      identity of a process          -> (the process is ended with the run)
    namespace  test                           -> lease, namespace, cluster (ClusterRecord), labels
    load-image image                          -> reference
    image      image                          -> reference
    own        kind, name, facts, test        -> lease, entry (a cloud resource that the worker is about to make)
    disown     lease, entry                   -> (it is gone)
    release    lease, failed (its test has)
    status                                    -> services, leases, steps, nodes, waits
    enter      what (a name, or its end)      -> found (of each: what, test, and what its lease was answered with)
    keep       seconds                        -> (the environment outlives its opener)
    stop                                      -> (tear down now)
    held-back  on                             -> (the worker waits for others to end their tests, or does not any more)
    expect     tests (node ids by the key of their node), times
                                              -> (a run that uses a kept environment will ask for these nodes)
    unneeded   service                        -> (this session of pytest has no test to come that needs it)
    span       span, state (open, shut, over, settle), at; for open: label, services, journal; for over: after
                                              -> (what appears meanwhile is its own; see `sdcm.broker.spans`)
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

#: Run id, set for everything that runs under a run.
RUN_VARIABLE = "SCT_RUN"
#: Tells workers where the broker's socket is.
BROKER_VARIABLE = "SCT_BROKER"
#: Tells the scheduler where the services' states are.
SERVICES_VARIABLE = "SCT_SERVICES"
#: Tells pytest's processes what leaks do: `error`, `warn`, `off`; in plain pytest nobody sets it.
LEAKS_VARIABLE = "SCT_LEAKS"
#: Set in plain pytest: its first process, not `sct.py`, is the run's opener.
PLAIN_VARIABLE = "SCT_PLAIN"
#: Descriptor of a pipe that ends with the runner; pytest's first process ends with it.
RUNNER_PIPE_VARIABLE = "SCT_RUNNER_PIPE"
#: Descriptors for a pytest that collects and may go on as the one that runs: a socket to the runner, where standard
#: error goes then, and where it goes until then.
GO_ON_VARIABLE = "SCT_GO_ON"
#: What such a pytest says when it has written the selection; the answer is a JSON line with `go` and `environ`.
COLLECTED = b"collected\n"
#: File in a run's runtime directory with the state of each service, for who cannot wait on a socket.
SERVICES_FILE = "services.json"
#: Beside it once the first test has been given out.
TESTS_BEGUN_FILE = "tests-begun"
SOCKET_NAME = "broker.sock"


@dataclass(frozen=True)
class NodeRequest:
    """A database node as a test asks for it.

    Attributes:
        fixture: Short name of the asking fixture, part of the container's name.
        image: Catalogue name or reference a test named; empty: the run's own flavour.
        network: Docker network, either one that exists or a name within the run; empty: the run's network.
        seeds: Addresses or names of nodes to join, in the same cluster.
        cluster_name: Name of the ring to join; empty: that of the seeds, or one of the node's own.
        dc: Data centre, empty for the flavour's default.
        rack: Rack name, empty for the flavour's default.
        ssl: Encrypt client connections; the port takes no others then.
        mtls: Ask clients for a certificate too.
        native_entrypoint: Start the image as it is: no settings of ours, no TLS. Official Scylla images then ask for no
            login, our Cassandra does.
        fresh: Hand out no node that another test had before.
        smp: Processors the node may use.
        memory_mb: Memory it may use, MiB; 0: 512.
        extra_args: Further arguments of the database process.
        needs: Capabilities that the test asks for; without them no node is booted.
    """

    fixture: str = "scylla"
    image: str = ""
    network: str = ""
    seeds: tuple[str, ...] = ()
    cluster_name: str = ""
    dc: str = ""
    rack: str = ""
    ssl: bool = False
    mtls: bool = False
    native_entrypoint: bool = False
    fresh: bool = False
    smp: int = 1
    memory_mb: int = 0
    extra_args: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "NodeRequest":
        """Rebuild a request from `to_record`."""
        values = dict(record)
        for name in ("seeds", "extra_args", "needs"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


def node_key(request: NodeRequest) -> str:
    """Return what nodes that may stand in for one another have in common, as 16 hex digits; empty for one alone.

    A node that joins others, or is on a network of the test's own, belongs to its test.
    """
    if request.fresh or request.seeds or request.cluster_name or request.network:
        return ""
    import hashlib  # brings OpenSSL, which a process without nodes need not load

    record = {**request.to_record(), "needs": ()}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:16]


class Stream(Protocol):
    """A connection as bytes."""

    def readline(self) -> bytes:
        """Return the next line, or what there is of it when the other side has closed."""

    def write(self, data: bytes, /) -> int | None:
        """Write."""

    def flush(self) -> None:
        """Send what was written."""

    def close(self) -> None:
        """Close it."""


def send(stream: Stream, message: Mapping[str, Any]) -> None:
    """Write one message."""
    stream.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
    stream.flush()


def receive(stream: Stream) -> dict[str, Any] | None:
    """Read one message; None when the other side has closed."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    message = json.loads(line)
    return message if isinstance(message, dict) else None
