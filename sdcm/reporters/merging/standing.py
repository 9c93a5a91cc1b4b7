"""Each test stands in a merged run once: where two shards had it, in the one in which it ended worst."""

from collections.abc import Mapping
from typing import Any

from sdcm.reporters.merging.attempts import ShardRun
from sdcm.reporters.records import OUTCOMES

#: Records that tell of a test's own course; what it made and leased is told of both.
_OF_A_TEST = frozenset(
    {"test-start", "test-body", "test-teardown", "test-end", "evidence", "test-event", "held-back", "collect-error"}
)


class Standing:
    """Which shard tells of a test that several have run."""

    def __init__(self, runs: Mapping[str, ShardRun]) -> None:
        """Compare the shards' tests.

        Args:
            runs: By what stands before their names.
        """
        owners: dict[str, tuple[int, str]] = {}
        several: set[str] = set()
        for label, run in runs.items():
            for test in run.result.tests:
                badness = OUTCOMES.index(test.outcome) if test.outcome in OUTCOMES else len(OUTCOMES)
                known = owners.get(test.test)
                if known is not None and known[1] != label:
                    several.add(test.test)
                if known is None or badness > known[0]:
                    owners[test.test] = badness, label
        self._owners = {test: owners[test][1] for test in several}

    @property
    def several(self) -> int:
        """How many tests ran in more than one shard."""
        return len(self._owners)

    def keeps(self, label: str, record: Mapping[str, Any]) -> bool:
        """Whether a shard's record is one to tell."""
        if not self._owners or record["event"] not in _OF_A_TEST:
            return True
        return self._owners.get(str(record.get("test")), label) == label
