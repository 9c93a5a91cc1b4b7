"""Applies objects for a test: labelled, in its own namespaces, never over what is not the test's."""

import time
from collections.abc import Mapping
from typing import Any

from sdcm.errors import DeadlinePassed, UsageProblem
from sdcm.kubernetes.api import APPLY_PATCH, Api, ApiRefused, Resource
from sdcm.kubernetes.conditions import is_met
from sdcm.kubernetes.ownership import LEASE, MANAGER, describe, holder_label, holders, is_of_run, lease_of

_POLL = 0.05
_ESTABLISHED_IN = 30.0
#: Seconds for an object of an earlier test of the run to be gone.
_LEAVES_IN = 30.0


class Applying:
    """Applies objects into one namespace."""

    def __init__(self, api: Api, namespace: str, labels: Mapping[str, str]) -> None:
        """Apply into `namespace`; everything made carries `labels`."""
        self._api = api
        self._namespace = namespace
        self._labels = dict(labels)
        self._lease = lease_of(labels)
        self._known: dict[str, tuple[Resource, ...]] = {}
        self._by_name: dict[str, Resource] = {}

    def apply(self, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Make or change objects, in this order; see `KubernetesNamespace.apply`."""
        made = [self._apply(item) for item in objects]
        for item in made:
            if item.get("kind") == "CustomResourceDefinition":
                # discovery knew nothing of its kind yet
                self._known.clear()
        return made

    def resource_named(self, name: str) -> Resource:
        """Return the kind of object that people call `name`, or `name.group`.

        Raises:
            UsageProblem: The cluster knows no such kind.
        """
        wanted = name.lower()
        if wanted not in self._by_name:
            # core kinds win over those of other groups that share a name, as with kubectl
            for resource in self._api.all_resources():
                group = resource.group_version.rpartition("/")[0]
                for each in resource.names:
                    self._by_name.setdefault(each, resource)
                    self._by_name.setdefault(f"{each}.{group}", resource)
        try:
            return self._by_name[wanted]
        except KeyError:
            raise UsageProblem(f"the cluster knows no kind {name!r}", mend="kubectl api-resources") from None

    # -- one object --------------------------------------------------------------------------------

    def _apply(self, item: Mapping[str, Any]) -> dict[str, Any]:
        resource = self._resource_of(item)
        if resource.namespaced:
            return self._apply_inside(resource, item)
        made = self._apply_outside(resource, item)
        return self._established(resource, made) if resource.kind == "CustomResourceDefinition" else made

    def _apply_inside(self, resource: Resource, item: Mapping[str, Any]) -> dict[str, Any]:
        place = item["metadata"].get("namespace") or self._namespace
        if place != self._namespace:
            self._require_ours(place, item)
        body = self._labelled(item, {"namespace": place}, self._labels)
        if not body["metadata"].get("name"):
            return dict(self._api.call("POST", resource.path(place), body))
        query = {"fieldManager": MANAGER, "force": "true"}
        path = resource.path(place, body["metadata"]["name"])
        return dict(self._api.call("PATCH", path, body, query=query, content_type=APPLY_PATCH))

    def _apply_outside(self, resource: Resource, item: Mapping[str, Any], *, may_race: bool = True) -> dict[str, Any]:
        """Apply an object outside namespaces; another test of the run may hold the same one."""
        body = self._labelled(item, {}, {**self._labels, holder_label(self._lease): "held"})
        path = resource.path(name=body["metadata"]["name"])
        found = self._unless_leaving(path, item)
        if found is not None:
            if not is_of_run(found, self._labels):
                raise UsageProblem(f"{describe(item)} is in the cluster already and is not this run's",
                                   mend="give it a name of the test's own")  # fmt: skip
            if holders(found) - {self._lease}:
                # the first holder's lease stays the object's; ours is in the holder label
                del body["metadata"]["labels"][LEASE]
        # A manager for each lease and no force: the same content is shared, other content is a conflict.
        query = {"fieldManager": f"{MANAGER}-{self._lease}", "force": "false"}
        try:
            return dict(self._api.call("PATCH", path, body, query=query, content_type=APPLY_PATCH))
        except ApiRefused as exc:
            if exc.status == 409 and found is None and may_race:
                # Another test made it between the look and the request.
                return self._apply_outside(resource, item, may_race=False)
            if exc.status == 409 and found is not None and holders(found) - {self._lease}:
                raise UsageProblem(
                    f"another running test holds {describe(item)} with other content",
                    why=exc.why,
                    mend="give it a name of the test's own, or put both tests into one xdist_group",
                ) from exc
            raise

    def _unless_leaving(self, path: str, item: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return an object, or None when there is none; one that is being deleted is awaited to be gone."""
        end = time.monotonic() + _LEAVES_IN
        while (found := self._api.get(path)) is not None and "deletionTimestamp" in found["metadata"]:
            if not is_of_run(found, self._labels):
                break
            if time.monotonic() > end:
                raise DeadlinePassed(f"{describe(item)} is still being deleted after {_LEAVES_IN:g} s")
            time.sleep(_POLL)
        return dict(found) if found is not None else None

    def _labelled(
        self, item: Mapping[str, Any], metadata: Mapping[str, str], labels: Mapping[str, str]
    ) -> dict[str, Any]:
        merged = {**item["metadata"], **metadata, "labels": {**(item["metadata"].get("labels") or {}), **labels}}
        # what an object that was read from a cluster carries, and an applied one may not
        merged.pop("managedFields", None)
        merged.pop("resourceVersion", None)
        return {**item, "metadata": merged}

    def _require_ours(self, namespace: str, item: Mapping[str, Any]) -> None:
        found = self._api.get(f"/api/v1/namespaces/{namespace}")
        if found is None or self._lease not in holders(found):
            raise UsageProblem(
                f"{describe(item)} is not in this test's namespace {self._namespace}",
                mend="leave metadata.namespace out, or apply the Namespace too",
            )

    def _resource_of(self, item: Mapping[str, Any]) -> Resource:
        group_version, kind = str(item["apiVersion"]), str(item["kind"])
        if group_version not in self._known:
            self._known[group_version] = self._api.resources(group_version)
        for resource in self._known[group_version]:
            if resource.kind == kind:
                return resource
        del self._known[group_version]
        raise UsageProblem(f"the cluster knows no {kind} in {group_version}", mend="apply its CRD before it")

    def _established(self, resource: Resource, item: dict[str, Any]) -> dict[str, Any]:
        """Wait until the API server serves the kind that a CRD defines."""
        path = resource.path(name=item["metadata"]["name"])
        spec = item["spec"]
        served = [f"{spec['group']}/{each['name']}" for each in spec["versions"] if each.get("served")]
        end = time.monotonic() + _ESTABLISHED_IN
        while True:
            found = self._api.get(path) or {}
            # The condition comes some moments before discovery and storage follow it.
            if is_met(found, "Established") and all(self._serves(version, spec["names"]["kind"]) for version in served):
                self._known.clear()
                self._by_name.clear()
                return dict(found)
            if time.monotonic() > end:
                raise DeadlinePassed(f"{describe(item)} was not established after {_ESTABLISHED_IN:g} s",
                                     why=str((found.get("status") or {}).get("conditions")))  # fmt: skip
            time.sleep(_POLL)

    def _serves(self, group_version: str, kind: str) -> bool:
        return any(resource.kind == kind for resource in self._api.resources(group_version))
