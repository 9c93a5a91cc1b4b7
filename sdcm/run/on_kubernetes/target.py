"""What `--on kubernetes` was asked with."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from sdcm.errors import UsageProblem
from sdcm.kubernetes.kubeconfig import read_access
from sdcm.run.on_kubernetes.asked import OnKubernetes
from sdcm.run.options import RunOptions


@dataclass(frozen=True)
class Target:
    """What the broker needs to know to submit the Job.

    Attributes:
        kubeconfig: Path of the kubeconfig.
        context: The context in it.
        namespace: The user's namespace; empty: one of the run's own.
        shards: How many pods.
        image: The user's runner image; empty: it is made.
        registry: Where it is pushed; empty: it is loaded into Kind.
        cpu: A pod's processors; empty: `default_cpu`.
        memory: A pod's memory; empty: the default.
        account: Service account of the pods.
        project: The project's root folder.
        files: The ConfigMap's content: name -> base64.
        engine: The pods need a Docker engine of their own.
        images: What the plan names for it: catalogue names, references, `NODE_IMAGE`.
    """

    kubeconfig: str
    context: str
    namespace: str
    shards: int
    image: str
    registry: str
    cpu: str
    memory: str
    account: str
    project: str
    files: dict[str, str]
    engine: bool = False
    images: list[str] = field(default_factory=list)

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Target":
        """Rebuild it from `to_record`."""
        return cls(**{each.name: record[each.name] for each in fields(cls)})


def cluster_of(options: RunOptions, on: OnKubernetes, environ: Mapping[str, str]) -> tuple[str, str]:
    """Return kubeconfig and context of the cluster: `--kubeconfig`, else KUBECONFIG, else ~/.kube/config.

    Raises:
        UsageProblem: There is none, or it has no such context.
    """
    named = [part for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    candidates = [options.kubeconfig] if options.kubeconfig else named or [str(Path.home() / ".kube" / "config")]
    file = next((Path(each) for each in candidates if Path(each).is_file()), None)
    if file is None:
        raise UsageProblem(
            "--on kubernetes: no cluster",
            why=f"there is no {' and no '.join(candidates)}",
            mend="--kubeconfig PATH, or set KUBECONFIG",
        )
    return str(file.resolve()), read_access(file, on.context).context


def runner_arguments(options: RunOptions, targets: tuple[str, ...], workers: int | None) -> list[str]:
    """Return the options with which each pod's runner is called, beside its shard.

    Args:
        options: The run's own.
        targets: What its `-t` resolved to, relative to the project.
        workers: Workers in a pod; None: worked out there.
    """
    arguments = [word for target in targets if options.tests for word in ("--test", target)]
    arguments += ["--workers", "auto" if workers is None else str(workers)]
    for flag, value in (("-k", options.keyword), ("-m", options.marks)):
        arguments += [flag, value] if value else []
    arguments += ["--repeat", str(options.repeat)] if options.repeat > 1 else []
    arguments += [] if options.test_timeout is None else ["--test-timeout", f"{options.test_timeout:g}"]
    arguments += ["-q"] * max(0, -options.verbosity) + ["-v"] * max(0, options.verbosity)
    if options.integration:
        arguments += [word for label in options.require for word in ("--require", label)]
        arguments += ["--db", options.db, "--leaks", options.leaks]
        # Whether all of them were skipped is asked of all shards together.
        arguments += ["--allow-all-skipped"]
        arguments += ["--fresh-nodes"] if options.fresh_nodes else []
    return arguments
