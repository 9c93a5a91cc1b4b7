"""The broker's socket: one thread a connection, each request handled by the desk."""

import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sdcm.broker import protocol
from sdcm.errors import EnvironmentFailed, SctError


class Desk(Protocol):
    """What answers requests."""

    def handle(self, worker: str, op: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer one request of a worker."""

    def left(self, worker: str) -> None:
        """End the leases of a worker whose connection closed."""


class Server:
    """Listens on a socket (0600) until closed."""

    def __init__(self, socket_path: Path, desk: Desk) -> None:
        """Listen at once; answer after `start`."""
        self.socket_path = socket_path
        self._desk = desk
        self._count = 0
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(socket_path))
        socket_path.chmod(0o600)
        self._listener.listen(64)

    def start(self) -> None:
        """Accept connections in the background."""
        threading.Thread(target=self._accept, name="broker-accept", daemon=True).start()

    def close(self) -> None:
        """Accept no more; open connections end with the process."""
        self._listener.close()
        self.socket_path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._count += 1
            threading.Thread(
                target=self._serve, args=(connection, f"connection-{self._count}"), name="broker-serve", daemon=True
            ).start()

    def _serve(self, connection: socket.socket, worker: str) -> None:
        """Serve one connection; its name is made unique, as two runs may share a kept broker."""
        number = worker
        with connection, connection.makefile("rwb") as stream:
            try:
                while (request := protocol.receive(stream)) is not None:
                    op = str(request.pop("op", ""))
                    if op == "hello":
                        worker = f"{request.get('worker', '?')}/{number}"
                    protocol.send(stream, self._answer(worker, op, request))
            except (OSError, ValueError):
                pass  # The worker is gone, perhaps in the middle of a line; `left` says what follows.
            finally:
                self._desk.left(worker)

    def _answer(self, worker: str, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {"result": dict(self._desk.handle(worker, op, arguments))}
        except SctError as exc:
            return {"error": exc.to_record()}
        except Exception as exc:  # noqa: BLE001 - the asking test reports a defect of the broker
            import traceback

            failure = EnvironmentFailed(f"the broker failed on `{op}`", why=repr(exc), evidence=traceback.format_exc())
            return {"error": failure.to_record()}
