"""The broker's side: makes a test's namespace, and removes it with all that was made outside it.

Order of a removal. Custom resources go first, while their controller still runs to finish them; then the
namespaces and the cluster-wide objects; definitions (CRDs) last. What a controller does not finish in
half of the time loses its finalizers, so that it hangs nobody.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sdcm.errors import DeadlinePassed
from sdcm.kubernetes.api import MERGE_PATCH, Api, ApiRefused, Resource
from sdcm.kubernetes.ownership import describe, holder_label, holders, lease_of

_LOG = logging.getLogger(__name__)
_POLL = 0.2
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NAMESPACES = "/api/v1/namespaces"
_NOW: Mapping[str, Any] = {"propagationPolicy": "Background"}
_POD_GRACE = 1


def make_namespace(kubeconfig: str | Path, name: str, labels: Mapping[str, str], context: str = "") -> None:
    """Make a namespace, and return when its default service account is there for pods to run as.

    Args:
        kubeconfig: The cluster's kubeconfig.
        name: Name of the namespace.
        labels: Labels of the lease; they name the run and the lease.
        context: Context in the kubeconfig; its current one when empty.

    Raises:
        ApiRefused: It exists, or may not be made.
        DeadlinePassed: The cluster does not equip it.
    """
    api = Api.of(kubeconfig, context)
    try:
        metadata = {"name": name, "labels": dict(labels)}
        api.call("POST", _NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        account = f"{_NAMESPACES}/{name}/serviceaccounts/default"
        if not _until(lambda: api.get(account) is not None, time.monotonic() + 30):
            raise DeadlinePassed(f"namespace {name} has no default service account after 30 s",
                                 mend="kubectl -n kube-system get pods")  # fmt: skip
    finally:
        api.close()


def remove_namespace(kubeconfig: str | Path, name: str, labels: Mapping[str, str], deadline: float) -> None:
    """Remove a test's namespace and everything that its lease holds outside it; returns when all is gone.

    Args:
        kubeconfig: The cluster's kubeconfig.
        name: Name of the namespace.
        labels: Labels of the lease.
        deadline: Seconds for it.

    Raises:
        DeadlinePassed: Something is still there; the error says what.
    """
    api = Api.of(kubeconfig)
    try:
        _Removal(api, name, lease_of(labels), deadline).run()
    finally:
        api.close()


def _until(done: Callable[[], bool], end: float) -> bool:
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL)
    return True


def _path_of(kind: Resource, item: Mapping[str, Any]) -> str:
    metadata = item["metadata"]
    return kind.path(metadata.get("namespace", ""), metadata["name"])


class _Removal:
    """One removal on its way."""

    def __init__(self, api: Api, name: str, lease: str, deadline: float) -> None:
        self._api = api
        self._name = name
        self._lease = lease
        self._start = time.monotonic()
        self._deadline = deadline
        self._query = {"labelSelector": holder_label(lease)}

    def run(self) -> None:
        cluster_wide = [kind for kind in self._api.all_resources() if not kind.namespaced and "delete" in kind.verbs]
        held = {kind: found for kind in cluster_wide if (found := self._held(kind))}
        extra = [item["metadata"]["name"] for kind, items in held.items() if kind.kind == "Namespace" for item in items]
        places = [self._name, *(each for each in extra if each != self._name)]
        self._finish_custom(places)
        for place in places:
            self._api.delete(f"{_NAMESPACES}/{place}", _NOW)
            self._hurry_pods(place)
        definitions = {kind: items for kind, items in held.items() if kind.kind == "CustomResourceDefinition"}
        others = {kind: items for kind, items in held.items() if kind not in definitions and kind.kind != "Namespace"}
        self._let_go(others)
        self._let_go(definitions)
        left: list[str] = []

        def gone() -> bool:
            left[:] = self._left(places, {**others, **definitions})
            return not left

        if not _until(gone, self._start + self._deadline):
            raise DeadlinePassed(
                f"namespace {self._name} was not gone after {self._deadline:g} s",
                why=f"still there: {', '.join(left[:10])}",
                mend=f"kubectl get namespace {self._name} -o yaml",
            )

    # -- custom resources --------------------------------------------------------------------------

    def _custom_kinds(self) -> list[Resource]:
        """Return the kinds of objects that CRDs define."""
        kinds: list[Resource] = []
        for definition in self._api.items(_CRDS):
            spec, names = definition["spec"], definition["spec"]["names"]
            version = next((each["name"] for each in spec["versions"] if each.get("served")), None)
            if version:
                kinds.append(Resource(f"{spec['group']}/{version}", names["kind"], names["plural"],
                                      spec["scope"] == "Namespaced", frozenset(), frozenset()))  # fmt: skip
        return kinds

    def _custom_objects(self, kinds: Iterable[Resource], places: list[str]) -> list[tuple[Resource, dict[str, Any]]]:
        """Return the custom resources in these namespaces, and those outside that the lease alone holds."""
        found: list[tuple[Resource, dict[str, Any]]] = []
        for kind in kinds:
            if kind.namespaced:
                found += [(kind, item) for place in places for item in self._api.items(kind.path(place))]
            else:
                items = self._api.items(kind.path(), self._query)
                found += [(kind, item) for item in items if holders(item) == {self._lease}]
        return found

    def _finish_custom(self, places: list[str]) -> None:
        """Delete custom resources and wait for their controllers to finish them."""
        kinds: set[Resource] = set()
        for kind, item in self._custom_objects(self._custom_kinds(), places):
            kinds.add(kind)
            self._api.delete(_path_of(kind, item), _NOW)
        half = self._deadline / 2
        if _until(lambda: not self._custom_objects(kinds, places), self._start + half):
            return
        for kind, item in self._custom_objects(kinds, places):
            what, finalizers = describe(item, kind.kind), item["metadata"].get("finalizers")
            _LOG.warning("%s was not finished in %g s and loses its finalizers %s", what, half, finalizers)
            self._patch(_path_of(kind, item), {"metadata": {"finalizers": None}})

    # -- the rest ----------------------------------------------------------------------------------

    def _held(self, kind: Resource) -> list[dict[str, Any]]:
        return self._api.items(kind.path(), self._query) if "list" in kind.verbs else []

    def _let_go(self, held: Mapping[Resource, list[dict[str, Any]]]) -> None:
        """Delete what this lease alone holds; take its label off the rest."""
        for kind, items in held.items():
            for item in items:
                path, state = kind.path(name=item["metadata"]["name"]), item
                while state and not self._delete_or_unlabel(path, state):
                    state = self._api.get(path) or {}

    def _delete_or_unlabel(self, path: str, item: Mapping[str, Any]) -> bool:
        """Return False when another lease changed the object meanwhile."""
        version = item["metadata"]["resourceVersion"]
        try:
            if holders(item) <= {self._lease}:
                self._api.delete(path, {**_NOW, "preconditions": {"resourceVersion": version}})
            else:
                label = {holder_label(self._lease): None}
                self._patch(path, {"metadata": {"labels": label, "resourceVersion": version}})
        except ApiRefused as exc:
            if exc.status == 409:
                return False
            raise
        return True

    def _hurry_pods(self, place: str) -> None:
        """End pods within a second: nobody waits for what they would do in their grace period."""
        path = f"{_NAMESPACES}/{place}/pods"
        self._api.delete(path, {"gracePeriodSeconds": _POD_GRACE})

    def _patch(self, path: str, change: Mapping[str, Any]) -> None:
        try:
            self._api.call("PATCH", path, change, content_type=MERGE_PATCH)
        except ApiRefused as exc:
            if exc.status != 404:
                raise

    def _left(self, places: list[str], held: Mapping[Resource, Any]) -> list[str]:
        left = [self._namespace_state(found) for place in places if (found := self._api.get(f"{_NAMESPACES}/{place}"))]
        for kind in held:
            left += [describe(item, kind.kind) for item in self._held(kind)]
        for volume in self._api.items("/api/v1/persistentvolumes"):
            claim = volume["spec"].get("claimRef") or {}
            if claim.get("namespace") in places and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
                left.append(describe(volume, "persistentvolume"))
        return left

    @staticmethod
    def _namespace_state(namespace: Mapping[str, Any]) -> str:
        conditions = namespace.get("status", {}).get("conditions") or []
        told = [each["message"] for each in conditions if each.get("status") == "True" and each.get("message")]
        return describe(namespace, "namespace") + (f" ({'; '.join(told)})" if told else "")
