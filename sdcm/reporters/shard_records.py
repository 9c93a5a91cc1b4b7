"""What the journal of a merged run says of the shards it consists of, see `sdcm.reporters.merging`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sdcm.reporters.fields import number, number_or_none, text
from sdcm.reporters.records import Stage

#: States of a shard.
COMPLETE, HALF_WAY, NEVER = "complete", "lost half-way", "never came back"


@dataclass(frozen=True)
class ShardEnd:
    """How one shard of a merged run went.

    Attributes:
        shard: Which, as `2/4`, or by another name where it was none.
        state: `complete`, `lost half-way` or `never came back`.
        reason: Why it is not complete.
        run: Id of the run that counts; empty where there is none.
        exit_code: Its exit code; None where it did not come to its end.
        tests: How many tests it had; None when not known.
        not_run: How many of them did not run.
        started: Epoch seconds by its own clock; 0 when not known.
        seconds: From its first record to its last.
        first_test: Seconds from its start to its first test; None when there was none.
        attempts: How many times it ran.
        shifted: Seconds by which its times are drawn later (or, negative, earlier) than its own clock told.
    """

    shard: str
    state: str = COMPLETE
    reason: str = ""
    run: str = ""
    exit_code: int | None = None
    tests: int | None = None
    not_run: int = 0
    started: float = 0.0
    seconds: float = 0.0
    first_test: float | None = None
    attempts: int = 1
    shifted: float = 0.0

    @property
    def lost(self) -> str:
        """One line that says what became of it; empty where it is complete."""
        if self.state == COMPLETE:
            return ""
        told = f"shard {self.shard} {self.state}" + (f": {self.reason}" if self.reason else "")
        return told + (f"; {self.not_run} of its tests did not run" if self.not_run else "")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "ShardEnd":
        """Read a journal's record; fields that are not known are passed over."""
        code, tests = number_or_none(record, "exit_code"), number_or_none(record, "tests")
        return cls(
            shard=text(record, "shard"),
            state=text(record, "state") or COMPLETE,
            reason=text(record, "reason"),
            run=text(record, "run"),
            exit_code=None if code is None else int(code),
            tests=None if tests is None else int(tests),
            not_run=int(number(record, "not_run")),
            started=number(record, "started"),
            seconds=number(record, "seconds"),
            first_test=number_or_none(record, "first_test"),
            attempts=int(number(record, "attempts")) if "attempts" in record else 1,
            shifted=number(record, "shifted"),
        )


@dataclass(frozen=True)
class NotRun:
    """A test that was chosen and did not run.

    Attributes:
        test: Its node id.
        reason: Why.
    """

    test: str
    reason: str


class ShardReader:
    """Reads the records that only a merged journal has.

    Attributes:
        shards: The shards, in their order.
        not_run: Tests that did not run.
        stages: What the shards did beside set-up and tests.
        misfits: Why the shards do not fit together, one line each.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.shards: list[ShardEnd] = []
        self.not_run: list[NotRun] = []
        self.stages: list[Stage] = []
        self.misfits: list[str] = []
        self._by_event: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "shard-end": lambda record: self.shards.append(ShardEnd.from_record(record)),
            "not-run": lambda record: self.not_run.append(NotRun(text(record, "test"), text(record, "reason"))),
            "shard-misfit": lambda record: self.misfits.append(text(record, "reason")),
            "stage": self._on_stage,
        }

    def feed(self, event: str, record: Mapping[str, Any]) -> None:
        """Take in one record."""
        if (read := self._by_event.get(event)) is not None:
            read(record)

    def _on_stage(self, record: Mapping[str, Any]) -> None:
        started, ended = number(record, "started"), number(record, "at")
        self.stages.append(Stage(text(record, "name"), started, ended, text(record, "shard")))
