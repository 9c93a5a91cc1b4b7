"""A server that speaks as much CQL as a login takes."""

import contextlib
import socketserver
import struct
import threading
from collections.abc import Iterator

ERROR, STARTUP, READY, AUTHENTICATE, OPTIONS, SUPPORTED, AUTH_RESPONSE, AUTH_SUCCESS = (
    0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x0F, 0x10,
)  # fmt: skip


class FakeCql:
    """What the server does and what it was asked.

    Attributes:
        asks_login: Whether it wants a login.
        refusals: So many logins are refused before one is taken.
        closes: So many connections are closed at once, as Docker's proxy does for a node that still boots.
        opcodes: Opcodes that came in, in order.
        tokens: Login tokens that came in.
        port: Where it listens on the loopback.
    """

    def __init__(self, *, asks_login: bool = True, refusals: int = 0, closes: int = 0) -> None:
        self.asks_login = asks_login
        self.refusals = refusals
        self.closes = closes
        self.opcodes: list[int] = []
        self.tokens: list[bytes] = []
        self.port = 0

    @contextlib.contextmanager
    def serving(self) -> Iterator["FakeCql"]:
        """Serve for the time of the block."""
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler()) as server:
            server.daemon_threads = True
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def answer(self, opcode: int, body: bytes) -> tuple[int, bytes]:
        """Return opcode and body of the answer to one frame."""
        self.opcodes.append(opcode)
        if opcode == OPTIONS:
            return SUPPORTED, b"\0\0"
        if opcode == STARTUP:
            return (AUTHENTICATE, b"\0\1x") if self.asks_login else (READY, b"")
        self.tokens.append(body[4:])
        if self.refusals:
            self.refusals -= 1
            text = b"Provided username and/or password are incorrect"
            return ERROR, struct.pack(">iH", 0x0100, len(text)) + text
        return AUTH_SUCCESS, b"\xff\xff\xff\xff"

    def _handler(self) -> type[socketserver.StreamRequestHandler]:
        fake = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if fake.closes:
                    fake.closes -= 1
                    return
                while header := self.rfile.read(9):
                    opcode, length = struct.unpack(">4xBi", header)
                    kind, body = fake.answer(opcode, self.rfile.read(length))
                    self.wfile.write(struct.pack(">BBhBi", 0x84, 0, 0, kind, len(body)) + body)

        return Handler
