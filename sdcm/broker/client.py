"""A worker's connection to the broker."""

import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from sdcm import errors
from sdcm.broker import protocol
from sdcm.errors import EnvironmentFailed

#: Seconds a broker may take from its start until its socket answers.
_APPEAR_DEADLINE = 30.0


class BrokerGone(EnvironmentFailed):
    """The broker's end of the connection is closed."""

    def __init__(self) -> None:
        super().__init__(
            "the broker is gone",
            why="its process ended while the run was on",
            mend="see broker.log in the run's folder (`sct.py env status` names it)",
        )


class BrokerClient:
    """One connection; requests are answered in order, so one thread asks at a time."""

    def __init__(self, socket_path: Path, worker: str, *, deadline: float = _APPEAR_DEADLINE) -> None:
        """Connect, waiting for a broker that is just starting.

        Args:
            socket_path: The broker's socket.
            worker: Name of the worker, or of whoever asks.
            deadline: Seconds to wait for the socket to answer.

        Raises:
            BrokerGone: Nothing answered in time.
        """
        self.socket_path = socket_path
        self.worker = worker
        self._lock = threading.Lock()
        self._socket = self._connect(deadline)
        self._stream: protocol.Stream = self._socket.makefile("rwb")
        self.welcome = self.ask("hello", worker=worker)

    def _connect(self, deadline: float) -> socket.socket:
        end = time.monotonic() + deadline
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(str(self.socket_path))
            except OSError as exc:
                connection.close()
                if time.monotonic() >= end:
                    raise BrokerGone from exc
                time.sleep(0.05)
            else:
                return connection

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Every wait behind a request has its own deadline in the broker, so none is set here.

        Raises:
            SctError: What the broker answered, as the type it was raised with.
            BrokerGone: The connection is closed.
        """
        with self._lock:
            try:
                protocol.send(self._stream, {"op": op, **arguments})
                answer = protocol.receive(self._stream)
            except (OSError, ValueError) as exc:
                raise BrokerGone from exc
        if answer is None:
            raise BrokerGone
        if "error" in answer:
            raise errors.from_record(answer["error"])
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    def close(self) -> None:
        """Close the connection; the broker ends this worker's leases."""
        self._stream.close()
        self._socket.close()

    def __enter__(self) -> "BrokerClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
