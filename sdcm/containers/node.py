"""A database node as tests use it: a container that speaks CQL and carries nodetool and cqlsh."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm.containers import settings_file
from sdcm.containers.execution import CommandResult
from sdcm.containers.flavours import flavour_of
from sdcm.containers.followed_log import FollowedLog
from sdcm.containers.launch import await_node
from sdcm.containers.node_tools import NodeTools
from sdcm.containers.readiness import Waiting
from sdcm.containers.records import NodeRecord
from sdcm.containers.settings_file import Settings
from sdcm.errors import UsageProblem

if TYPE_CHECKING:
    from sdcm.containers.ring import NodeRing

START_SECONDS = 120.0
#: Tests that had a node before, told in a failed test's report: the latest. The evidence's folder has them all.
_TESTS_TOLD = 5
#: Sends SIGHUP to the server, whoever started it and whatever its process id.
_RELOAD = (
    "for process in /proc/[0-9]*; do "
    'if [ "$(cat $process/comm 2>/dev/null)" = scylla ]; then kill -HUP "${process#/proc/}" && sent=1; fi; '
    'done; [ -n "$sent" ]'
)


class Node(NodeTools):
    """One node of a ring.

    Args:
        record: The node.
        log_since: Epoch seconds from which on `get_log` shows the log; since its test has it, when omitted.
    """

    def __init__(self, record: NodeRecord, *, log_since: float | None = None) -> None:
        super().__init__(record)
        self.log_since = record.leased_at if log_since is None else log_since
        self._ring: NodeRing | None = None

    def evidence(self, lines: int) -> str:
        """Return the node's state, the tests that had it before, and the last lines of its log since this one has."""
        before = self.record.earlier_tests
        told = ", ".join(before[-_TESTS_TOLD:])
        if (more := len(before) - _TESTS_TOLD) > 0:
            told += f" and {more} before them"
        return (f"had before by: {told}\n" if told else "") + super().evidence(lines)

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
    def ssl_conf_dir(self) -> Path | None:
        """Folder with `ca.pem`, `test.crt` and `test.key` for clients; None without TLS."""
        return Path(self.record.ssl_dir) if self.record.ssl_dir else None

    @property
    def parent_cluster(self) -> "NodeRing":
        """The ring it belongs to, be it of this node alone."""
        from sdcm.containers.ring import NodeRing

        if self._ring is None:
            self._ring = NodeRing([self])
        return self._ring

    def belong_to(self, ring: "NodeRing") -> None:
        """Make this the ring that the node belongs to; sessions of its nodes find one another."""
        self._ring = ring
        self.whereabouts.share(ring[0].whereabouts)

    @property
    def remoter(self) -> "Node":
        """What runs commands in it: itself."""
        return self

    def sudo(self, cmd: str, **options: Any) -> CommandResult:
        """Run a line of shell in it as root, as `run` does anyway."""
        return self.run(cmd, **options)

    @cached_property
    def release_version(self) -> str:
        """The database's version as `system.local` tells it."""
        with self.cql_connection_patient_exclusive(patience=0) as session:
            return str(session.execute("SELECT release_version FROM system.local").one().release_version)

    @cached_property
    def scylla_version(self) -> str:
        """The release of Scylla that runs here, `2025.2.0` for example; empty on another database."""
        if self.flavour != "scylla":
            return ""
        with self.cql_connection_patient_exclusive(patience=0) as session:
            # Its `release_version` is that of the Cassandra it speaks like.
            return str(session.execute("SELECT version FROM system.versions").one().version).partition("-")[0]

    @property
    def is_enterprise(self) -> bool:
        """Whether it is a release of Scylla that is numbered by its year."""
        return self.scylla_version[:4].isdecimal() and self.scylla_version[:2] == "20"

    # --- configuration --------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def remote_yaml(self) -> Iterator[Settings]:
        """Give the database's settings for the time of a `with` block, and write the keys that it changed.

        They count from the next `restart()` on; `reload_config()` is enough for some settings of Scylla.

        Raises:
            UsageProblem: The node has no such file.
            EnvironmentFailed: The container is gone.
        """
        path = flavour_of(self.flavour).settings_file
        with self.engine_errors("give or take its settings"), settings_file.edited(self.handle, path) as settings:
            yield settings

    def remote_scylla_yaml(self) -> contextlib.AbstractContextManager[Settings]:
        """Give the settings in scylla.yaml; see `remote_yaml`.

        Raises:
            UsageProblem: It is a node of another flavour.
        """
        return self._yaml_of("scylla")

    def remote_cassandra_yaml(self) -> contextlib.AbstractContextManager[Settings]:
        """Give the settings in cassandra.yaml; see `remote_yaml`.

        Raises:
            UsageProblem: It is a node of another flavour.
        """
        return self._yaml_of("cassandra")

    def _yaml_of(self, flavour: str) -> contextlib.AbstractContextManager[Settings]:
        if self.flavour != flavour:
            raise UsageProblem(
                f"{self.name} has no {flavour}.yaml",
                why=f"it is a {self.flavour} node",
                mend=f"use remote_{self.flavour}_yaml(), or remote_yaml() for either",
            )
        return self.remote_yaml()

    def reload_config(self) -> None:
        """Have a Scylla node read its settings again (SIGHUP).

        Raises:
            UsageProblem: The node reads them at its start alone.
            UnexpectedExit: There is no server process.
        """
        if self.flavour != "scylla":
            raise UsageProblem(f"a {self.flavour} node reads its settings at its start alone", mend="use restart()")
        self.run(_RELOAD, timeout=10, verbose=False)

    # --- log ------------------------------------------------------------------------------------------------

    def get_log(self, *, since: float = 0.0, tail: int | None = None) -> str:
        """Return what the node wrote since this test has it.

        Args:
            since: Epoch seconds from which on; `log_since` when 0.
            tail: Only that many last lines.
        """
        return super().get_log(since=since or self.log_since, tail=tail)

    def follow_system_log(self, patterns: Sequence[str] = (), *, start_from_beginning: bool = False) -> FollowedLog:
        """Follow the node's log: each iteration over what is returned yields the matching lines since the last one.

        Args:
            patterns: Regular expressions, one of which a line must contain; all lines when there are none.
            start_from_beginning: Begin where the test got the node instead of now.
        """

        def read(since: float) -> str:
            with self.engine_errors("give its log"):
                return self.handle.logs(since=since or None, timestamps=True).decode(errors="replace")

        followed = FollowedLog(read, patterns, since=self.log_since)
        if not start_from_beginning:
            followed.skip()
        return followed

    # --- life -----------------------------------------------------------------------------------------------

    def start(self, timeout: float = START_SECONDS) -> None:
        """Start the stopped node and wait until it takes its superuser's login.

        Its published ports change; the sessions that its ring's nodes have open use the new ones.

        Raises:
            EnvironmentFailed: It ended while it booted.
            DeadlinePassed: It was not ready within `timeout` seconds.
        """
        started = time.monotonic()
        super().start()
        self.wait_until_ready(timeout)
        self.note_place()
        sessions = [session for node in self.parent_cluster for session in node.sessions_with(self)]
        self.reconnect_sessions(sessions, max(1.0, started + timeout - time.monotonic()))

    def stop(self, timeout: int = 10) -> None:
        """Ask it to end, and kill it after `timeout` seconds; sessions go on with the ring's other nodes."""
        self.note_place(up=False)
        super().stop(timeout)

    def kill(self) -> None:
        """Remove its container with its anonymous volumes, running or not; never raises."""
        self.whereabouts.note([self.record.ip], None)
        super().kill()

    def wait_until_ready(self, timeout: float = START_SECONDS) -> None:
        """Wait until the node takes its superuser's login.

        Raises:
            EnvironmentFailed: It has ended.
            DeadlinePassed: It was not ready within `timeout` seconds.
        """
        login = (self.record.username, self.record.password)
        waiting = Waiting(timeout)
        await_node(
            self.handle, flavour_of(self.flavour), self.ports, login, ssl_dir=self.record.ssl_dir, waiting=waiting
        )
