"""What is known of one shard: its pods, and whether it is back."""

import threading
from dataclasses import dataclass, field
from typing import Any

from sdcm.errors import EnvironmentFailed
from sdcm.exit_codes import ExitCode
from sdcm.run.on_kubernetes.shard_log import ShardLog


@dataclass
class PodRun:
    """One pod of a shard.

    Attributes:
        pod: Its name.
        number: 0 for the shard's first.
        log: What it has sent.
        over: Nothing more will come.
    """

    pod: str
    number: int
    log: ShardLog
    over: threading.Event = field(default_factory=threading.Event)


@dataclass
class ShardState:
    """What is known of one shard.

    Attributes:
        index: From 0.
        name: What it is called.
        attempts: Its pods, the first first.
        why_lost: Why it will not come back; empty while it may.
        why_waiting: Why its next pod has not started; empty where nothing is wrong.
        why_ended: How its last pod ended, as the cluster says.
        told: What was last told of it.
        told_at: When, by the monotonic clock.
        closed: Its end was told.
    """

    index: int
    name: str
    attempts: list[PodRun] = field(default_factory=list)
    why_lost: str = ""
    why_waiting: str = ""
    why_ended: str = ""
    told: str = ""
    told_at: float = 0.0
    closed: bool = False

    @property
    def back(self) -> PodRun | None:
        """The pod whose run came to its end and has sent all there is.

        A runner that was told to stop says so with its exit code: its pod is being removed, and the shard runs again.
        """
        return next((each for each in self.attempts if each.log.exit_code not in {None, ExitCode.INTERRUPTED}), None)

    @property
    def open(self) -> bool:
        """Whether it may still come back."""
        return self.back is None and not self.why_lost

    def progress(self) -> str:
        """Say how far it is, in a few words."""
        if not self.attempts:
            return f"waiting for its pod{f': {self.why_waiting}' if self.why_waiting else ''}"
        attempt = self.attempts[-1]
        again = f" (pod {attempt.number + 1}: the one before was lost)" if attempt.number else ""
        if not attempt.log.tests:
            return f"collecting in pod {attempt.pod}{again}"
        return f"{attempt.log.ended} of {attempt.log.tests} tests{_failed(attempt)}{again}"

    def end(self) -> dict[str, Any]:
        """Return what a journal's record of its end says."""
        if (attempt := self.back) is None:
            error = EnvironmentFailed(f"{self.name} never came back", why=self.why_lost)
            return {"status": "failed", "error": error.to_record(), "detail": ""}
        again = f", in its pod {attempt.number + 1}" if attempt.number else ""
        return {"status": "done", "error": None, "detail": f"{attempt.log.ended} tests{_failed(attempt)}{again}"}

    def why_given_up(self, over: str) -> str:
        """Say why it will not come back, once its Job runs it no more.

        Args:
            over: Why the whole Job has nothing more to do; empty where it has.
        """
        if not self.attempts:
            return over or "its pod never started"
        last = self.attempts[-1].log
        if last.broken:
            return "the node has thrown away part of its log before it was read"
        said = f"; it said last: {words}" if (words := last.last_lines()) else ""
        times = f" {len(self.attempts)} times" if len(self.attempts) > 1 else ""
        return f"its pod ended{times} without a result: {self.why_ended or over or 'it is gone'}{said}"


def _failed(attempt: PodRun) -> str:
    return f", {attempt.log.unwell} failed" if attempt.log.unwell else ""
