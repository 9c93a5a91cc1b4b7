"""The broker's socket: a thread that listens to each connection, and one for each request, handled by the desk."""

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sdcm.broker import protocol
from sdcm.broker.asking import Asking
from sdcm.errors import EnvironmentFailed, SctError

#: Why a connection cannot be taken in for now, see accept(2), and seconds until the next try.
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED, errno.EINTR})
_AGAIN = 0.1


class Desk(Protocol):
    """What answers requests."""

    def handle(self, worker: str, op: str, arguments: Mapping[str, Any], asking: Asking) -> Mapping[str, Any]:
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
        self._lock = threading.Lock()
        self._open: set[str] = set()
        self._retired = False
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(socket_path))
        socket_path.chmod(0o600)
        self._listener.listen(64)

    def start(self) -> None:
        """Accept connections in the background."""
        threading.Thread(target=self._accept, name="broker-accept", daemon=True).start()

    def retire(self) -> bool:
        """Take no more connections, unless somebody is connected; say whether that is so.

        A run that uses a kept environment is connected from its first look at it to its end, also between two tests.
        """
        with self._lock:
            self._retired = self._retired or not self._open
            return self._retired

    def close(self) -> None:
        """Accept no more; open connections end with the process."""
        self._listener.close()
        self.socket_path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError as exc:
                if exc.errno not in _PASSING:
                    return
                time.sleep(_AGAIN)
                continue
            with self._lock:
                self._count += 1
                name = f"connection-{self._count}"
                if self._retired:
                    connection.close()
                    continue
                self._open.add(name)
            threading.Thread(target=self._serve, args=(connection, name), name="broker-serve", daemon=True).start()

    def _serve(self, connection: socket.socket, number: str) -> None:
        """Listen to one connection; its worker's name is made unique, as two runs may share a kept broker.

        It goes on listening while a request is handled, so that a worker's death is noticed at once.
        """
        pending: list[Asking] = []
        # Closing a stream sends what an answer left in its buffer, to a worker that may be gone.
        with contextlib.suppress(OSError, ValueError), connection, connection.makefile("rwb") as stream:
            worker = number
            try:
                while (request := protocol.receive(stream)) is not None:
                    op = str(request.pop("op", ""))
                    if op == "hello":
                        worker = f"{request.get('worker', '?')}/{number}"
                    asking = Asking()
                    pending.append(asking)
                    threading.Thread(
                        target=self._reply,
                        args=(stream, worker, op, request, asking, pending),
                        name=f"broker-{op}",
                        daemon=True,
                    ).start()
            except (OSError, ValueError):
                pass  # The worker is gone, perhaps in the middle of a line; what follows is the same.
            finally:
                with self._lock:
                    self._open.discard(number)
                self._desk.left(worker)
                for asking in tuple(pending):  # those answered meanwhile leave it
                    asking.give_up()

    def _reply(
        self,
        stream: protocol.Stream,
        worker: str,
        op: str,
        request: Mapping[str, Any],
        asking: Asking,
        pending: list[Asking],
    ) -> None:
        answer = self._answer(worker, op, request, asking)
        with contextlib.suppress(OSError, ValueError):  # the worker is gone
            protocol.send(stream, answer)
        pending.remove(asking)

    def _answer(self, worker: str, op: str, arguments: Mapping[str, Any], asking: Asking) -> dict[str, Any]:
        try:
            return {"result": dict(self._desk.handle(worker, op, arguments, asking))}
        except SctError as exc:
            return {"error": exc.to_record()}
        except Exception as exc:  # noqa: BLE001 - the asking test reports a defect of the broker
            import traceback

            failure = EnvironmentFailed(f"the broker failed on `{op}`", why=repr(exc), evidence=traceback.format_exc())
            return {"error": failure.to_record()}
