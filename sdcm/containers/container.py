"""A running container as tests use it: commands, files, and whether something listens in it."""

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from sdcm.containers import archive
from sdcm.containers.engine_client import reason
from sdcm.containers.execution import CommandResult, Execution, UnexpectedExit
from sdcm.containers.handle import ContainerHandle
from sdcm.containers.output import OutputLines
from sdcm.errors import EnvironmentFailed
from sdcm.wait import no_use

LOGGER = logging.getLogger(__name__)
#: Seconds for a command that is given no time of its own.
RUN_SECONDS = 600.0
_RETRY_PAUSE = 1.0
_CONNECT_SECONDS = 2.0
_LISTENING = "0A"


class Container(ContainerHandle):
    """One container on one engine, its inside included; safe to use from several threads."""

    def run(
        self,
        cmd: str,
        timeout: float | None = None,
        ignore_status: bool = False,
        verbose: bool = True,
        log_file: str | Path | None = None,
        retry: int = 1,
        watchers: Sequence[Callable[[str], None]] = (),
        timestamp_logs: bool = False,
        user: str = "root",
    ) -> CommandResult:
        """Run a line of shell (`/bin/sh -c`) in the container.

        Args:
            cmd: The line.
            timeout: Seconds, after which everything it started is killed inside the container; `RUN_SECONDS` when
                none are given.
            ignore_status: Do not raise for a status other than 0.
            verbose: Log the line and its end.
            log_file: File on this machine that output is appended to as it comes.
            retry: How often to try in all, a second apart.
            watchers: Called with each line of output as it comes.
            timestamp_logs: Put the time before each line in `log_file`.
            user: Who runs it.

        Raises:
            UnexpectedExit: It ended with a status other than 0.
            CommandTimedOut: Its time was up.
            EnvironmentFailed: The container does not run.
        """
        if verbose:
            LOGGER.info("%s: %s", self.name, cmd)
        with contextlib.ExitStack() as stack:
            sink = stack.enter_context(Path(log_file).open("ab")) if log_file is not None else None
            lines = OutputLines(sink, watchers, timestamp_logs)
            for tries_left in range(max(1, retry) - 1, -1, -1):
                result = self.execute(
                    ["/bin/sh", "-c", cmd],
                    shown=cmd,
                    timeout=timeout or RUN_SECONDS,
                    ignore_status=ignore_status or tries_left > 0,
                    user=user,
                    on_output=lines.take if sink is not None or watchers else None,
                )
                lines.finish()
                if result.ok or not tries_left:
                    break
                time.sleep(_RETRY_PAUSE)
        if verbose:
            LOGGER.info("%s: ended with status %d after %.1f s", self.name, result.exit_status, result.duration)
        return result

    def execute(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        shown: str = "",
        ignore_status: bool = False,
        user: str = "root",
        on_output: Callable[[bytes, bool], None] | None = None,
    ) -> CommandResult:
        """Run a program in the container, without a shell.

        Args:
            argv: Program and arguments.
            timeout: Seconds, after which it is killed inside the container.
            shown: How messages name it, where the arguments are long or hold a secret.
            ignore_status: Do not raise for a status other than 0.
            user: Who runs it; the image's own user when empty.
            on_output: Called with each piece of output and whether it is standard error.

        Raises:
            UnexpectedExit: It ended with a status other than 0.
            CommandTimedOut: Its time was up.
            EnvironmentFailed: The container does not run.
        """
        execution = Execution(tuple(argv), shown or " ".join(argv), timeout, user=user, on_output=on_output)
        try:
            with self.engine_errors("run a command"):
                result = execution.perform(self.api, self.docker_id, self.name)
        except EnvironmentFailed:
            self._tell_if_ended()
            raise
        if result.failed and not ignore_status:
            raise UnexpectedExit(result, self.name)
        return result

    def send_files(self, src: str | Path, dst: str) -> bool:
        """Copy a file or folder of this machine into the container, owned by root; parents of `dst` are made.

        Args:
            src: What to copy.
            dst: Existing folder to put it into, or the path to give it.

        Returns:
            True.

        Raises:
            FileNotFoundError: There is no `src`.
            EnvironmentFailed: The container does not run.
        """
        source = Path(src)
        is_folder = dst.endswith("/") or self.execute(["test", "-d", dst], timeout=10, ignore_status=True).ok
        target = PurePosixPath(dst) / source.name if is_folder else PurePosixPath(dst)
        if not target.is_absolute():
            target = PurePosixPath(self.handle.attrs["Config"]["WorkingDir"] or "/") / target
        self.execute(["mkdir", "-p", str(target.parent)], timeout=10)
        with self.engine_errors(f"take {source}"):
            self.handle.put_archive("/", archive.of_path(source, str(target)))
        return True

    def receive_files(self, src: str, dst: str | Path) -> bool:
        """Copy a file or folder of the container to this machine; the caller owns the copy. Works on stopped ones too.

        Args:
            src: Path inside.
            dst: Existing folder to put it into, or the path to give it; parents are made.

        Returns:
            True.

        Raises:
            FileNotFoundError: There is no `src`.
            EnvironmentFailed: The container is gone.
        """
        from docker.errors import NotFound

        with self.engine_errors(f"give {src}"):
            try:
                chunks, _ = self.handle.get_archive(src)
            except NotFound as exc:
                raise FileNotFoundError(f"{src} in {self.name}: {reason(exc)}") from exc
            archive.unpack(chunks, src, Path(dst))
        return True

    def is_port_used(self, port: int | str, service_name: str) -> bool:
        """Whether something inside the container listens on `port`; never raises.

        The published port is no witness, since Docker's proxy accepts connections for a dead service too: asked are
        the container's own address, or, where that cannot be reached from here, the container's list of sockets.

        Args:
            port: Port inside.
            service_name: What is expected there, for the log.
        """
        try:
            used = self._listens(int(port))
        except Exception as exc:  # noqa: BLE001 - callers poll this while the container comes and goes
            LOGGER.debug("%s: cannot tell whether %s listens on port %s: %s", self.name, service_name, port, exc)
            self._tell_if_ended()
            return False
        LOGGER.debug("%s: %s %s on port %s", self.name, service_name, "listens" if used else "does not listen", port)
        if not used:
            self._tell_if_ended()
        return used

    def _tell_if_ended(self) -> None:
        """End a wait around the caller that waits for a container which has ended by itself."""
        if (ended := self.given_up()) is not None:
            no_use(ended)

    def _listens(self, port: int) -> bool:
        if self.publish_host == "127.0.0.1":
            try:
                socket.create_connection((self.ip_address, port), _CONNECT_SECONDS).close()
            except ConnectionRefusedError:
                return False
            except OSError:
                pass
            else:
                return True
        sockets = self.execute(["cat", "/proc/net/tcp", "/proc/net/tcp6"], timeout=10, ignore_status=True)
        rows = (line.split() for line in sockets.stdout.splitlines())
        return any(
            len(row) > 3 and row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port
            for row in rows
            if row[:1] != ["sl"]
        )
