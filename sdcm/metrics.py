"""Live metrics: gauges that tests and stress tools set, and the server that shows them to whoever scrapes it.

    with MetricsServer() as server:
        server.gauge("sct_latte_read_gauge", "latte's progress", ("type",)).labels("ops").set(1200)
        requests.get(f"http://{server.address}/metrics")

Which server is in use is a stack under a lock, for threads that a test starts set gauges too; only a server's own
`with` block changes it.
"""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sdcm.errors import EnvironmentFailed

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from prometheus_client import Gauge

_HOST = "127.0.0.1"
_LOCK = threading.Lock()
_ACTIVE: list["MetricsServer"] = []


def active() -> "MetricsServer | None":
    """Return the metrics server in use, the innermost one that is open; None where there is none."""
    with _LOCK:
        return _ACTIVE[-1] if _ACTIVE else None


class MetricsServer:
    """Serves the gauges of a registry of its own at `/metrics` on a free port of the loopback, while it is open."""

    def __init__(self) -> None:
        """Start with an empty registry; nothing of this process's own is in it."""
        from prometheus_client import CollectorRegistry

        self.registry = CollectorRegistry(auto_describe=True)
        self._gauges: dict[str, Gauge] = {}
        self._lock = threading.Lock()
        self._server: tuple[WSGIServer, threading.Thread] | None = None

    @property
    def address(self) -> str:
        """`host:port` it is reached at.

        Raises:
            RuntimeError: It is not open.
        """
        if self._server is None:
            raise RuntimeError("the metrics server is not open")
        return f"{_HOST}:{self._server[0].server_port}"

    def gauge(self, name: str, meaning: str, labels: Sequence[str] = ()) -> "Gauge":
        """Return the gauge of that name; made when first asked for, so that several threads may share it.

        Args:
            name: Its name, letters, digits and underscores.
            meaning: What it shows, in words.
            labels: Names of its labels, the same at every call.

        Raises:
            ValueError: There is a gauge of that name with other labels.
        """
        from prometheus_client import Gauge

        with self._lock:
            found = self._gauges.get(name)
            if found is None:
                found = self._gauges[name] = Gauge(name, meaning, tuple(labels), registry=self.registry)
        known: tuple[str, ...] = found._labelnames
        if known != tuple(labels):
            raise ValueError(f"gauge {name} has the labels {known}, not {tuple(labels)}")
        return found

    def __enter__(self) -> Self:
        from prometheus_client import start_http_server

        try:
            self._server = start_http_server(0, addr=_HOST, registry=self.registry)
        except OSError as exc:
            raise EnvironmentFailed("the metrics server could not start", why=str(exc)) from exc
        with _LOCK:
            _ACTIVE.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _LOCK:
            _ACTIVE.remove(self)
        if self._server is not None:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()
            self._server = None
