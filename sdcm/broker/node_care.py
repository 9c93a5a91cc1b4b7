"""What a node needs between two tests: held still, looked at, put back."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sdcm.broker.supplies import Supplies
from sdcm.broker.touch_watch import TouchWatch
from sdcm.containers.records import NodeRecord
from sdcm.errors import EnvironmentFailed

if TYPE_CHECKING:
    from sdcm.containers.pristine import State

_TIMEOUT = 20.0
#: What runc says when a container did not stand still after a thousand looks at it: on a busy machine one of its
#: threads may sit in a call that takes longer. It thaws it then, and may be asked again.
_NOT_FROZEN = "unable to freeze"
#: Seconds for that, and between two tries: a node that is thrown away costs a boot.
_FREEZE = 10.0
_FREEZE_AGAIN = 0.1


class NodeCare:
    """Cares for idle nodes; safe to use from several threads."""

    def __init__(self, supplies: Supplies) -> None:
        """Care for the nodes on the run's engine."""
        self._endpoint = supplies.engine().endpoint
        self._watch = TouchWatch(self._endpoint, supplies.run_id)
        self._watch.await_start()
        #: Ids of the containers that were put back and not held still.
        self._awake: set[str] = set()

    def can_restore(self, node: NodeRecord) -> bool:
        """Return whether the node can be put back at all after a test."""
        from sdcm.containers import pristine

        return pristine.can_be_restored(node.flavour)

    def look(self, node: NodeRecord) -> "State":
        """Return what a node's telling tables hold; ask before its first test, so that it can be put back after it.

        Raises:
            cassandra.DriverException: It does not answer, or takes no login.
        """
        from sdcm.containers import pristine

        with pristine.connection_with(node) as connection:
            state = pristine.look(connection, node.flavour)
        # What was done to boot it is no touch of a test's.
        self._watch.forget(node.container_id)
        return state

    def put_back(self, node: NodeRecord, state: "State", *, wanted: Callable[[], bool]) -> str:
        """Put a node back as it was; return why it cannot be handed on, empty when it can.

        Args:
            node: The node.
            state: What it was.
            wanted: Asked at the end, whether a test waits for it: else it is held still until one wants it.
        """
        from cassandra import DriverException

        from sdcm.containers import pristine

        before = self._watch.pauses(node.container_id)
        try:
            with pristine.connection_with(node) as connection:
                reason = pristine.restore(connection, node.flavour, state)
        except DriverException as exc:
            return f"it takes no login any more: {exc}"
        if not reason and wanted():
            if not (reason := self._watch.touches_by_now(node.container_id)):
                self._awake.add(node.container_id)
            return reason
        return reason or self.rest(node) or self._watch.touches(node.container_id, before)

    def rest(self, node: NodeRecord) -> str:
        """Hold an idle node still, so that it takes no time from those that are used; return why that failed."""
        end = time.monotonic() + _FREEZE
        while _NOT_FROZEN in (reason := self._ask(node, "pause")) and time.monotonic() < end:
            time.sleep(_FREEZE_AGAIN)
        return reason

    def wake(self, node: NodeRecord) -> str:
        """Let a node go on for its next test; return why that failed, or what was done to it while it stood idle."""
        reason = self._watch.seen(node.container_id)
        if node.container_id in self._awake:
            self._awake.discard(node.container_id)
        else:
            reason = reason or self._ask(node, "unpause")
        self._watch.forget(node.container_id)
        return reason

    def _ask(self, node: NodeRecord, verb: str) -> str:
        try:
            status, answer = self._endpoint.call("POST", f"/containers/{node.container_id}/{verb}", timeout=_TIMEOUT)
        except EnvironmentFailed as exc:
            return str(exc)
        told = answer.get("message", status) if isinstance(answer, dict) else status
        return "" if status < 300 else f"the engine cannot {verb} it: {told}"
