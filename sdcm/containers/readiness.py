"""Whether a node is ready, asked in the database's own protocol and without a driver.

A connect to a published port says nothing: Docker's proxy accepts it before anything listens behind it. A node is
ready when it answers OPTIONS and lets its user log in. The frames are few enough to write by hand, which spares the
broker the driver's 0.3 s of import and its threads.
"""

import contextlib
import http.client
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sdcm.errors import DeadlinePassed

#: Version 4 of the protocol, which both flavours speak.
_VERSION = 4
_ERROR, _STARTUP, _READY, _AUTHENTICATE, _OPTIONS, _SUPPORTED, _AUTH_RESPONSE, _AUTH_SUCCESS = (
    0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x0F, 0x10,
)  # fmt: skip
#: Error code of the protocol.
_BAD_CREDENTIALS = 0x0100
_STEP = 0.1
#: Seconds between looks at the container while its port still accepts connections.
_LOOK_EVERY = 2.0
_TRY_TIMEOUT = 5.0

T = TypeVar("T")


class NotReady(Exception):
    """One try found the node not ready."""

    def __init__(self, why: str, *, refused: bool = False, bad_login: bool = False) -> None:
        super().__init__(why)
        self.refused = refused
        self.bad_login = bad_login


@dataclass(frozen=True)
class CqlProbe:
    """Asks one node for a login.

    Attributes:
        host: Where its CQL port is published.
        port: The published port.
        username: Who logs in, should the node ask.
        password: Their password.
        tls: How to talk TLS, where the port speaks it.
    """

    host: str
    port: int
    username: str
    password: str
    tls: ssl.SSLContext | None = None

    def ask(self, timeout: float = _TRY_TIMEOUT) -> bool:
        """Return whether the node asks for a login; it is ready then.

        Raises:
            NotReady: It is not, with the reason.
        """
        try:
            with self._connect(timeout) as connection:
                return self._log_in(connection)
        except ConnectionRefusedError:
            raise NotReady("nothing listens on the CQL port", refused=True) from None
        except (OSError, EOFError) as exc:
            raise NotReady(f"no answer in CQL yet ({exc})") from exc

    def _connect(self, timeout: float) -> socket.socket:
        plain = socket.create_connection((self.host, self.port), timeout)
        if self.tls is None:
            return plain
        try:
            return self.tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def _log_in(self, connection: socket.socket) -> bool:
        if _exchange(connection, _OPTIONS, b"") != _SUPPORTED:
            raise NotReady("it does not answer OPTIONS")
        answer = _exchange(connection, _STARTUP, _string_map({"CQL_VERSION": "3.0.0"}))
        if answer == _READY:
            return False
        if answer != _AUTHENTICATE:
            raise NotReady(f"it answers STARTUP with opcode {answer}")
        token = f"\0{self.username}\0{self.password}".encode()
        if _exchange(connection, _AUTH_RESPONSE, struct.pack(">i", len(token)) + token) != _AUTH_SUCCESS:
            raise NotReady(f"the login of {self.username} was not accepted")
        return True


def _string_map(values: dict[str, str]) -> bytes:
    parts = [struct.pack(">H", len(values))]
    parts += [struct.pack(">H", len(text)) + text.encode() for pair in values.items() for text in pair]
    return b"".join(parts)


def _exchange(connection: socket.socket, opcode: int, body: bytes) -> int:
    """Send one frame and return the opcode of the answer."""
    connection.sendall(struct.pack(">BBhBi", _VERSION, 0, 0, opcode, len(body)) + body)
    _, _, _, answer, length = struct.unpack(">BBhBi", _read(connection, 9))
    payload = _read(connection, length)
    if answer == _ERROR:
        code = int.from_bytes(payload[:4], "big")
        raise NotReady(payload[6:].decode(errors="replace"), bad_login=code == _BAD_CREDENTIALS)
    return int(answer)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError("connection closed")
        data += part
    return data


def ask_http(host: str, port: int, timeout: float = _TRY_TIMEOUT, *, any_status: bool = False) -> None:
    """Return when an HTTP service (Alternator) answers a request for `/` with 200.

    Args:
        host: Where it is published.
        port: The published port.
        timeout: Seconds.
        any_status: Whether any answer will do, from a service that wants a signature for example.

    Raises:
        NotReady: It does not.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/")
            status = connection.getresponse().status
        except ConnectionRefusedError:
            raise NotReady(f"nothing listens on port {port}", refused=True) from None
        except (OSError, http.client.HTTPException) as exc:
            raise NotReady(f"no answer on port {port} yet ({exc})") from exc
    if status != http.client.OK and not any_status:
        raise NotReady(f"port {port} answers with status {status}")


@dataclass(frozen=True)
class Waiting:
    """The time that a node has to become ready.

    Attributes:
        deadline: Seconds in all.
        started: When they began, on the monotonic clock.
    """

    deadline: float
    started: float = field(default_factory=time.monotonic)

    def until_ready(
        self,
        probe: Callable[[float], T],
        *,
        what: str,
        check_alive: Callable[[], None],
        evidence: Callable[[], str],
    ) -> T:
        """Try `probe` until it returns, and return what it does.

        Args:
            probe: One try within so many seconds; raises `NotReady`.
            what: What did not happen, for the error.
            check_alive: Raises when waiting is no use any more, because the container has ended.
            evidence: Gives the tail of the container's log for the error.

        Raises:
            DeadlinePassed: The time is up.
            SctError: Whatever `check_alive` raises.
        """
        looked = time.monotonic()
        while True:
            left = self.started + self.deadline - time.monotonic()
            try:
                return probe(min(_TRY_TIMEOUT, max(_STEP, left)))
            except NotReady as exc:
                last = exc
            now = time.monotonic()
            # A look costs a request to the engine: taken when the port is closed, which it is once the container
            # has ended, else only now and then.
            if last.refused or now - looked >= _LOOK_EVERY:
                check_alive()
                looked = now
            left = self.started + self.deadline - now
            if left <= 0:
                raise DeadlinePassed(f"{what} within {self.deadline:g} s", why=f"last: {last}", evidence=evidence())
            time.sleep(min(_STEP, left))
