"""The options by which a run goes to several pods of a cluster."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
#: Options that mean nothing without `--on`, by parameter.
_ONLY_WITH_ON = ("shards", "context", "namespace", "image", "registry", "load_into_kind", "cpu", "memory", "account")
#: Options that mean nothing with it, by parameter: what stays up, and a share of what is shared out.
_NEVER_WITH_ON = {"shard": "--shard", "keep": "--keep", "keep_failed": "--keep-failed"}

#: How many shards a run may have; as in `sdcm.scheduling.shards`, which is not loaded for this.
SHARDS = click.IntRange(1, 1024)

_OPTIONS = [
    click.option("--on", type=click.Choice(["kubernetes"]), help="Run as pods of a cluster, each with a share."),
    click.option("--shards", type=SHARDS, metavar="N", help="With --on: how many pods.  [default: 2]"),
    click.option("--context", metavar="NAME", help="With --on: context of KUBECONFIG; the current one without it."),
    click.option("--namespace", metavar="NAME", help="With --on: one that is there; without it one of the run's own."),
    click.option("--image", metavar="REFERENCE", help="With --on: a runner image of yours; nothing is built."),
    click.option("--registry", metavar="HOST/PATH", help="With --on: where the runner image is pushed."),
    click.option("--load-into-kind", is_flag=True, help="With --on: load it into the nodes of the Kind cluster."),
    click.option("--cpu", metavar="QUANTITY", help="With --on: processors of a pod (500m, 2)."),
    click.option("--memory", metavar="QUANTITY", help="With --on: memory of a pod (2Gi)."),
    click.option("--service-account", "account", metavar="NAME", help="With --on: account of the pods."),
]


def on_options(function: F) -> F:
    """Add the options to a command; its function gets them as `options`, to be passed through `taken`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def taken(options: dict[str, Any]) -> dict[str, Any]:
    """Return a command's options with those of `--on` as one value.

    Raises:
        UsageProblem: Some of them do not go together.
    """
    from sdcm.errors import UsageProblem
    from sdcm.run.on_kubernetes.asked import OnKubernetes

    own = {name: options.pop(name) for name in _ONLY_WITH_ON}
    if options.pop("on") is None:
        if given := [name for name, value in own.items() if value]:
            flag = "--service-account" if given[0] == "account" else f"--{given[0].replace('_', '-')}"
            raise UsageProblem(f"{flag} goes with --on kubernetes", mend=f"--on kubernetes {flag} ...")
        return {**options, "on": None}
    if refused := [flag for name, flag in _NEVER_WITH_ON.items() if options.get(name)]:
        raise UsageProblem(f"{refused[0]} does not go with --on kubernetes", why="nothing runs on this machine")
    words = {name: value or "" for name, value in own.items() if name not in {"shards", "load_into_kind"}}
    on = OnKubernetes(shards=own["shards"] or 2, load_into_kind=own["load_into_kind"], **words)
    return {**options, "on": on}
