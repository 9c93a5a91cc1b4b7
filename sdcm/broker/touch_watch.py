"""Watches the engine's events for what is done to the run's nodes from outside their databases."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import urlencode

from sdcm.containers.touches import leaves_node_clean
from sdcm.errors import EnvironmentFailed
from sdcm.ownership import labels
from sdcm.ownership.docker_endpoint import Endpoint

_CONNECT = 10.0
#: Seconds for the engine to tell of what it has done already.
_BARRIER = 10.0
_REFUSED = 300
#: They change nothing inside: being held still, being looked at.
_HARMLESS = frozenset({"pause", "unpause", "archive-path", "top", "export"})
#: By these the engine tells that it has told of all that was done before. A node has no input, so a look at its output
#: changes nothing; those of others are counted as touches all the same, for ours could not be told from them.
_PAUSED, _ATTACHED = "pause", "attach"


class TouchWatch:
    """Follows the events of a run's containers. When the stream breaks, every node counts as touched."""

    def __init__(self, endpoint: Endpoint, run_id: str) -> None:
        """Follow the containers of a run on an engine."""
        self._endpoint = endpoint
        self._run_id = run_id
        self._change = threading.Condition()
        self._touched: dict[str, str] = {}
        self._pauses: dict[str, int] = defaultdict(int)
        self._attached: dict[str, int] = defaultdict(int)
        self._attaching: dict[str, int] = defaultdict(int)
        self._blind = ""
        self._listening = threading.Event()
        threading.Thread(target=self._follow, name="touch-watch", daemon=True).start()

    def await_start(self) -> None:
        """Wait until the engine tells of what happens from now on."""
        self._listening.wait(_CONNECT)

    def forget(self, container: str) -> None:
        """Begin anew with a container: its next test has it from now on."""
        with self._change:
            self._touched.pop(container, None)

    def pauses(self, container: str) -> int:
        """Return how often a container has been seen to be paused; ask before pausing, for `touches`."""
        with self._change:
            return self._pauses[container]

    def touches(self, container: str, pauses_before: int) -> str:
        """Return what was done to a container up to its pause just now; empty when nothing was that matters.

        The pause is the barrier: the engine tells of things in their order, so what was done before it has been told
        when it is told.
        """
        with self._change:
            return self._once(lambda: self._pauses[container] > pauses_before, container)

    def touches_by_now(self, container: str) -> str:
        """Return what `touches` does without a pause: the barrier is that somebody looks at the container's output."""
        with self._change:
            self._attaching[container] += 1
            awaited = self._attaching[container]
        try:
            # A millisecond, where a pause and its end take fifty.
            status, _ = self._endpoint.call("POST", f"/containers/{container}/attach?stream=0&logs=0", timeout=_BARRIER)
        except EnvironmentFailed as exc:
            return str(exc)
        if status >= _REFUSED:
            return f"the engine does not tell what was done to it (status {status})"
        with self._change:
            return self._once(lambda: self._attached[container] >= awaited, container)

    def _once(self, told: Callable[[], bool], container: str) -> str:
        seen = self._change.wait_for(lambda: self._blind or told(), timeout=_BARRIER)
        if self._blind:
            return self._blind
        return self._touched.get(container, "") if seen else "the engine does not tell what was done to it"

    def seen(self, container: str) -> str:
        """Return what is known by now to have been done to a container; empty when nothing is."""
        with self._change:
            return self._blind or self._touched.get(container, "")

    def _follow(self) -> None:
        try:
            self._listen()
            reason = "the engine's events broke off"
        except Exception as exc:  # noqa: BLE001 - whatever it is: from now on nobody looks
            reason = f"the engine's events broke off: {exc}"
        with self._change:
            self._blind = reason
            self._change.notify_all()
        self._listening.set()

    def _listen(self) -> None:
        wanted = {"type": ["container"], "label": [f"{labels.RUN}={self._run_id}"]}
        connection = self._endpoint.connection(_CONNECT)
        try:
            connection.request("GET", f"/events?{urlencode({'filters': json.dumps(wanted)})}")
            # Between two events there may be any time.
            connection.sock.settimeout(None)
            with connection.getresponse() as answer:
                self._listening.set()
                for line in filter(bytes.strip, answer):
                    self._take(json.loads(line))
        finally:
            connection.close()

    def _take(self, event: dict[str, object]) -> None:
        actor = event.get("Actor")
        container = str(actor.get("ID", "")) if isinstance(actor, dict) else ""
        action = str(event.get("Action", ""))
        with self._change:
            if action == _PAUSED:
                self._pauses[container] += 1
                self._change.notify_all()
            elif action == _ATTACHED:
                self._attached[container] += 1
                self._change.notify_all()
                if self._attached[container] <= self._attaching[container]:
                    return
            if action not in _HARMLESS and not leaves_node_clean(action):
                self._touched.setdefault(container, action.partition("\n")[0][:120])
