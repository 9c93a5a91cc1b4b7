"""Shards followed in a cluster: back, run again, lost by name, or never begun."""

import json

import pytest

from sdcm import journal as journals
from sdcm.errors import EnvironmentFailed, ServiceUnavailable
from sdcm.journal import Journal
from sdcm.kubernetes.indexed_job import INDEX_ANNOTATION, JOB_LABEL
from sdcm.kubernetes.job_place import JobPlace
from sdcm.run.on_kubernetes import following
from sdcm.run.on_kubernetes.following import Following
from sdcm.run.on_kubernetes.framing import FrameWriter, Kind
from unit_tests.lib.fake_kubernetes import FakeCluster

NAME = "sct-0a1b2c3d"
SPACE = f"/api/v1/namespaces/{NAME}"
JOB = f"/apis/batch/v1/namespaces/{NAME}/jobs/{NAME}"


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setattr(following, "_LOOK", 0.01)
    monkeypatch.setattr(following, "_TELL", 0.0)
    monkeypatch.setattr(following, "_PATIENCE", 0.05)
    monkeypatch.setattr(following, "_LAST_WORDS", 0.05)
    fake = FakeCluster()
    fake.put(JOB, kind="Job", status={})
    yield fake
    fake.close()


def log_of(tests, code=0, *, whole=True):
    writer, lines = FrameWriter(), ["the runner begins"]
    records = [{"event": "shard", "shard": "1/2", "tests": len(tests), "digest": "d"}]
    records += [{"event": "test-end", "test": test, "outcome": "passed"} for test in tests]
    for record in records:
        lines += writer.lines(Kind.JOURNAL, json.dumps(record).encode() + b"\n")
    if whole:
        lines += writer.lines(Kind.END, json.dumps({"exit_code": code}).encode())
    return "".join(f"{line}\n" for line in lines)


class Shards:
    """A Job of two shards, and what is heard of it."""

    def __init__(self, cluster, folder):
        self.cluster = cluster
        self.heard = []
        self.journal = Journal(folder / "journal.jsonl")
        place = JobPlace(str(cluster.kubeconfig(folder)), "fake", NAME, NAME, "yes")
        self.following = Following(
            place, 2, folder / "shards", self.journal, lambda shard, record: self.heard.append((shard, record))
        )

    def pod(self, index, attempt=0, *, phase="Succeeded", log="", **status):
        name = f"{NAME}-{index}-{attempt}"
        if log:
            self.cluster.logs[f"{NAME}/{name}"] = log
        labels, annotations = {JOB_LABEL: NAME}, {INDEX_ANNOTATION: str(index)}
        metadata = {"labels": labels, "annotations": annotations, "creationTimestamp": f"2025-01-01T00:00:0{attempt}Z"}
        self.cluster.put(f"{SPACE}/pods/{name}", kind="Pod", metadata=metadata, status={"phase": phase, **status})
        return f"{SPACE}/pods/{name}"

    def status(self, **status):
        self.cluster.put(JOB, kind="Job", status=status)

    def until_back(self, check=lambda: None):
        with self.following:
            self.following.until_back(check)
        return self.following.shards

    def ends(self):
        return {
            record["step"]: (record["status"], (record["error"] or {}).get("why", record["detail"]))
            for record in journals.read(self.journal.path)
            if record["event"] == "step-end"
        }


@pytest.fixture
def shards(cluster, tmp_path):
    made = Shards(cluster, tmp_path)
    yield made
    made.journal.close()


def test_all_shards_come_back(shards):
    shards.pod(0, log=log_of(["a", "b"]))
    shards.pod(1, log=log_of(["c"], code=1), phase="Failed")
    first, second = shards.until_back()
    assert (first.back.log.exit_code, second.back.log.exit_code) == (0, 1)
    assert sorted(record["test"] for _, record in shards.heard if "test" in record) == ["a", "b", "c"]
    assert shards.ends() == {"shard 1/2": ("done", "2 tests"), "shard 2/2": ("done", "1 tests")}


def test_a_shard_whose_pod_was_deleted_is_back_with_its_next_pod(shards):
    shards.pod(1, log=log_of(["c"]))
    path = shards.pod(0, log=log_of(["a", "b"], whole=False), phase="Running")
    looks = []

    def check():
        looks.append(1)
        if [shard for shard, record in shards.heard if record.get("test") == "b"] and path in shards.cluster.objects:
            del shards.cluster.objects[path]
            shards.pod(0, 1, log=log_of(["a", "b"]))

    first, _ = shards.until_back(check)
    assert [attempt.number for attempt in first.attempts] == [0, 1]
    assert first.back is first.attempts[1]
    assert (first.back.log.folder / "journal.jsonl").read_text().count("test-end") == 2
    assert shards.ends()["shard 1/2"] == ("done", "2 tests, in its pod 2")


def test_a_shard_that_the_job_has_given_up_is_lost_by_name(shards):
    shards.pod(0, log=log_of(["a"]))
    ended = [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]
    shards.pod(1, log=log_of(["c"], whole=False), phase="Failed", containerStatuses=ended)
    shards.status(failedIndexes="1", conditions=[{"type": "Failed", "status": "True", "reason": "FailedIndexes"}])
    _, second = shards.until_back()
    why = "its pod ended without a result: OOMKilled with exit code 137; it said last: the runner begins"
    assert second.why_lost == why
    assert shards.ends()["shard 2/2"] == ("failed", why)


@pytest.mark.parametrize("reason", ["ErrImagePull", "InvalidImageName"])
def test_an_image_that_the_cluster_cannot_have_ends_the_run(shards, reason):
    for index in (0, 1):
        state = {"waiting": {"reason": reason, "message": "no such host"}}
        shards.pod(index, phase="Pending", containerStatuses=[{"image": "r/i:1", "state": state}])
    with pytest.raises(ServiceUnavailable, match="image r/i:1 cannot be had in the cluster: no such host") as told:
        shards.until_back()
    assert told.value.exit_code == 69
    assert "--load-into-kind" in str(told.value)
    assert shards.following.shards[0].progress().startswith("waiting for its pod: image r/i:1 cannot be had")


def test_a_quota_that_lets_no_pod_be_made_ends_the_run(shards):
    about = {"kind": "Job", "name": NAME}
    message = 'pods "x" is forbidden: exceeded quota: small'
    shards.cluster.put(f"{SPACE}/events/e", involvedObject=about, reason="FailedCreate", message=message)
    with pytest.raises(ServiceUnavailable, match="exceeded quota: small"):
        shards.until_back()


def test_a_cluster_that_is_gone_in_the_middle_loses_its_shards(shards, monkeypatch):
    monkeypatch.setattr(following, "_SILENCE", 0.3)
    shards.pod(0, log=log_of(["a"], whole=False), phase="Running")
    shards.pod(1, log=log_of(["c"]))

    def check():
        if shards.following.shards[1].back and shards.following.shards[0].attempts:
            shards.cluster.gone = True

    first, second = shards.until_back(check)
    assert second.back is not None
    assert "the cluster of context fake does not answer any more" in first.why_lost


def test_a_job_that_somebody_deletes_loses_its_shards(shards):
    del shards.cluster.objects[JOB]
    assert {shard.why_lost for shard in shards.until_back()} == {f"its Job {NAME} was deleted by somebody else"}


def test_what_the_caller_finds_wrong_ends_the_waiting(shards):
    def check():
        raise EnvironmentFailed("the broker has ended")

    with pytest.raises(EnvironmentFailed, match="broker"):
        shards.until_back(check)
