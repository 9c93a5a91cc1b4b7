"""A worker's connection to the broker."""

import contextlib
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from sdcm import errors
from sdcm.broker import obituary, protocol
from sdcm.errors import EnvironmentFailed, SctError
from sdcm.real_time import RealTime

#: Seconds a broker may take from its start until its socket answers.
_APPEAR_DEADLINE = 30.0
#: Seconds for a broker that answered a moment ago to take a second connection.
_RESUME_DEADLINE = 5.0
_RETRY = 0.05


class BrokerGone(EnvironmentFailed):
    """The broker's end of the connection is closed, or was never there."""

    def __init__(self, runtime: Path) -> None:
        """Say why, as far as the run's runtime directory tells."""
        log = obituary.log_of(runtime)
        super().__init__(
            "the broker is gone",
            why=obituary.why_ended(runtime) or "its end of the connection is closed",
            mend=f"see {log}" if log else "`sct.py env status` shows what is up",
        )


class BrokerClient:
    """One connection; requests are answered in order, so one thread asks at a time."""

    def __init__(
        self,
        socket_path: Path,
        worker: str,
        *,
        deadline: float = _APPEAR_DEADLINE,
        during: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """Connect, waiting for a broker that is just starting.

        Args:
            socket_path: The broker's socket.
            worker: Name of the worker, or of whoever asks.
            deadline: Seconds to wait for the socket to answer.
            during: Entered for the time of each request, whose waits the broker bounds.

        Raises:
            BrokerGone: Nothing answered in time, or its process has ended; says why it did.
        """
        self.socket_path = socket_path
        self.worker = worker
        self._lock = threading.Lock()
        self._during = during
        self._socket = self._connect(deadline)
        self._stream: protocol.Stream = self._socket.makefile("rwb")
        self.welcome: dict[str, Any] = {}
        try:
            self.welcome = self._exchange("hello", worker=worker)
        except BaseException:
            self.close()
            raise

    def _connect(self, deadline: float) -> socket.socket:
        end = RealTime.monotonic() + deadline
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(self.socket_path))
            except OSError as exc:
                connection.close()
                if RealTime.monotonic() >= end or obituary.why_ended(self.socket_path.parent) is not None:
                    raise BrokerGone(self.socket_path.parent) from exc
                RealTime.sleep(_RETRY)
            else:
                return connection

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Every wait behind a request has its own deadline in the broker, so none is set here. An exception that comes
        from outside meanwhile (Ctrl-C, a test's deadline) gives the request up; leases and later requests are not
        touched by it.

        Raises:
            SctError: What the broker answered, as the type it was raised with.
            BrokerGone: The connection is closed.
        """
        with self._lock, self._during():
            return self._exchange(op, **arguments)

    def _exchange(self, op: str, **arguments: Any) -> dict[str, Any]:
        try:
            protocol.send(self._stream, {"op": op, **arguments})
            answer = protocol.receive(self._stream)
        except (OSError, ValueError) as exc:
            raise BrokerGone(self.socket_path.parent) from exc
        except BaseException:
            self._resume()
            raise
        if answer is None:
            raise BrokerGone(self.socket_path.parent)
        if "error" in answer:
            raise errors.from_record(answer["error"])
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    def _resume(self) -> None:
        """Go on with a new connection that takes the leases over.

        The old one may have stopped in the middle of a line, or its answer may still come, to be taken for that of
        the next request.
        """
        old_stream, old_socket = self._stream, self._socket
        try:
            with contextlib.suppress(SctError):
                self._socket = self._connect(_RESUME_DEADLINE)
                self._stream = self._socket.makefile("rwb")
                self.welcome = self._exchange("hello", worker=self.worker, resume=self.welcome.get("name", ""))
        finally:
            with contextlib.suppress(OSError):
                old_stream.close()
            old_socket.close()

    def close(self) -> None:
        """Close the connection; the broker ends this worker's leases."""
        with contextlib.suppress(OSError):
            self._stream.close()
        self._socket.close()

    def __enter__(self) -> "BrokerClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
