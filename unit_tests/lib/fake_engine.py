"""A Docker Engine that only remembers: the part of the Engine API that sdcm speaks, over a real unix socket."""

import io
import json
import re
import socketserver
import tarfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, Any]


class FakeEngine:
    """Holds images, containers, networks and volumes as the API lists them, and every request made.

    Attributes:
        requests: Each request as `METHOD /path`.
        images: Reference -> what inspecting it tells.
        pulls: Reference -> what a pull answers: an HTTP status and JSON lines; a list of such is used up one by one.
        registry: Reference -> what the registry says when only asked.
        build_output: JSON lines that a build answers with.
        built: For each build its query, its context's files, and the references it was given.
        imported: Bytes of the last imported archive.
        on_delete: Called after a container, network or volume was removed.
        events: What the event stream tells whoever asks next; then it ends.
        saved: What is given out as the archive of images; `saved_names` are those that were asked for.
        refusals: `METHOD /path` -> answers to give first, used up one by one.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fake.sock"
        self.host = f"unix://{self.path}"
        self.requests: list[str] = []
        self.images: dict[str, dict[str, Any]] = {}
        self.containers: list[dict[str, Any]] = []
        self.networks: list[dict[str, Any]] = []
        self.volumes: list[dict[str, Any]] = []
        self.pulls: dict[str, Any] = {}
        self.registry: dict[str, Answer] = {}
        self.build_output: list[dict[str, Any]] = [{"stream": "Step 1/1 : FROM base\n"}]
        self.built: list[dict[str, Any]] = []
        self.imported = b""
        self.saved = b""
        self.saved_names: list[str] = []
        self.import_query: dict[str, list[str]] = {}
        self.created: list[dict[str, Any]] = []
        self.refusals: dict[str, list[Answer]] = {}
        self.on_pull: Callable[[], None] = lambda: None
        self.on_delete: Callable[[], None] = lambda: None
        self.events: list[dict[str, Any]] = []
        self._count = 0
        handler = type("Handler", (_Handler,), {"engine": self})
        self._server = _Server(str(self.path), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering; the socket is gone afterwards."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.path.unlink(missing_ok=True)

    def add_image(self, reference: str, labels: dict[str, str] | None = None) -> str:
        """Put an image there and return its id."""
        self._count += 1
        number = f"sha256:{self._count:064x}"
        config = {"Labels": labels or {}}
        self.images[reference] = {"Id": number, "Config": config, "Size": 1000, "Created": self._count}
        return number

    def add_container(self, name: str, labels: dict[str, str], **inspected: Any) -> None:
        """Put a container there; `inspected` is what else inspecting it tells."""
        self.containers.append({"Id": f"id-{name}", "Names": [f"/{name}"], "Labels": labels, **inspected})

    def count(self, method: str, path: str) -> int:
        """Return how often a request was made."""
        return self.requests.count(f"{method} {path}")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 32


class _Handler(BaseHTTPRequestHandler):
    engine: FakeEngine
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        path = re.sub(r"^/v\d+\.\d+/", "/", unquote(parts.path))
        query = parse_qs(parts.query)
        try:
            body = self._body()
        except (OSError, ValueError):
            self.close_connection = True
            return
        name = f"{method} {path}"
        self.engine.requests.append(name)
        if self.engine.refusals.get(name):
            self._answer(*self.engine.refusals[name].pop(0))
            return
        self._answer(*self._route(method, path, query, body))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            chunks = []
            while size := int(self.rfile.readline() or b"?", 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, content: Any) -> None:
        if isinstance(content, bytes):
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        if isinstance(content, list) and content and "_stream" in content[0]:
            self._stream(status, [line["_stream"] for line in content])
            return
        data = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if data:
            self.wfile.write(data)

    def _stream(self, status: int, lines: list[dict[str, Any]]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            text = json.dumps(line).encode() + b"\r\n"
            self.wfile.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _route(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        for pattern, handle in _ROUTES:
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return handle(self.engine, query, body, *found.groups())
        return 404, {"message": f"page not found: {method} {path}"}


def _labelled(items: list[dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    wanted = json.loads(query.get("filters", ["{}"])[0]).get("label", [])

    def fits(labels: dict[str, str], label: str) -> bool:
        key, equals, value = label.partition("=")
        return key in labels and (not equals or labels[key] == value)

    return [item for item in items if all(fits(item.get("Labels") or {}, label) for label in wanted)]


def _image_list(engine: FakeEngine, query: dict[str, list[str]], body: bytes) -> Answer:
    listed = [
        {
            "Id": image["Id"],
            "RepoTags": [tag],
            "Labels": image["Config"]["Labels"],
            "Size": 1000,
            "Created": image["Created"],
        }
        for tag, image in engine.images.items()
    ]
    return 200, _labelled(listed, query)


def _inspect(engine: FakeEngine, query: dict[str, list[str]], body: bytes, reference: str) -> Answer:
    found = engine.images.get(reference)
    return (200, found) if found else (404, {"message": f"No such image: {reference}"})


def _tag(engine: FakeEngine, query: dict[str, list[str]], body: bytes, reference: str) -> Answer:
    name = f"{query['repo'][0]}:{query['tag'][0]}".removeprefix("docker.io/").removeprefix("library/")
    engine.images[name] = engine.images[reference]
    return 201, None


def _delete_image(engine: FakeEngine, query: dict[str, list[str]], body: bytes, reference: str) -> Answer:
    for tag, image in list(engine.images.items()):
        if reference in {tag, image["Id"]}:
            del engine.images[tag]
            return 200, []
    return 404, {"message": "no such image"}


def _create_image(engine: FakeEngine, query: dict[str, list[str]], body: bytes) -> Answer:
    if "fromSrc" in query:
        engine.imported, engine.import_query = body, query
        set_labels = [change[len("LABEL ") :] for change in query["changes"] if change.startswith("LABEL ")]
        labels = dict(text.replace('"', "").split("=") for text in set_labels)
        engine.add_image(f"{query['repo'][0]}:{query['tag'][0]}", labels)
        return 200, [{"_stream": {"status": "sha256:1"}}]
    name, tag = query["fromImage"][0], query["tag"][0]
    engine.on_pull()
    script = engine.pulls.get(f"{name}:{tag}", (404, {"message": f"manifest for {name}:{tag} not found"}))
    status, content = script.pop(0) if isinstance(script, list) else script
    if status == 200 and not any("error" in line for line in content):
        local = name if not name.startswith("docker.io/") else name.removeprefix("docker.io/").removeprefix("library/")
        engine.add_image(f"{local}:{tag}")
    return status, [{"_stream": line} for line in content] if status == 200 else content


def _save(engine: FakeEngine, query: dict[str, list[str]], body: bytes) -> Answer:
    engine.saved_names = query["names"]
    return 200, engine.saved


def _load(engine: FakeEngine, query: dict[str, list[str]], body: bytes) -> Answer:
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        member = tar.extractfile("manifest.json") or io.BytesIO(b"[]")
        for image in json.loads(member.read()):
            engine.add_image(image["RepoTags"][0], image.get("labels"))
    return 200, [{"_stream": {"stream": "Loaded image\n"}}]


def _distribution(engine: FakeEngine, query: dict[str, list[str]], body: bytes, reference: str) -> Answer:
    return engine.registry.get(reference, (404, {"message": "manifest unknown"}))


def _build(engine: FakeEngine, query: dict[str, list[str]], body: bytes) -> Answer:
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        files = {member.name: (tar.extractfile(member) or io.BytesIO()).read() for member in tar if member.isfile()}
    arguments = json.loads(query["buildargs"][0])
    engine.built.append({"query": query, "files": files, "arguments": arguments})
    if not any("error" in line for line in engine.build_output):
        engine.add_image(query["t"][0], json.loads(query["labels"][0]))
    return 200, [{"_stream": line} for line in engine.build_output]


def _containers(engine: FakeEngine, query: dict[str, list[str]], body: bytes) -> Answer:
    volumes = json.loads(query.get("filters", ["{}"])[0]).get("volume")
    found = _labelled(engine.containers, query)
    return 200, [each for each in found if not volumes or set(volumes) & set(each.get("Volumes", ()))]


def _container(engine: FakeEngine, query: dict[str, list[str]], body: bytes, name: str) -> Answer:
    found = next((each for each in engine.containers if name in {each["Id"], each["Names"][0][1:]}), None)
    return (200, found) if found else (404, {"message": "no such container"})


def _volume(engine: FakeEngine, query: dict[str, list[str]], body: bytes, name: str) -> Answer:
    found = next((each for each in engine.volumes if each["Name"] == name), None)
    return (200, found) if found else (404, {"message": "no such volume"})


def _events(engine: FakeEngine, query: dict[str, list[str]], body: bytes) -> Answer:
    told = engine.events[:]
    del engine.events[: len(told)]
    return 200, [{"_stream": event} for event in told]


def _create(engine: FakeEngine, query: dict[str, list[str]], body: bytes) -> Answer:
    engine.created.append(json.loads(body))
    engine.add_container(query["name"][0], engine.created[-1].get("Labels", {}))
    return 201, {"Id": query["name"][0]}


def _remove_from(kind: str) -> Callable[..., Answer]:
    def remove(engine: FakeEngine, query: dict[str, list[str]], body: bytes, name: str) -> Answer:
        items: list[dict[str, Any]] = getattr(engine, kind)
        for item in items:
            if name in {item.get("Id"), item.get("Name"), *[each.lstrip("/") for each in item.get("Names", [])]}:
                items.remove(item)
                engine.on_delete()
                return 204, None
        return 404, {"message": f"no such {kind}"}

    return remove


def _network(engine: FakeEngine, query: dict[str, list[str]], body: bytes, name: str) -> Answer:
    found = next((each for each in engine.networks if name in {each["Id"], each["Name"]}), None)
    return (200, found) if found else (404, {"message": "no such network"})


def _disconnect(engine: FakeEngine, query: dict[str, list[str]], body: bytes, name: str) -> Answer:
    status, network = _network(engine, query, body, name)
    if status == 200:
        network.get("Containers", {}).pop(json.loads(body)["Container"], None)
    return status, None


_ROUTES: tuple[tuple[str, Callable[..., Answer]], ...] = (
    ("GET /_ping", lambda *_: (200, None)),
    ("GET /version", lambda *_: (200, {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "20.10"})),
    ("GET /images/json", _image_list),
    ("GET /images/(.+)/json", _inspect),
    ("POST /images/create", _create_image),
    ("GET /images/get", _save),
    ("POST /images/load", _load),
    ("POST /images/(.+)/tag", _tag),
    ("DELETE /images/(.+)", _delete_image),
    ("GET /distribution/(.+)/json", _distribution),
    ("POST /build", _build),
    ("GET /containers/json", _containers),
    ("GET /containers/([^/]+)/json", _container),
    ("GET /volumes/([^/]+)", _volume),
    ("GET /events", _events),
    ("POST /containers/create", _create),
    ("POST /containers/[^/]+/start", lambda *_: (204, None)),
    ("POST /containers/[^/]+/kill", lambda *_: (204, None)),
    ("POST /containers/[^/]+/wait", lambda *_: (200, {"StatusCode": 0})),
    ("DELETE /containers/([^/]+)", _remove_from("containers")),
    ("GET /networks", lambda engine, query, _: (200, _labelled(engine.networks, query))),
    ("GET /networks/([^/]+)", _network),
    ("POST /networks/([^/]+)/disconnect", _disconnect),
    ("DELETE /networks/([^/]+)", _remove_from("networks")),
    ("GET /volumes", lambda engine, query, _: (200, {"Volumes": _labelled(engine.volumes, query)})),
    ("DELETE /volumes/([^/]+)", _remove_from("volumes")),
)
