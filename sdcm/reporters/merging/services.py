"""What a merged run says of a service: the worst that a shard has said, with the steps of all."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sdcm.reporters.merging.attempts import ShardRun
from sdcm.reporters.records import ServiceState

#: States of a service, the best first.
_WORSE = ("dismissed", "ready", "waiting", "unavailable", "failed")


def last_states(runs: Mapping[str, ShardRun]) -> Iterator[dict[str, Any]]:
    """Yield a record for each service.

    Args:
        runs: By what stands before their names.
    """
    by_label: dict[str, list[tuple[str, ServiceState]]] = defaultdict(list)
    for name, run in runs.items():
        for service in run.result.services:
            by_label[service.service].append((name, service))
    for label, said in by_label.items():
        name, worst = max(said, key=lambda pair: _WORSE.index(pair[1].state) if pair[1].state in _WORSE else 0)
        reason = f"shard {name}: {worst.reason}" if worst.reason else ""
        steps = [f"{of}/{step}" for of, service in said for step in service.steps]
        yield {"event": "service", "service": label, "state": worst.state, "reason": reason, "steps": steps}
