"""CQL sessions with a node: one that lives as long as the node's fixture, or as long as a `with` block."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sdcm.containers.container import Container
from sdcm.containers.flavours import CQL_PORT
from sdcm.containers.records import NodeRecord
from sdcm.containers.whereabouts import Whereabouts

if TYPE_CHECKING:
    from cassandra.cluster import Session

LOGGER = logging.getLogger(__name__)
_CQL = str(CQL_PORT)
_LOOPBACK = "127.0.0.1"
#: Seconds a patient session keeps trying, and between two tries.
_PATIENCE, _PAUSE = 300.0, 1.0
_ANYTHING, _ANSWER_SECONDS = "SELECT key FROM system.local", 5.0


class CqlAccess(Container):
    """A node's container, as far as CQL goes.

    Args:
        record: The node.
    """

    def __init__(self, record: NodeRecord) -> None:
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
        self.whereabouts = Whereabouts()
        self.whereabouts.note([record.ip], record.ports.get(_CQL))
        self._ports, self._ip = dict(record.ports), record.ip
        self._ips = {record.ip}
        self._login: Callable[[], tuple[str, str]] | None = None
        #: Open sessions, each with the addresses that it may send requests to; all of the ring's when empty.
        self._sessions: list[tuple[Session, frozenset[str]]] = []
        self._lock = threading.Lock()

    def log_in_as(self, login: Callable[[], tuple[str, str]]) -> None:
        """Ask this for user and password from now on; empty ones stand for the node's own superuser."""
        self._login = login

    @property
    def login(self) -> tuple[str, str]:
        """Who sessions and cqlsh log in as, with the password; empty texts when the node asks for no login."""
        if not self.record.username:
            return "", ""
        user, password = self._login() if self._login is not None else ("", "")
        return (user, password) if user and password else (self.record.username, self.record.password)

    def note_place(self, *, up: bool = True) -> None:
        """Tell the ring's sessions where this node is published now, or that it is down."""
        self._ips.add(self.ip_address)
        self._ips.discard("")
        self.whereabouts.note(self._ips, self.ports.get(_CQL) if up else None)

    def reconnect_sessions(self, sessions: "Sequence[Session]", timeout: float) -> None:
        """Have open sessions use this node again, now instead of at the driver's next look.

        Raises:
            DeadlinePassed: One does not within `timeout` seconds.
        """
        from sdcm.wait import wait_for

        for session in sessions:
            wait_for(
                self._answers_in,
                step=0.1,
                text=f"an open session to find {self.name} again",
                timeout=timeout,
                session=session,
            )

    def _answers_in(self, session: "Session") -> bool:
        """Whether the node answers a session, or is none of its nodes; one that has it down is told that it is up."""
        from cassandra import RequestExecutionException, RequestValidationException

        for host in session.cluster.metadata.all_hosts():
            if host.address not in self._ips or session.is_shutdown:
                continue
            if host.is_up:
                # A session notices closed connections when it uses them.
                with contextlib.suppress(RequestExecutionException, RequestValidationException):
                    session.execute(_ANYTHING, timeout=_ANSWER_SECONDS, host=host)
            else:
                session.cluster.on_up(host)
                return False
        return True

    def sessions_with(self, node: "CqlAccess") -> "list[Session]":
        """Return the open sessions that were opened by way of this node and may send requests to that one."""
        with self._lock:
            return [
                session
                for session, only in self._sessions
                if not session.is_shutdown and (not only or only & node._ips)
            ]

    def cql_connection(
        self,
        keyspace: str | None = None,
        user: str | None = None,
        password: str | None = None,
        *,
        timeout: float = 60.0,
        connect_timeout: float = 20.0,
        exclusive: bool = False,
        whitelist_nodes: "Sequence[CqlAccess]" = (),
        verbose: bool = False,
        **options: Any,
    ) -> "Session":
        """Return a live session of the driver with this node's ring; it is closed with the node.

        Requests go at consistency ONE unless a statement says otherwise. With TLS the node's certificate is checked.

        Args:
            keyspace: Keyspace to start in.
            user: Who logs in; the one `params` names, else the node's own superuser, when omitted.
            password: Their password.
            timeout: Seconds for one request.
            connect_timeout: Seconds for one connection.
            exclusive: Talk to this node alone.
            whitelist_nodes: Send requests to these nodes alone.
            verbose: Log it.
            **options: Further arguments of the driver's `Cluster`, `protocol_version`, `compression` or
                `ssl_context` for example; they win, unless they are None.

        Raises:
            cassandra.cluster.NoHostAvailable: No node took the login or answered.
        """
        from cassandra.cluster import NoHostAvailable

        if verbose:
            LOGGER.info("%s: opening a session", self.name)
        only = [self.whereabouts.name_of(node.ip_address) for node in ([self] if exclusive else whitelist_nodes)]
        chosen = {name: value for name, value in options.items() if value is not None}

        def connect() -> "Session":
            return self._open_session(keyspace, (user, password), timeout, connect_timeout, only, chosen)

        try:
            session = connect()
        except NoHostAvailable:
            # A restart behind our back has moved the published port; anything else fails the same way again.
            before = self._ports
            self.refresh()
            if self._ports == before:
                raise
            self.note_place()
            session = connect()
        with self._lock:
            self._sessions.append((session, frozenset(only)))
        return session

    def _open_session(
        self,
        keyspace: str | None,
        login: tuple[str | None, str | None],
        timeout: float,
        connect_timeout: float,
        only: Sequence[str],
        options: dict[str, Any],
    ) -> "Session":
        from sdcm.containers.cql import open_session

        user, password = (given or own for given, own in zip(login, self.login, strict=True))
        up = [ip for ip in self.whereabouts.published() if ip != self.ip_address]
        return open_session(
            list(only) or [self.ip_address, *up],
            self.whereabouts,
            flavour=self.record.flavour,
            login=(user, password) if user else None,
            keyspace=keyspace,
            ssl_dir=self.record.ssl_dir,
            timeout=timeout,
            connect_timeout=connect_timeout,
            only=only,
            options=options,
        )

    @contextlib.contextmanager
    def cql_connection_patient(
        self,
        keyspace: str | None = None,
        user: str | None = None,
        password: str | None = None,
        *,
        patience: float = _PATIENCE,
        **more: Any,
    ) -> "Iterator[Session]":
        """Give a session for the time of a `with` block, trying until one can be opened.

        Args:
            keyspace: Keyspace to start in.
            user: Who logs in, as for `cql_connection`.
            password: Their password.
            patience: Seconds after which trying ends.
            **more: What `cql_connection` takes besides.

        Raises:
            cassandra.cluster.NoHostAvailable: No node took the login or answered in all that time.
        """
        from cassandra.cluster import NoHostAvailable

        end = time.monotonic() + patience
        while True:
            try:
                session = self.cql_connection(keyspace, user, password, **more)
                break
            except NoHostAvailable as exc:
                if time.monotonic() >= end:
                    raise
                LOGGER.info("%s: no session yet: %s", self.name, exc)
                time.sleep(_PAUSE)
        try:
            yield session
        finally:
            with self._lock:
                self._sessions = [entry for entry in self._sessions if entry[0] is not session]
            session.cluster.shutdown()

    def cql_connection_patient_exclusive(
        self, keyspace: str | None = None, user: str | None = None, password: str | None = None, **more: Any
    ) -> "contextlib.AbstractContextManager[Session]":
        """Give a session with this node alone for the time of a `with` block; see `cql_connection_patient`."""
        return self.cql_connection_patient(keyspace, user, password, exclusive=True, **more)

    def close(self) -> None:
        """Close the sessions that were opened here, and the connections to the engine."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
        for session, _ in sessions:
            session.cluster.shutdown()
        super().close()
