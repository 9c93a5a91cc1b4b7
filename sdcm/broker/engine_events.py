"""The engine's own event stream: what is created and destroyed on it, whoever does it."""

import contextlib
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from sdcm.errors import EnvironmentFailed
from sdcm.ownership.docker_endpoint import Endpoint

#: Seconds between two tries to hear an engine that fell silent.
_PAUSE = 1.0
_CONNECT = 10.0
#: Seconds by which a clock may seem to differ for the time that asking takes.
_SAME_CLOCK = 0.25
_FOLLOWED = {"type": ["container", "network", "volume"], "event": ["create", "destroy"]}


@dataclass(frozen=True)
class EngineEvent:
    """One thing that was created or destroyed.

    Attributes:
        kind: `container`, `network` or `volume`.
        created: Whether it was created; else it was destroyed.
        id: What the engine knows it by.
        name: Its name.
        at: Epoch seconds, by this machine's clock.
        attributes: What the event says of it: of a container its image and labels.
    """

    kind: str
    created: bool
    id: str
    name: str
    at: float
    attributes: Mapping[str, str] = field(default_factory=dict)


class EngineEvents:
    """Follows the stream from a thread of its own until closed; after a break it goes on where it was."""

    def __init__(self, endpoint: Endpoint, take: Callable[[EngineEvent], None]) -> None:
        """Follow the engine at an address.

        Args:
            endpoint: The engine.
            take: Called with each event, in the stream's thread.
        """
        self._endpoint = endpoint
        self._take = take
        self._closed = threading.Event()
        self._socket: socket.socket | None = None
        self._skew = clock_skew(endpoint)
        self._since = time.time() + self._skew
        self._thread = threading.Thread(target=self._follow, name="engine-events", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._closed.set()
        if (open_socket := self._socket) is not None:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_PAUSE)

    def _follow(self) -> None:
        while not self._closed.is_set():
            # Where the engine is gone, or being restarted, it is asked again, and for what was missed.
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                self._listen()
            self._closed.wait(_PAUSE)

    def _listen(self) -> None:
        query = urlencode({"since": f"{self._since:.9f}", "filters": json.dumps(_FOLLOWED)})
        connection = self._endpoint.connection(_CONNECT)
        try:
            connection.request("GET", f"/events?{query}")
            self._socket = connection.sock
            # Between two events there may be any time.
            connection.sock.settimeout(None)
            with connection.getresponse() as answer:
                for line in filter(bytes.strip, answer):
                    if self._closed.is_set():
                        return
                    if (event := self._event(json.loads(line))) is not None:
                        self._take(event)
        finally:
            self._socket = None
            connection.close()

    def _event(self, told: Mapping[str, object]) -> EngineEvent | None:
        actor = told.get("Actor")
        if not isinstance(actor, Mapping) or "timeNano" not in told:
            return None
        at = float(str(told["timeNano"])) / 1e9
        self._since = max(self._since, at + 1e-9)
        attributes = {str(key): str(value) for key, value in (actor.get("Attributes") or {}).items()}
        number = str(actor.get("ID", ""))
        kind, created = str(told.get("Type", "")), told.get("Action") == "create"
        return EngineEvent(kind, created, number, attributes.get("name", number), at - self._skew, attributes)


def clock_skew(endpoint: Endpoint) -> float:
    """Return by how many seconds the engine's clock is ahead of this machine's; 0 where it does not tell.

    An engine on this machine has its clock; one reached over tcp has another.
    """
    if not endpoint.host.startswith("tcp://"):
        return 0.0
    before = time.time()
    with contextlib.suppress(EnvironmentFailed, KeyError, ValueError):
        status, answer = endpoint.call("GET", "/info", timeout=_CONNECT)
        if status == 200:
            # Nanoseconds are more than Python's parser takes.
            stamp = re.sub(r"(\.\d{6})\d+", r"\1", str(answer["SystemTime"])).replace("Z", "+00:00")
            skew = datetime.fromisoformat(stamp).timestamp() - (before + time.time()) / 2
            return skew if abs(skew) > _SAME_CLOCK else 0.0
    return 0.0
