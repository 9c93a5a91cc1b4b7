"""Where a run's Job stands in a cluster: a namespace of its own, or one of the user's."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sdcm.errors import DeadlinePassed, ServiceUnavailable
from sdcm.kubernetes.api import Api, ApiRefused
from sdcm.kubernetes.indexed_job import JOB_LABEL, OLDEST
from sdcm.ownership import labels as own_labels

#: Kind of a place in a ledger; its facts are `JobPlace.facts`.
LEDGER_KIND = "kubernetes-job"
_POLL = 0.25
_NAMESPACES = "/api/v1/namespaces"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
#: What a run does there: API group, resource, subresource, verb.
_RIGHTS = (
    ("batch", "jobs", "", "create"),
    ("batch", "jobs", "", "get"),
    ("batch", "jobs", "", "delete"),
    ("", "configmaps", "", "create"),
    ("", "configmaps", "", "delete"),
    ("", "pods", "", "list"),
    ("", "pods", "", "delete"),
    ("", "pods", "log", "get"),
)
#: Label of a namespace that says which pods Kubernetes' own policy lets in.
PRIVILEGED_LABEL = "pod-security.kubernetes.io/enforce"
#: What the server says to whoever lacks a right, whatever is asked for.
_NO_RIGHT = "cannot create resource"
#: And what it says where that label is the reason.
_POD_SECURITY = "violates PodSecurity"
#: Seconds that pods have to end once their Job is removed: what they hold is worth nothing then.
_POD_GRACE = 1


@dataclass(frozen=True)
class JobPlace:
    """The place of one Job.

    Attributes:
        kubeconfig: Path of the kubeconfig.
        context: Context in it.
        namespace: The namespace.
        job: Name of the Job, and of its ConfigMap and Secret.
        own: `yes` where the namespace is the run's own, and goes with it.
    """

    kubeconfig: str
    context: str
    namespace: str
    job: str
    own: str

    def facts(self) -> dict[str, str]:
        """Return the place as ledger facts; see `from_facts`."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: Mapping[str, str]) -> "JobPlace":
        """Rebuild a place from ledger facts."""
        return cls(**{field.name: facts[field.name] for field in fields(cls)})

    def api(self) -> Api:
        """Return the cluster's API, not yet connected."""
        return Api.of(Path(self.kubeconfig), self.context)

    @property
    def path(self) -> str:
        """The Job's path on the API server."""
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{self.job}"

    @property
    def pods_path(self) -> str:
        """The path of the namespace's pods."""
        return f"{_NAMESPACES}/{self.namespace}/pods"

    def pods(self, api: Api) -> list[dict[str, Any]]:
        """Return the Job's pods."""
        return api.items(self.pods_path, {"labelSelector": f"{JOB_LABEL}={self.job}"})


def require(api: Api, place: JobPlace) -> None:
    """Find out, before anything is made, whether the Job can be made there.

    Raises:
        ServiceUnavailable: The cluster is too old, a right is missing, or the namespace is not there; says which.
        ApiSilent: The cluster does not answer.
    """
    version = api.call("GET", "/version")
    number = (int(str(version["major"]).rstrip("+")), int(str(version["minor"]).rstrip("+")))
    if number < OLDEST:
        raise ServiceUnavailable(
            f"--on kubernetes: context {place.context} is Kubernetes {number[0]}.{number[1]}",
            why=f"Jobs with a limit of failures for each shard came with {OLDEST[0]}.{OLDEST[1]}",
        )
    wanted = [*((("", "namespaces", "", "create"),) if place.own else ()), *_RIGHTS]
    for group, resource, sub, verb in wanted:
        if not _may(api, place, group, resource, sub, verb):
            shown = f"{resource}/{sub}" if sub else resource
            where = "" if resource == "namespaces" else f" in namespace {place.namespace}"
            hint = "name one that you may use with --namespace; " if resource == "namespaces" else ""
            raise ServiceUnavailable(
                f"--on kubernetes: context {place.context} may not {verb} {shown}{where}",
                mend=f"{hint}kubectl --context {place.context} auth can-i {verb} {shown}"
                + ("" if resource == "namespaces" else f" -n {place.namespace}"),
            )
    if not place.own and _is_absent(api, place.namespace):
        raise ServiceUnavailable(
            f"--namespace {place.namespace}",
            why=f"context {place.context} has none such",
            mend=f"kubectl --context {place.context} create namespace {place.namespace}",
        )


def _may(api: Api, place: JobPlace, group: str, resource: str, sub: str, verb: str) -> bool:
    asked = {"group": group, "resource": resource, "verb": verb, **({"subresource": sub} if sub else {})}
    if resource != "namespaces":
        asked["namespace"] = place.namespace
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {"resourceAttributes": asked},
    }
    return bool(api.call("POST", _REVIEWS, review)["status"]["allowed"])


def _is_absent(api: Api, namespace: str) -> bool:
    try:
        return api.get(f"{_NAMESPACES}/{namespace}") is None
    except ApiRefused:
        return False  # who may not look may still use it


def require_admission(api: Api, place: JobPlace, pod: Mapping[str, Any]) -> None:
    """Find out whether privileged pods are let into the namespace, without making one.

    Whoever may make Jobs and no pods cannot be told; then the Job's events tell.

    Raises:
        ServiceUnavailable: A policy keeps them out; says which, in its words.
        ApiSilent: The cluster does not answer.
    """
    try:
        api.call("POST", place.pods_path, pod, query={"dryRun": "All"})
    except ApiRefused as exc:
        if exc.status != HTTPStatus.FORBIDDEN or _NO_RIGHT in exc.why:
            return
        label = f"kubectl --context {place.context} label --overwrite namespace {place.namespace} {PRIVILEGED_LABEL}"
        other = f"{label}=privileged" if _POD_SECURITY in exc.why else "another --namespace"
        raise ServiceUnavailable(
            f"--on kubernetes: namespace {place.namespace} of context {place.context} takes no pod of this run, "
            "which are privileged, as some tests need Docker",
            why=exc.why,
            mend=f"choose tests without Docker, or: {other}",
        ) from exc


def submit(api: Api, place: JobPlace, objects: Mapping[str, Mapping[str, Any]]) -> None:
    """Make objects in the place.

    Args:
        api: The cluster's.
        place: Where.
        objects: Path of a collection below the namespace (`configmaps`, `batch/v1/jobs`) -> object; in this order.

    Raises:
        ServiceUnavailable: The cluster refuses one; says why in its words.
        ApiSilent: It does not answer.
    """
    for kind, item in objects.items():
        group, slash, plural = kind.rpartition("/")
        base = f"/apis/{group}" if slash else "/api/v1"
        try:
            # A field that this cluster does not know would else be dropped without a word.
            strictly = {"fieldValidation": "Strict"}
            api.call("POST", f"{base}/namespaces/{place.namespace}/{plural}", item, query=strictly)
        except ApiRefused as exc:
            raise ServiceUnavailable(
                f"--on kubernetes: the cluster takes no {plural.rstrip('s')} in namespace {place.namespace}",
                why=exc.why,
                mend=f"kubectl --context {place.context} auth can-i create {plural} -n {place.namespace}",
            ) from exc


def clear(place: JobPlace, run_id: str, deadline: float) -> None:
    """Remove what a run has made in a place, its own namespace included; returns when all is gone.

    Args:
        place: The place.
        run_id: The run; a namespace that does not carry its label is not touched.
        deadline: Seconds for it.

    Raises:
        DeadlinePassed: Something is still there.
        ApiSilent: The cluster does not answer.
    """
    api, end = place.api(), time.monotonic() + deadline
    mine = {"labelSelector": f"{own_labels.RUN}={run_id}"}
    try:
        _let_go(api, place, run_id, mine)
        while left := _left(api, place, run_id, mine):
            if time.monotonic() > end:
                raise DeadlinePassed(
                    f"Job {place.job} in namespace {place.namespace} was not gone after {deadline:g} s",
                    why=f"still there: {', '.join(left[:10])}",
                    mend=f"kubectl --context {place.context} -n {place.namespace} get jobs,pods",
                )
            time.sleep(_POLL)
    finally:
        api.close()


def _let_go(api: Api, place: JobPlace, run_id: str, mine: Mapping[str, str]) -> None:
    """Delete the Job first, so that it makes no new pods for those that are deleted next."""
    api.delete(place.path, {"propagationPolicy": "Background"})
    for pod in _of_run(api, place, mine):
        api.delete(f"{place.pods_path}/{pod}", {"gracePeriodSeconds": _POD_GRACE})
    for plural in ("configmaps", "secrets"):
        api.delete(f"{_NAMESPACES}/{place.namespace}/{plural}/{place.job}")
    if place.own and own_labels.is_ours(_labels(api.get(f"{_NAMESPACES}/{place.namespace}")), run_id):
        api.delete(f"{_NAMESPACES}/{place.namespace}", {"propagationPolicy": "Background"})


def _labels(item: Mapping[str, Any] | None) -> Mapping[str, str]:
    return (item or {}).get("metadata", {}).get("labels") or {}


def _of_run(api: Api, place: JobPlace, mine: Mapping[str, str]) -> list[str]:
    return [str(pod["metadata"]["name"]) for pod in api.items(place.pods_path, mine)]


def _left(api: Api, place: JobPlace, run_id: str, mine: Mapping[str, str]) -> list[str]:
    left = [f"pod {name}" for name in _of_run(api, place, mine)]
    if api.get(place.path) is not None:
        left.append(f"job {place.job}")
    if place.own and own_labels.is_ours(_labels(api.get(f"{_NAMESPACES}/{place.namespace}")), run_id):
        left.append(f"namespace {place.namespace}")
    return left
