"""Running a command inside a container, with a deadline that holds inside too."""

import contextlib
import struct
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sdcm.errors import SctError
from sdcm.exit_codes import ExitCode

if TYPE_CHECKING:
    from docker import APIClient

#: Seconds between the request to end and the end by force, and what the answer may take to come back.
_KILL_AFTER = 2
_GRACE = 8.0
_TAIL_LINES = 40
#: Exit statuses of `timeout`: it asked the command to end, or had to kill it.
_TIMED_OUT = (124, 137)
_STDERR = 2
#: Variable by which everything that one execution started is found again inside the container.
_MARK = "SCT_EXEC"
_KILL_MARKED = (
    f'for p in /proc/[0-9]*; do grep -qs "{_MARK}=$1" "$p/environ" && kill -9 "${{p#/proc/}}"; done 2>/dev/null; true'
)


@dataclass(frozen=True)
class CommandResult:
    """A command that has ended.

    Attributes:
        stdout: Its standard output as text.
        stderr: Its standard error as text.
        exit_status: Its exit status.
        duration: Seconds it took.
        command: What was run.
    """

    stdout: str
    stderr: str
    exit_status: int
    duration: float
    command: str

    @property
    def exited(self) -> int:
        """The exit status."""
        return self.exit_status

    @property
    def return_code(self) -> int:
        """The exit status."""
        return self.exit_status

    @property
    def ok(self) -> bool:
        """Whether it ended with status 0."""
        return self.exit_status == 0

    @property
    def failed(self) -> bool:
        """Whether it ended with another status than 0."""
        return self.exit_status != 0

    def tail(self) -> str:
        """Return the last lines of what it wrote."""
        return "\n".join(f"{self.stdout}\n{self.stderr}".strip().splitlines()[-_TAIL_LINES:])


class UnexpectedExit(SctError):
    """A command in a container ended with a status other than 0."""

    exit_code: ClassVar[ExitCode] = ExitCode.TESTS_FAILED

    def __init__(self, result: CommandResult, where: str) -> None:
        lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
        super().__init__(
            f"`{result.command}` in {where} ended with status {result.exit_status}",
            why=lines[-1] if lines else "it wrote nothing",
            evidence=result.tail(),
        )
        self.result = result


class CommandTimedOut(SctError):
    """A command in a container was killed because its time was up."""

    exit_code: ClassVar[ExitCode] = ExitCode.TESTS_FAILED

    def __init__(self, result: CommandResult, where: str, timeout: float, why: str = "") -> None:
        super().__init__(
            f"`{result.command}` in {where} did not end within {timeout:g} s", why=why, evidence=result.tail()
        )
        self.result = result


class _NotEnded(Exception):
    """The engine sent no end of the output in time."""


@dataclass(frozen=True)
class Execution:
    """A command to be run in a container.

    Attributes:
        argv: Program and arguments.
        shown: How it is named in messages and results.
        timeout: Seconds, after which it is killed inside the container.
        user: Who runs it; the image's own user when empty.
        environment: Variables it gets.
        on_output: Called with each piece of output as it comes, and whether that is standard error.
    """

    argv: tuple[str, ...]
    shown: str
    timeout: float
    user: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    on_output: Callable[[bytes, bool], None] | None = None

    def perform(self, api: "APIClient", container_id: str, where: str) -> CommandResult:
        """Run the command and wait for its end.

        `timeout` of the coreutils, inside the container, ends the command with everything it started. Should no
        word of that come back (the container is paused, the engine stuck), the wait ends all the same.

        Raises:
            CommandTimedOut: Its time was up.
            docker.errors.APIError: The engine refused to run it.
        """
        started = time.monotonic()
        argv = ["timeout", "-k", str(_KILL_AFTER), f"{self.timeout:g}", *self.argv]
        mark = uuid.uuid4().hex
        environment = {**dict(self.environment), _MARK: mark}
        created = api.exec_create(container_id, argv, user=self.user, environment=environment)
        output: tuple[list[bytes], list[bytes]] = ([], [])
        try:
            self._follow(api.exec_start(created["Id"], socket=True), output, started + self.timeout + _GRACE)
            status = _exit_status(api, created["Id"], started + self.timeout + _GRACE)
        except _NotEnded:
            result = self._result(output, -1, started)
            raise CommandTimedOut(result, where, self.timeout, "the container does not answer; is it paused?") from None
        except BaseException as exc:
            # The wait was cut short, by the test's deadline for example; `timeout` would let the command run on.
            _kill_marked(api, container_id, mark)
            if said := self._result(output, -1, started).tail():
                exc.add_note(f"`{self.shown}` in {where} had written:\n{said}")
            raise
        result = self._result(output, status, started)
        if result.exit_status in _TIMED_OUT and result.duration >= self.timeout:
            raise CommandTimedOut(result, where, self.timeout)
        return result

    def _result(self, output: tuple[list[bytes], list[bytes]], status: int, started: float) -> CommandResult:
        out, err = (b"".join(parts).decode(errors="replace") for parts in output)
        return CommandResult(out, err, status, time.monotonic() - started, self.shown)

    def _follow(self, stream: Any, output: tuple[list[bytes], list[bytes]], deadline: float) -> None:
        """Read frames (a header of 8 bytes: stream, 3 zeros, length) until the engine closes the stream."""
        reader = _FrameReader(stream, deadline)
        try:
            while header := reader.read(8, at_end_ok=True):
                kind, length = struct.unpack(">BxxxL", header)
                data = reader.read(length)
                is_stderr = kind == _STDERR
                output[is_stderr].append(data)
                if self.on_output is not None:
                    self.on_output(data, is_stderr)
        finally:
            reader.close()


def _kill_marked(api: "APIClient", container_id: str, mark: str) -> None:
    """Kill what an execution started, in the background of the engine; a container that has ended needs none of it."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    with contextlib.suppress(DockerException, RequestException):
        killer = api.exec_create(container_id, ["/bin/sh", "-c", _KILL_MARKED, "sh", mark], user="root")
        api.exec_start(killer["Id"], detach=True)


def _exit_status(api: "APIClient", exec_id: str, deadline: float) -> int:
    """Return the exit status; the engine may write it down a moment after it has closed the output."""
    while (status := api.exec_inspect(exec_id)["ExitCode"]) is None:
        if time.monotonic() >= deadline:
            raise _NotEnded
        time.sleep(0.02)
    return int(status)


class _FrameReader:
    """Reads exact numbers of bytes from what docker's client gives for a hijacked connection, with a deadline.

    docker's own reader has none, and reads past the buffer in which the first bytes of a fast command's output may
    already have arrived together with the response's header.
    """

    def __init__(self, stream: Any, deadline: float) -> None:
        self._stream = stream
        self._socket = getattr(stream, "_sock", stream)
        response = getattr(stream, "_response", None)
        self._buffered = None if response is None else response.raw._fp.fp
        self._deadline = deadline

    def read(self, size: int, *, at_end_ok: bool = False) -> bytes:
        data = b""
        while len(data) < size:
            part = self._receive(size - len(data))
            if not part:
                if at_end_ok and not data:
                    return b""
                raise _NotEnded
            data += part
        return data

    def _receive(self, size: int) -> bytes:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _NotEnded
        self._socket.settimeout(left)
        try:
            if self._buffered is not None:
                return bytes(self._buffered.read1(size))
            return bytes(self._socket.recv(size))
        except TimeoutError:
            raise _NotEnded from None

    def close(self) -> None:
        response = getattr(self._stream, "_response", None)
        if response is not None:
            response.close()
        self._stream.close()
