"""The stages of a run on Kubernetes, in place of those that bring services up and run pytest here."""

import base64
import gzip
import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm.broker.client import BrokerClient
from sdcm.broker.opener import BrokerSpec, OpenBroker, engine_environ
from sdcm.errors import EnvironmentFailed, SctError, UsageProblem
from sdcm.exit_codes import ExitCode, first_that_applies
from sdcm.kubernetes.job_place import JobPlace
from sdcm.redaction import Redactor
from sdcm.reporters.merging.attempts import Attempt
from sdcm.reporters.merging.voices import Voice
from sdcm.run import report, report_files, services
from sdcm.run.merged_run import MergedRun, merge_into
from sdcm.run.on_kubernetes.asked import OnKubernetes
from sdcm.run.on_kubernetes.following import Following
from sdcm.run.on_kubernetes.pod import DURATIONS_FILE, SPEC_FILE
from sdcm.run.on_kubernetes.target import Target, cluster_of, runner_arguments
from sdcm.run.services_up import SHARDS
from sdcm.scheduling import durations
from sdcm.scheduling.shards import SHARES_FILE, Shard, Shares, share

if TYPE_CHECKING:
    from sdcm.run.pipeline import Run

Known = Mapping[str, durations.Duration]
#: Folder in the run's state directory with what the shards have sent.
_SHARDS_FOLDER = "shards"
_MERGED_FOLDER = "merged"
#: Bytes of a ConfigMap: etcd takes 1 MiB of an object.
_FILES_AT_MOST = 900_000


def submit(run: "Run") -> "Run":
    """Start the broker, which makes the image and the Job and owns them, and wait until the cluster has taken it."""
    on = _asked(run)
    # Read once: another run on this machine may add to the file while the shards run.
    known = durations.read(durations.file_to_read(run.project, run.places, run.environ))
    target = _target(run, on, known)
    report.say(f"  {'kubernetes':<16} {on.shards} shards on context {target.context} of {target.kubeconfig}")
    spec = BrokerSpec(
        run_id=run.run_id,
        allow_install=run.options.setup,
        kubernetes="none",
        db=run.options.db,
        environ=engine_environ(run.environ),
        leaks="off",
        shards=target.to_record(),
    )
    broker = OpenBroker.start(spec, run.places, run.environ)
    run.stack.callback(services.end, run, broker)
    try:
        with BrokerClient(broker.socket_path, "runner") as client:
            place = JobPlace.from_facts(client.ask("wait", service=SHARDS)["environ"])
    except SctError as exc:
        exc.evidence = ""  # the step has told of it: it is in its log and in the reports
        raise
    return replace(run, broker=broker, place=place, shares=_shares(run, known))


def follow(run: "Run") -> "Run":
    """Follow the shards until all are back or lost, and merge what they have sent."""
    on, shares = _asked(run), run.shares
    voices = {number: Voice(str(number)) for number in range(1, on.shards + 1)}

    def heard(number: int, record: dict[str, Any]) -> None:
        if (told := voices[number].record(record)) is not None:
            run.journal.append(told)

    def check() -> None:
        if run.broker is not None and not run.broker.alive():
            raise EnvironmentFailed("the broker has ended", why=run.broker.last_words())

    assert run.place is not None
    assert shares is not None
    with Following(run.place, on.shards, run.state / _SHARDS_FOLDER, run.journal, heard) as following:
        following.until_back(check)
    for shard in following.shards:
        back = shard.back
        if back is not None and back.log.digest and back.log.digest != shares.digest:
            report.complain(
                f"shard {shard.index + 1}/{on.shards} has split other tests than this machine "
                f"({back.log.digest}, here {shares.digest}): tests may be missing, or have run twice"
            )
    return replace(run, merged=_merge(run, following, shares))


def finish(run: "Run") -> ExitCode:
    """Print the merged summary and return the exit code: that of the shards, and of what went wrong here."""
    assert run.merged is not None
    here = report_files.read(run.state)
    codes = {run.merged.exit_code}
    if here.environment_failures:
        codes.add(ExitCode.ENVIRONMENT_FAILED)
    if here.leftovers:
        codes.add(ExitCode.LEAKED)
    if run.options.allow_all_skipped and codes == {ExitCode.UNAVAILABLE} and run.merged.result.all_skipped_for_services:
        codes = {ExitCode.OK}
    if run.interrupts.count:
        codes.add(ExitCode.INTERRUPTED)
    code = first_that_applies(codes)
    run.journal.write("run-end", exit_code=code)
    report.tell_github(run.merged.result, run.project, run.environ)
    for leftover in here.leftovers:
        report.complain(f"left on the cluster: {leftover}")
    for line in run.merged.lines:
        report.say(line)
    return code


def _asked(run: "Run") -> OnKubernetes:
    assert run.options.on is not None
    return run.options.on


def _shares(run: "Run", known: Known) -> Shares:
    assert run.selection is not None
    return share(run.selection.tests, _asked(run).shards, durations.seconds_by_test(known))


def _target(run: "Run", on: OnKubernetes, known: Known) -> Target:
    kubeconfig, context = cluster_of(run.options, on, run.environ)
    if outside := [target for target in run.targets if Path(target).is_absolute()]:
        raise UsageProblem(f"-t {outside[0]}", why="it is outside the project, whose files alone are in the image")
    return Target(
        kubeconfig=kubeconfig,
        context=context,
        namespace=on.namespace,
        shards=on.shards,
        image=on.image,
        registry=on.registry,
        cpu=on.cpu,
        memory=on.memory,
        account=on.account,
        project=str(run.project.resolve()),
        files=_files(run, on, known),
        engine=run.plan is not None and "docker" in run.plan.services,
        images=list(run.plan.images) if run.plan is not None else [],
    )


def _files(run: "Run", on: OnKubernetes, known: Known) -> dict[str, str]:
    """Return the ConfigMap's content: what each pod is to run, and the durations that all split by.

    Raises:
        UsageProblem: The durations are too many for a ConfigMap.
    """
    # Where nobody says, as many workers as the pod has processors, however many its node has.
    workers = run.options.workers if run.options.workers is not None or not on.cpu else math.ceil(processors(on.cpu))
    spec = {
        "command": run.options.command,
        "shards": on.shards,
        "arguments": runner_arguments(run.options, run.targets, workers),
        "pytest_arguments": list(run.options.pytest_args),
    }
    content = gzip.compress(durations.to_text(known).encode(), mtime=0)
    files = {SPEC_FILE: json.dumps(spec).encode(), DURATIONS_FILE: content}
    encoded = {name: base64.b64encode(content).decode() for name, content in files.items()}
    if sum(map(len, encoded.values())) > _FILES_AT_MOST:
        raise UsageProblem(
            "the durations file is too large for a ConfigMap",
            why=f"it knows {len(known)} tests",
            mend="name a smaller one: SCT_DURATIONS",
        )
    return encoded


def processors(text: str) -> float:
    """Return how many processors a Kubernetes quantity is: `500m` is 0.5.

    Raises:
        UsageProblem: It is none.
    """
    try:
        return float(text.removesuffix("m")) / 1000 if text.endswith("m") else float(text)
    except ValueError as exc:
        raise UsageProblem(f"--cpu {text}", why="it is no number of processors", mend="--cpu 2, or --cpu 500m") from exc


def _merge(run: "Run", following: Following, shares: Shares) -> MergedRun:
    """Merge what the shards have sent into the run's reports."""
    attempts = [
        Attempt(attempt.log.folder, Shard(shard.index + 1, len(following.shards)), attempt.number, attempt.log.clock)
        for shard in following.shards
        for attempt in shard.attempts
        if (attempt.log.folder / "journal.jsonl").exists()
    ]
    any_told = any((attempt.folder / SHARES_FILE).exists() for attempt in attempts)
    return merge_into(
        run.options.report_dir or run.state / _MERGED_FOLDER,
        attempts,
        count=len(following.shards),
        # What a pod hides depends on its environment: its own account fits its journal.
        shares=None if any_told else shares.as_told(Redactor(os.environ).text),
        why_lost={shard.index + 1: shard.why_lost for shard in following.shards if shard.why_lost},
        environ=_environ(run.environ),
        junit_xml=run.options.junit_xml,
        command=run.options.command,
    )


def _environ(environ: Mapping[str, str]) -> Mapping[str, str]:
    return {**os.environ, **environ}
