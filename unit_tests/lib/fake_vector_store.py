"""A Vector Store on the loopback: the HTTP API as it is documented, over vectors held in memory.

Follows api/openapi.json of github.com/scylladb/vector-store at 3.0.0; with `release="0.3"` the older addresses alone.
"""

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class FakeVectorStore:
    """Serves the API while its `with` block is open.

    Attributes:
        states: What `/status` answers, one after another; the last one stays.
        vectors: (keyspace, index) to primary key and vector of each row.
        building: Indexes that are still being built.
        canned: Path to an answer of its own: status and raw body.
        requests: Method and path of each request.
    """

    def __init__(self, release: str = "3.0") -> None:
        self.release = release
        self.states = ["SERVING"]
        self.vectors: dict[tuple[str, str], dict[int, list[float]]] = {}
        self.building: set[tuple[str, str]] = set()
        self.canned: dict[str, tuple[int, str]] = {}
        self.requests: list[tuple[str, str]] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer("GET", None)

            def do_POST(self) -> None:
                self._answer("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def _answer(self, method: str, body: Any) -> None:
                store.requests.append((method, self.path))
                status, text = store.answer(method, self.path, body)
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: Any) -> tuple[int, str]:
        if path in self.canned:
            return self.canned[path]
        match (method, path.removeprefix("/api/v1/").split("/")):
            case ("GET", ["status"]):
                return 200, json.dumps(self.states.pop(0) if len(self.states) > 1 else self.states[0])
            case ("GET", ["info"]):
                return 200, json.dumps({"version": self.release, "service": "vector-store", "engine": "usearch-2"})
            case ("GET", ["indexes"]):
                return 200, json.dumps([{"keyspace": k, "index": i, "data_type": "F32"} for k, i in self.vectors])
            case (_, ["indexes", keyspace, index, what]):
                return self._of_index(method, (keyspace, index), what, body)
        return 404, json.dumps("no such address")

    def _of_index(self, method: str, index: tuple[str, str], what: str, body: Any) -> tuple[int, str]:
        old = self.release.startswith("0.")
        if index not in self.vectors or what == ("status" if old else "count"):
            return 404, json.dumps(f"missing index: {'.'.join(index)}")
        rows = self.vectors[index]
        if (method, what) == ("GET", "status"):
            return 200, json.dumps(
                {"status": "BOOTSTRAPPING" if index in self.building else "SERVING", "count": len(rows)}
            )
        if (method, what) == ("GET", "count"):
            return 200, json.dumps(len(rows))
        if index in self.building:
            return 503, json.dumps({"reason": "INDEX_BUILDING", "message": "30 %"})
        if any(len(vector) != len(body["vector"]) for vector in rows.values()):
            return 400, json.dumps("wrong embedding dimension")
        near = sorted((math.dist(vector, body["vector"]) ** 2, key) for key, vector in rows.items())
        near = near[: body.get("limit", 1)]
        return 200, json.dumps(
            {"primary_keys": {"id": [key for _, key in near]}, "distances": [distance for distance, _ in near]}
        )
