"""The nodes a tool puts load on: addresses, login, certificates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm.containers.archive import FileCopy
from sdcm.errors import UsageProblem

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration
    from sdcm.containers.node import Node

#: Where certificates lie inside a tool's container.
SSL_FOLDER = "/etc/scylla/ssl_conf"
CA_FILE, CERTIFICATE_FILE, KEY_FILE = f"{SSL_FOLDER}/ca.pem", f"{SSL_FOLDER}/test.crt", f"{SSL_FOLDER}/test.key"


@dataclass(frozen=True)
class Target:
    """Who is put under load.

    Attributes:
        addresses: The nodes, as they are reached on the run's network.
        username: Who logs in; empty where the nodes ask for no login.
        password: Their password.
        tls: Whether the nodes speak TLS.
        client_certificate: Whether the tool shows a certificate of its own.
        verify_name: Whether the tool compares a node's certificate with its name.
        certificates: What lies in `SSL_FOLDER`.
        dc: Data centre to talk to; empty for any.
        rack: Rack to talk to; empty for any.
        network: Docker network the nodes are on.
        alternator_port: Port of the DynamoDB API; 0 where there is none.
    """

    addresses: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    client_certificate: bool = False
    verify_name: bool = False
    certificates: tuple[FileCopy, ...] = field(default=(), repr=False)
    dc: str = ""
    rack: str = ""
    network: str = ""
    alternator_port: int = 0

    @property
    def hosts(self) -> str:
        """The addresses, joined by commas."""
        return ",".join(self.addresses)

    def secrets(self) -> tuple[str, ...]:
        """Return what no log or event may show."""
        return (self.password,) if self.password else ()

    @classmethod
    def of_nodes(cls, nodes: Sequence["Node"], params: "SCTConfiguration | None") -> "Target":
        """Return the target that nodes make.

        A node's own login is used unless the configuration names a user of its own; TLS is used where the nodes
        speak it.

        Raises:
            UsageProblem: There are no nodes, TLS is asked of nodes without, or they are on several networks.
        """
        if not nodes:
            raise UsageProblem("a stress tool needs nodes", mend="give node_list=[docker_scylla]")
        records = [node.record for node in nodes]
        networks = {record.network for record in records}
        if len(networks) > 1:
            raise UsageProblem(f"the nodes are on several networks: {', '.join(sorted(networks))}")
        folders = [Path(record.ssl_dir) for record in records if record.ssl_dir]
        wants = _Wants(params)
        if wants.get("client_encrypt") and len(folders) < len(records):
            raise UsageProblem(
                "client_encrypt is set, and not every node speaks TLS", mend="docker_scylla_args(ssl=True)"
            )
        first = records[0]
        username, password = first.username, first.password
        if username and wants.get("authenticator_user"):
            username, password = str(wants.get("authenticator_user")), str(wants.get("authenticator_password") or "")
        return cls(
            addresses=tuple(node.cql_address for node in nodes),
            username=username,
            password=password,
            tls=bool(folders),
            client_certificate=bool(folders and wants.get("client_encrypt_mtls")),
            verify_name=bool(wants.get("peer_verification")),
            certificates=tuple(_certificates(folders)),
            dc=first.dc if wants.get("region_aware_loader") or wants.get("rack_aware_loader") else "",
            rack=first.rack if wants.get("rack_aware_loader") else "",
            network=first.network,
            alternator_port=int(wants.get("alternator_port") or 0),
        )


class _Wants:
    """The configuration, where there is one."""

    def __init__(self, params: "SCTConfiguration | None") -> None:
        self._params = params

    def get(self, key: str) -> Any:
        return None if self._params is None else self._params.get(key)


def _certificates(folders: Sequence[Path]) -> Iterable[FileCopy]:
    """Yield the authorities of all nodes in one file, and the first node's client certificate; no authority's key."""
    if not folders:
        return
    yield FileCopy(CA_FILE, b"".join((folder / "ca.pem").read_bytes() for folder in folders))
    for path in (CERTIFICATE_FILE, KEY_FILE):
        yield FileCopy(path, (folders[0] / Path(path).name).read_bytes())
