"""The programs that a node carries: cqlsh and nodetool."""

import contextlib
import hashlib
import logging
import shlex
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, Protocol, overload

from sdcm.containers import archive
from sdcm.containers.cql_access import CqlAccess
from sdcm.containers.execution import CommandResult, CommandTimedOut, UnexpectedExit
from sdcm.containers.flavours import CQLSHRC, CREDENTIALS, credentials_file, flavour_of
from sdcm.containers.records import NodeRecord

LOGGER = logging.getLogger(__name__)
NODETOOL_SECONDS = 120.0


class NodetoolObserver(Protocol):
    """Is told of each call of nodetool: entered before, left after it, with what the call raised."""

    def __call__(self, *, node: str, nodetool_command: str, options: str) -> AbstractContextManager[object]:
        """Return what to enter."""


def _unobserved(*, node: str, nodetool_command: str, options: str) -> AbstractContextManager[object]:
    return contextlib.nullcontext()


class NodeTools(CqlAccess):
    """A node's container, as far as its programs go.

    Args:
        record: The node.
    """

    def __init__(self, record: NodeRecord) -> None:
        super().__init__(record)
        self._logins: set[str] = set()
        self._observe: Callable[..., AbstractContextManager[object]] = _unobserved

    def tell_of_nodetool(self, observer: NodetoolObserver) -> None:
        """Tell this observer of each call of nodetool from now on."""
        self._observe = observer

    def _credentials(self) -> str:
        """Return the path inside of a file with the login; that of the superuser is there from the start."""
        login = self.login
        if login == (self.record.username, self.record.password):
            return CREDENTIALS
        path = f"{CREDENTIALS}-{hashlib.sha256(repr(login).encode()).hexdigest()[:12]}"
        if path not in self._logins:
            file = credentials_file(login, path=path, uid=flavour_of(self.record.flavour).uid)
            with self.engine_errors("take a login"):
                self.handle.put_archive("/", archive.of_copies([file]))
            self._logins.add(path)
        return path

    def cqlsh_argv(self) -> list[str]:
        """Return the node's cqlsh with its login; host and further options are to be added."""
        argv = ["cqlsh"]
        if self.login[0]:
            argv.append(f"--credentials={self._credentials()}")
        if self.record.ssl_dir:
            argv += ["--ssl", f"--cqlshrc={flavour_of(self.record.flavour).ssl_inside}/{CQLSHRC}"]
        return argv

    @overload
    def run_cqlsh(
        self,
        cmd: str,
        keyspace: str | None = None,
        timeout: float = 120,
        verbose: bool = True,
        split: Literal[False] = False,
        connect_timeout: float = 60,
        num_retry_on_failure: int = 1,
        retry_interval: float = 3,
    ) -> CommandResult: ...

    @overload
    def run_cqlsh(
        self,
        cmd: str,
        keyspace: str | None = None,
        timeout: float = 120,
        verbose: bool = True,
        *,
        split: Literal[True],
        connect_timeout: float = 60,
        num_retry_on_failure: int = 1,
        retry_interval: float = 3,
    ) -> list[str]: ...

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
    ) -> CommandResult | list[str]:
        """Run statements in the node's cqlsh, logged in as `cql_connection` is.

        Args:
            cmd: The statements, of one or several lines; quotes need no escaping.
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
        argv = self.cqlsh_argv()
        argv += ["--no-color", f"--connect-timeout={connect_timeout:g}", f"--request-timeout={timeout:g}"]
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
        """Run nodetool in the node. Begin and end of the call are an event where a fixture of events is in use.

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
            with self._observe(node=self.name, nodetool_command=f"{sub_cmd} {args}".strip(), options=options):
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
