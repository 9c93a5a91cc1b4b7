"""What a shard's pod runs, and what it sends of it."""

import gzip
import json
import os
import sys

import pytest

from sdcm.kubernetes.kubeconfig import read_access
from sdcm.run.on_kubernetes import pod
from sdcm.run.on_kubernetes.shard_log import ShardLog

SPEC = {"command": "unit-tests", "arguments": ["--workers", "1"], "pytest_arguments": ["-x"], "shards": 3}
#: In place of the runner: writes a run's journal and ends as it is told to.
RUNNER = """\
#!{python}
import os, pathlib, sys
run = pathlib.Path(os.environ["SCT_STATE_DIR"], "runs", "0a1b2c3d")
run.mkdir(parents=True)
(run / "journal.jsonl").write_text('{{"event": "shard", "shard": "' + sys.argv[3] + '", "tests": 7}}\\n')
(run / "selection.json").write_text(pathlib.Path(os.environ["SCT_DURATIONS"]).read_text())
print(*sys.argv[1:])
sys.exit(69)
"""


@pytest.fixture
def runner(tmp_path, monkeypatch):
    """Put a program in the runner's place, and be the second pod of three."""
    program = tmp_path / "bin" / "sct"
    program.parent.mkdir()
    program.write_text(RUNNER.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program.with_name("python")))
    monkeypatch.setattr(pod, "_LOOK", 0.01)
    monkeypatch.setattr(pod.signal, "signal", lambda *_: None)
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    job = tmp_path / "job"
    job.mkdir()
    (job / pod.SPEC_FILE).write_text(json.dumps(SPEC))
    (job / pod.DURATIONS_FILE).write_bytes(gzip.compress(b"the durations"))
    return job


def test_the_runner_gets_its_share_and_all_it_leaves_is_sent(runner, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        code = pod.main(runner, tmp_path / "work", lambda: pod.Output(log.fileno()))
    shard = ShardLog(tmp_path / "here", lambda _: None)
    shard.begin()
    shard.feed((tmp_path / "log").read_bytes())
    assert code == shard.exit_code == 69
    assert shard.tests == 7
    assert (shard.folder / "selection.json").read_text() == "the durations"
    assert shard.last_lines() == "unit-tests --shard 2/3 --workers 1 -- -x"


def test_integration_tests_use_the_account_of_the_pod_for_kubernetes(tmp_path):
    account = tmp_path / "account"
    account.mkdir()
    assert not pod.kubeconfig_of_account(account, "10.0.0.1", "443", tmp_path / "none")
    (account / "token").write_text("secret\n")
    file = tmp_path / "kubeconfig"
    assert pod.kubeconfig_of_account(account, "fd00::1", "443", file)
    written = json.loads(file.read_text())
    assert written["clusters"][0]["cluster"]["server"] == "https://[fd00::1]:443"
    written["clusters"][0]["cluster"] = {"server": "http://10.0.0.1"}
    file.write_text(json.dumps(written))
    assert read_access(file).headers == {"Authorization": "Bearer secret"}
    spec = {**SPEC, "command": "integration-tests"}
    assert pod.runner_argv(spec, 0, str(file))[-4:] == ["--kubeconfig", str(file), "--", "-x"]
    assert "--kubeconfig" not in pod.runner_argv(SPEC, 0, str(file))
    # All shards boot the nodes that the first machine has chosen, whatever the arguments say.
    assert pod.runner_argv(spec, 0, "", "cassandra")[-4:] == ["--db", "cassandra", "--", "-x"]


def test_a_line_without_end_does_not_swallow_a_frame(tmp_path):
    reading, writing = os.pipe()
    output = pod.Output(writing)
    output.text(b"....")
    output.send(pod.Kind.ALIVE, b"1.0")
    os.close(writing)
    with os.fdopen(reading) as lines:
        assert [line.split()[0] for line in lines] == ["....", "sct-shard"]
