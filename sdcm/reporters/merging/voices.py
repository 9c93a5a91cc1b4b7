"""How a shard's records stand in one journal with those of others: names that every run has get its own before them."""

from collections.abc import Callable
from typing import Any

from sdcm.reporters.fields import number_or_none

#: Of a shard alone: a merged run has its own, or none.
_ITS_OWN = frozenset(
    {"run-start", "run-end", "selection", "shard", "plan", "host", "collected", "pytest-start", "pytest-end"}
    | {"teardown-start", "teardown-end", "critical-path", "kept", "reports-lost"}
)
#: Fields that name something every run has: a worker, a step of set-up, a lease, one run of a stress tool.
_NAMES = ("worker", "step", "lease")
_LISTS = ("needs", "steps")
#: Fields that hold a time, in epoch seconds.
_TIMES = ("at", "started")


def shard_of(worker: str) -> str:
    """Return which shard a worker of a merged run is of, with the stroke after it; empty in a run of one machine."""
    return worker[: worker.rfind("/") + 1]


class Voice:
    """Rewrites the records of one shard."""

    def __init__(self, label: str, shift: float = 0.0) -> None:
        """Speak for one shard.

        Args:
            label: Stands before the names, with a stroke between: worker `gw0` of shard 2 is `2/gw0`.
            shift: Seconds to add to its times.
        """
        self.label = label
        self._shift = shift

    def record(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Return a record as it stands in the merged journal; None for what is of the shard alone.

        Args:
            record: As the shard wrote it; it stays as it is.
        """
        if record["event"] in _ITS_OWN:
            return None
        told = {**record, "shard": self.label}
        for key in _NAMES:
            if value := record.get(key):
                told[key] = self._named(str(value))
        for key in _LISTS:
            if isinstance(values := record.get(key), list):
                told[key] = [self._named(str(value)) for value in values]
        if record["event"] == "stress" and record.get("run"):
            told["run"] = self._named(str(record["run"]))
        if self._shift:
            for key in _TIMES:
                if (value := number_or_none(record, key)) is not None:
                    told[key] = round(value + self._shift, 3)
        return told

    def _named(self, name: str) -> str:
        return f"{self.label}/{name}"


#: Rewrites a record for a merged journal, or leaves it out.
Rewrite = Callable[[dict[str, Any]], dict[str, Any] | None]
