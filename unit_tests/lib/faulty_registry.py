"""A registry in this process that holds one image and serves it badly, as it is told to."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_PIECE = 64 * 1024


class FaultyRegistry:
    """Serves `sct/faulty:1` on 127.0.0.1.

    Attributes:
        fault: `""`, `unauthorised`, `slow` (the layer in pieces, `pause` seconds apart), `stalled` (a piece, then
            nothing), `gone` (a piece, then nobody listens any more) or `digest` (a layer other than promised).
        pause: Seconds between two pieces.
        asked: Paths that were asked for.
    """

    def __init__(self, megabytes: int = 1) -> None:
        self.fault = ""
        self.pause = 0.1
        self.asked: list[str] = []
        self.released = threading.Event()
        self._layer, diff = _layer(megabytes)
        self._config = json.dumps(
            {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff]}}
        ).encode()
        self._manifest = json.dumps({
            "schemaVersion": 2, "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "size": len(self._config), "digest": _digest(self._config)},
            "layers": [{"mediaType": _LAYER, "size": len(self._layer), "digest": _digest(self._layer)}],
        }).encode()  # fmt: skip
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                return

            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                try:
                    registry.serve(self)
                except OSError:
                    self.close_connection = True

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="sct-registry").start()
        self.address = f"127.0.0.1:{self._server.server_port}"
        self.reference = f"{self.address}/sct/faulty:1"

    def close(self) -> None:
        """Serve nothing more."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        self.asked.append(request.path)
        if self.fault == "unauthorised":
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="registry"')
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif "/manifests/" in request.path:
            self._send(request, self._manifest, _MANIFEST)
        elif request.path.endswith(_digest(self._config)):
            self._send(request, self._config, "application/octet-stream")
        elif "/blobs/" in request.path:
            self._send_layer(request)
        else:
            self._send(request, b"{}", "application/json")

    def _send(self, request: BaseHTTPRequestHandler, content: bytes, kind: str) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(content)))
        request.send_header("Docker-Content-Digest", _digest(content))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(content)

    def _send_layer(self, request: BaseHTTPRequestHandler) -> None:
        content = self._layer if self.fault != "digest" else bytes(len(self._layer))
        request.send_response(200)
        request.send_header("Content-Type", "application/octet-stream")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        for start in range(0, len(content), _PIECE):
            request.wfile.write(content[start : start + _PIECE])
            if self.fault == "slow":
                time.sleep(self.pause)
            elif self.fault == "stalled":
                self.released.wait(60)
            elif self.fault == "gone":
                request.close_connection = True
                threading.Thread(target=self.close, daemon=True, name="sct-registry-end").start()
                return


def _layer(megabytes: int) -> tuple[bytes, str]:
    """Return a compressed layer that no engine has seen, and the digest of its content."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        info = tarfile.TarInfo("random")
        info.size = megabytes * 1_000_000
        tar.addfile(info, io.BytesIO(os.urandom(info.size)))
    return gzip.compress(plain.getvalue(), 1), _digest(plain.getvalue())


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
