"""A database node as tests use it: a container that speaks CQL and carries nodetool and cqlsh."""

import logging
import shlex
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sdcm.containers.container import Container
from sdcm.containers.execution import CommandResult, CommandTimedOut, UnexpectedExit
from sdcm.containers.flavours import CQL_PORT, CREDENTIALS, flavour_of
from sdcm.containers.launch import await_node
from sdcm.containers.readiness import Waiting
from sdcm.containers.records import NodeRecord

if TYPE_CHECKING:
    from cassandra.cluster import Session

LOGGER = logging.getLogger(__name__)
_CQL = str(CQL_PORT)
_LOOPBACK = "127.0.0.1"
NODETOOL_SECONDS = 120.0
START_SECONDS = 120.0


class Node(Container):
    """One node of a ring.

    Args:
        record: The node.
        peers: The other nodes of its ring; more can be made known later with `know_peer`.
        log_since: Epoch seconds from which on `get_log` shows the log, for a node that had other users before.
    """

    def __init__(self, record: NodeRecord, peers: Sequence[NodeRecord] = (), *, log_since: float = 0.0) -> None:
        published = record.ports.get(_CQL, (_LOOPBACK, 0))
        super().__init__(
            record.container_id,
            record.host,
            name=record.name,
            image=record.image,
            network=record.network,
            publish_host=published[0],
        )
        self.record = record
        self.log_since = log_since
        self._ports, self._ip = dict(record.ports), record.ip
        self._peers = {peer.container_id: peer for peer in peers}
        self._sessions: list[Session] = []
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Ask the engine again for address and ports; `record` has them afterwards."""
        super().refresh()
        self.record = replace(self.record, ip=self.ip_address, ports=self.ports)

    @property
    def cql_address(self) -> str:
        """Address on its network."""
        return self.ip_address

    @property
    def flavour(self) -> str:
        """`scylla` or `cassandra`."""
        return self.record.flavour

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What a test may ask of it."""
        return self.record.capabilities

    @property
    def peers(self) -> tuple[NodeRecord, ...]:
        """The other nodes of its ring."""
        return tuple(self._peers.values())

    def know_peer(self, peer: NodeRecord) -> None:
        """Tell this node of another one of its ring, for the sessions opened from now on."""
        self._peers[peer.container_id] = peer

    # --- CQL ------------------------------------------------------------------------------------------------

    def cql_connection(
        self,
        user: str | None = None,
        password: str | None = None,
        keyspace: str | None = None,
        *,
        timeout: float = 60.0,
        connect_timeout: float = 20.0,
        exclusive: bool = False,
        **options: Any,
    ) -> "Session":
        """Return a live session of the driver with this node's ring; it is closed with the node's other sessions.

        Args:
            user: Who logs in; the node's own superuser when omitted.
            password: Their password.
            keyspace: Keyspace to start in.
            timeout: Seconds for one request.
            connect_timeout: Seconds for one connection.
            exclusive: Talk to this node alone.
            **options: Further arguments of the driver's `Cluster`, `protocol_version` for example; they win.

        Raises:
            cassandra.cluster.NoHostAvailable: No node took the login or answered.
        """
        from cassandra.cluster import NoHostAvailable

        def connect() -> "Session":
            return self._open_session(user, password, keyspace, timeout, connect_timeout, exclusive, options)

        try:
            session = connect()
        except NoHostAvailable:
            # A restart behind our back has moved the published port; anything else fails the same way again.
            before = self._ports
            self.refresh()
            if self._ports == before:
                raise
            session = connect()
        with self._lock:
            self._sessions.append(session)
        return session

    def _open_session(
        self,
        user: str | None,
        password: str | None,
        keyspace: str | None,
        timeout: float,
        connect_timeout: float,
        exclusive: bool,
        options: dict[str, Any],
    ) -> "Session":
        from sdcm.containers.cql import open_session

        login = (user or self.record.username, self.record.password if password is None else password)
        published = {peer.ip: peer.ports[_CQL] for peer in self.peers}
        published[self.ip_address] = self.ports[_CQL]
        others = [] if exclusive else [address for ip, address in published.items() if ip != self.ip_address]
        return open_session(
            [self.ports[_CQL], *others],
            published,
            flavour=self.flavour,
            login=login if login[0] else None,
            keyspace=keyspace,
            ssl_dir=self.record.ssl_dir,
            timeout=timeout,
            connect_timeout=connect_timeout,
            exclusive=exclusive,
            options=options,
        )

    def close(self) -> None:
        """Close the sessions that were opened here, and the connections to the engine."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.cluster.shutdown()
        super().close()

    def run_cqlsh(
        self,
        cmd: str,
        keyspace: str | None = None,
        timeout: float = 120,
        verbose: bool = True,
        split: bool = False,
        connect_timeout: float = 60,
        num_retry_on_failure: int = 1,
        retry_interval: float = 3,
    ) -> Any:
        """Run statements in the node's cqlsh, logged in as its superuser.

        Args:
            cmd: The statements.
            keyspace: Keyspace to start in.
            timeout: Seconds for a request, and for the whole with a little more.
            verbose: Log the statements.
            split: Return the lines of the output, stripped, instead of the result.
            connect_timeout: Seconds for the connection.
            num_retry_on_failure: How often to try in all.
            retry_interval: Seconds between two tries.

        Returns:
            A `CommandResult` whose `stdout` is stripped, or a list of lines.

        Raises:
            UnexpectedExit: A statement failed.
            CommandTimedOut: The time was up.
        """
        argv = ["cqlsh", "--no-color", f"--connect-timeout={connect_timeout:g}", f"--request-timeout={timeout:g}"]
        if self.record.username:
            argv.append(f"--credentials={CREDENTIALS}")
        if self.record.ssl_dir:
            argv.append("--ssl")
        if keyspace:
            argv += ["-k", keyspace]
        if verbose:
            LOGGER.info("%s: cqlsh: %s", self.name, cmd)
        result = self._try(
            [*argv, "-e", cmd, self.ip_address],
            f"cqlsh -e {shlex.quote(cmd)}",
            timeout + connect_timeout,
            num_retry_on_failure,
            retry_interval,
        )
        if split:
            return [line.strip() for line in result.stdout.strip().splitlines()]
        return CommandResult(result.stdout.strip(), result.stderr, result.exit_status, result.duration, result.command)

    def run_nodetool(
        self,
        sub_cmd: str,
        args: str = "",
        options: str = "",
        timeout: float | None = None,
        ignore_status: bool = False,
        verbose: bool = True,
        retry: int = 1,
    ) -> CommandResult:
        """Run nodetool in the node.

        Args:
            sub_cmd: Its command, `status` for example.
            args: The command's arguments.
            options: Options before the command.
            timeout: Seconds; `NODETOOL_SECONDS` when none are given.
            ignore_status: Do not raise for a status other than 0.
            verbose: Log the command.
            retry: How often to try in all.

        Raises:
            UnexpectedExit: It ended with a status other than 0.
            CommandTimedOut: The time was up.
        """
        argv = ["nodetool", *shlex.split(options), *shlex.split(sub_cmd), *shlex.split(args)]
        if verbose:
            LOGGER.info("%s: %s", self.name, " ".join(argv))
        try:
            return self._try(argv, " ".join(argv), timeout or NODETOOL_SECONDS, retry, 1.0)
        except UnexpectedExit as exc:
            if ignore_status:
                return exc.result
            raise

    def _try(self, argv: list[str], shown: str, timeout: float, tries: int, pause: float) -> CommandResult:
        for left in range(max(1, tries) - 1, -1, -1):
            try:
                return self.execute(argv, shown=shown, timeout=timeout, user="")
            except (UnexpectedExit, CommandTimedOut):
                if not left:
                    raise
                time.sleep(pause)
        raise AssertionError("a try either returns or raises")

    # --- life -----------------------------------------------------------------------------------------------

    def get_log(self, *, since: float = 0.0, tail: int | None = None) -> str:
        """Return what the node wrote since this test has it.

        Args:
            since: Epoch seconds from which on; `log_since` when 0.
            tail: Only that many last lines.
        """
        return super().get_log(since=since or self.log_since, tail=tail)

    def start(self, timeout: float = START_SECONDS) -> None:
        """Start the stopped node and wait until it takes its superuser's login.

        Its published ports change: sessions opened before are of no more use.

        Raises:
            EnvironmentFailed: It ended while it booted.
            DeadlinePassed: It was not ready within `timeout` seconds.
        """
        super().start()
        self.wait_until_ready(timeout)

    def wait_until_ready(self, timeout: float = START_SECONDS) -> None:
        """Wait until the node takes its superuser's login.

        Raises:
            EnvironmentFailed: It has ended.
            DeadlinePassed: It was not ready within `timeout` seconds.
        """
        login = (self.record.username, self.record.password)
        tls = bool(self.record.ssl_dir)
        waiting = Waiting(timeout)
        await_node(self.handle, flavour_of(self.flavour), self.ports, login, tls=tls, waiting=waiting)
