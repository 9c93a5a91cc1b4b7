"""Whether the nodes of a ring know one another."""

import contextlib
import re
import time
from collections.abc import Sequence

from sdcm.containers.execution import CommandTimedOut, UnexpectedExit
from sdcm.containers.inspection import raise_if_ended
from sdcm.containers.node import Node
from sdcm.containers.records import NodeRecord
from sdcm.errors import DeadlinePassed

_STATUS_LINE = re.compile(r"^([UD?][NLJM])\s+(\S+)", re.MULTILINE)
_STEP = 0.5
_UP_AND_NORMAL = "UN"


def states(nodetool_status: str) -> dict[str, str]:
    """Return address to state (`UN`, `UJ`, `DN`, ...) from the output of `nodetool status`."""
    return {address: state for state, address in _STATUS_LINE.findall(nodetool_status)}


def wait_until_ring(records: Sequence[NodeRecord], *, deadline: float) -> None:
    """Wait until every one of these nodes sees all of them up and normal (`nodetool status`).

    Args:
        records: The nodes of the ring.
        deadline: Seconds.

    Raises:
        EnvironmentFailed: One of them has ended.
        DeadlinePassed: They did not find together in time; says who saw whom how.
    """
    started = time.monotonic()
    addresses = {record.ip for record in records}
    # The newest first: it is the last to learn of the others.
    waiting = [Node(record) for record in reversed(records)]
    with contextlib.ExitStack() as stack:
        for node in waiting:
            stack.callback(node.close)
        while waiting:
            node = waiting[0]
            left = started + deadline - time.monotonic()
            seen, problem = _look(node, max(5.0, left))
            if addresses == {address for address, state in seen.items() if state == _UP_AND_NORMAL}:
                waiting.pop(0)
                continue
            if left <= 0:
                shown = ", ".join(f"{address} {state}" for address, state in sorted(seen.items())) or problem
                raise DeadlinePassed(
                    f"{len(records)} nodes were no ring within {deadline:g} s",
                    why=f"{node.name} sees {shown or 'nothing'}",
                    evidence=node.get_log(tail=40),
                )
            raise_if_ended(node.handle)
            time.sleep(_STEP)


def _look(node: Node, timeout: float) -> tuple[dict[str, str], str]:
    try:
        return states(node.run_nodetool("status", timeout=timeout, verbose=False).stdout), ""
    except (UnexpectedExit, CommandTimedOut) as exc:
        return {}, str(exc)
