"""Follows a Job's pods until every shard is back, or known not to come back."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sdcm.errors import SctError, ServiceUnavailable
from sdcm.journal import Journal
from sdcm.kubernetes import indexed_job, pod_trouble
from sdcm.kubernetes.api import Api, ApiRefused, ApiSilent
from sdcm.kubernetes.job_place import JobPlace
from sdcm.run.on_kubernetes.shard_log import ShardLog
from sdcm.run.on_kubernetes.shard_state import PodRun, ShardState

#: Seconds between two looks at the Job, and before a log that broke off is read again.
_LOOK = 1.0
#: Seconds that the API server may be silent, and that pods may fail to start, before that counts as their end.
_SILENCE = 45.0
_PATIENCE = 20.0
#: Seconds between two lines of progress of a shard.
_TELL = 5.0
#: Seconds in which the end of a pod's log may still come after the pod's.
_LAST_WORDS = 20.0


class Following:
    """The shards of a run as the runner sees them."""

    def __init__(
        self, place: JobPlace, shards: int, folder: Path, journal: Journal, heard: Callable[[int, dict[str, Any]], None]
    ) -> None:
        """Follow nothing yet.

        Args:
            place: Where the Job is.
            shards: How many there are.
            folder: What they send is written below it: `SHARD/ATTEMPT/`.
            journal: The run's; each shard is a step in it.
            heard: Called with a shard's number, from 1, and each record of its journal.
        """
        self.shards = [ShardState(index, f"shard {index + 1}/{shards}") for index in range(shards)]
        self._place = place
        self._folder = folder
        self._journal = journal
        self._heard = heard
        self._stop = threading.Event()
        self._answered = time.monotonic()
        self._stuck = 0.0
        self._started = time.monotonic()

    def __enter__(self) -> "Following":
        for shard in self.shards:
            self._journal.write("step-start", step=shard.name, needs=["job"])
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def until_back(self, check: Callable[[], None]) -> None:
        """Wait until no shard is open.

        Args:
            check: Called at each look; what it raises ends the waiting.

        Raises:
            ServiceUnavailable: The cluster can run none of the pods; says why.
        """
        api = Api(self._place.api().access, timeout=_SILENCE / 3)
        try:
            while any(shard.open for shard in self.shards):
                check()
                self._look(api)
                self._tell()
                if any(shard.open for shard in self.shards):
                    time.sleep(_LOOK)
            self._tell()
        finally:
            api.close()

    # -- looks -------------------------------------------------------------------------------------

    def _look(self, api: Api) -> None:
        try:
            job = api.get(self._place.path)
            pods = self._place.pods(api) if job is not None else []
        except (ApiSilent, ApiRefused) as exc:
            if time.monotonic() - self._answered > _SILENCE:
                self._lose(f"the cluster of context {self._place.context} does not answer any more ({exc.why})")
            return
        self._answered = time.monotonic()
        if job is None:
            self._lose(f"its Job {self._place.job} was deleted by somebody else")
            return
        for pod in sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", ""))):
            self._take_up(pod)
        self._give_up(job, pods)
        self._check_stuck(api, pods)

    def _take_up(self, pod: Mapping[str, Any]) -> None:
        """Follow a pod that has begun and is not followed yet; note how one ended."""
        name, shard = str(pod["metadata"]["name"]), self.shards[indexed_job.index_of(pod)]
        known = next((each for each in shard.attempts if each.pod == name), None)
        if known is not None:
            shard.why_ended = pod_trouble.why_ended(pod) or shard.why_ended
        elif (pod.get("status") or {}).get("phase") in {"Running", "Succeeded", "Failed"}:
            number = len(shard.attempts)
            folder = self._folder / str(shard.index + 1) / str(number)
            log = ShardLog(folder, lambda record: self._heard(shard.index + 1, record))
            attempt = PodRun(name, number, log)
            shard.attempts.append(attempt)
            threading.Thread(target=self._follow, args=(attempt,), name=f"pod {name}", daemon=True).start()

    def _give_up(self, job: Mapping[str, Any], pods: list[dict[str, Any]]) -> None:
        """Lose the shards that the Job runs no more and whose pods have nothing more to say."""
        failed, over = indexed_job.failed_indexes(job), indexed_job.finished(job)
        alive = {str(pod["metadata"]["name"]) for pod in pods if not pod_trouble.why_ended(pod)}
        for shard in self.shards:
            silent = all(each.over.is_set() for each in shard.attempts) and not alive & {
                each.pod for each in shard.attempts
            }
            if shard.open and silent and (over or shard.index in failed):
                shard.why_lost = shard.why_given_up(over)

    def _check_stuck(self, api: Api, pods: list[dict[str, Any]]) -> None:
        """End the waiting where no pod runs and none can; one that runs may make room for those that wait."""
        waiting = [why for pod in pods if (why := self._why_waiting(pod))]
        busy = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
        reading = [each for shard in self.shards for each in shard.attempts if not each.over.is_set()]
        still_pending = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Pending"]
        nothing_moves = not busy and not reading and len(still_pending) == len(waiting)
        if not nothing_moves or not any(shard.open for shard in self.shards):
            self._stuck = 0.0
            return
        why = waiting[0] if waiting else self._why_no_pod(api)
        if not why:
            self._stuck = 0.0
            return
        self._stuck = self._stuck or time.monotonic()
        if time.monotonic() - self._stuck < _PATIENCE:
            return
        if not any(shard.attempts for shard in self.shards):
            raise ServiceUnavailable(
                f"--on kubernetes: no shard can run in namespace {self._place.namespace} of {self._place.context}",
                why=why,
                mend=pod_trouble.mend(why),
            )
        self._lose(why)

    def _why_waiting(self, pod: Mapping[str, Any]) -> str:
        """Return why a pod has not started, and have its shard tell of it."""
        why = pod_trouble.why_waiting(pod)
        self.shards[indexed_job.index_of(pod)].why_waiting = why
        return why

    def _why_no_pod(self, api: Api) -> str:
        try:
            events = api.items(f"/api/v1/namespaces/{self._place.namespace}/events")
        except SctError:
            return ""
        return pod_trouble.why_none(events, self._place.job)

    def _lose(self, why: str) -> None:
        for shard in self.shards:
            if shard.open:
                shard.why_lost = why

    # -- one pod's log -----------------------------------------------------------------------------

    def _follow(self, attempt: PodRun) -> None:
        """Read a pod's log until its last word, or until the pod is gone."""
        api = Api(self._place.api().access, timeout=_SILENCE)
        gone_since = 0.0
        try:
            while not self._stop.is_set() and attempt.log.exit_code is None and not attempt.log.broken:
                ended = self._read(api, attempt)
                gone_since = (gone_since or time.monotonic()) if ended else 0.0
                if gone_since and time.monotonic() - gone_since > _LAST_WORDS * (ended != "gone"):
                    break
                self._stop.wait(_LOOK)
        finally:
            attempt.over.set()
            api.close()

    def _read(self, api: Api, attempt: PodRun) -> str:
        """Read the log once, from its beginning; return how the pod ended, empty while it has not."""
        path = f"{self._place.pods_path}/{attempt.pod}"
        attempt.log.begin()
        try:
            for piece in api.stream(f"{path}/log", {"follow": "true", "container": indexed_job.CONTAINER}):
                if self._stop.is_set():
                    return ""
                attempt.log.feed(piece)
        except (ApiSilent, ApiRefused):
            pass  # read again, unless the pod is gone
        try:
            pod = api.get(path)
        except (ApiSilent, ApiRefused):
            return ""
        if pod is None:
            return "gone"
        phase = (pod.get("status") or {}).get("phase")
        return pod_trouble.why_ended(pod) if phase in {"Succeeded", "Failed"} else ""

    # -- telling -----------------------------------------------------------------------------------

    def _tell(self) -> None:
        for shard in self.shards:
            if shard.closed:
                continue
            if not shard.open:
                shard.closed = True
                seconds = round(time.monotonic() - self._started, 3)
                self._journal.write("step-end", step=shard.name, seconds=seconds, log="", **shard.end())
                continue
            said, now = shard.progress(), time.monotonic()
            if said != shard.told and now - shard.told_at >= _TELL:
                shard.told, shard.told_at = said, now
                self._journal.write("step-say", step=shard.name, text=said)
