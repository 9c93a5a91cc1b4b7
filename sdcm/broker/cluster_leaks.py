"""What tests leave in a Kubernetes cluster outside of their leases: namespaces, and objects that are in none.

At the end of each test that needs a cluster, all such objects are listed; what is new, and no lease's, was made by
that test or by one that ran beside it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sdcm.broker.spans import Span, Spans
from sdcm.errors import SctError
from sdcm.journal import Journal
from sdcm.kubernetes.api import Api, Resource
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.kubernetes.ownership import LEASE, holders
from sdcm.ownership import labels

#: Kinds of objects that the cluster itself makes and changes all the time.
_THE_CLUSTERS_OWN = frozenset(
    {
        "Node", "CSINode", "VolumeAttachment", "ComponentStatus", "CertificateSigningRequest", "FlowSchema",
        "PriorityLevelConfiguration", "IPAddress", "StorageVersion", "StorageVersionMigration", "ResourceSlice",
        "ClusterTrustBundle", "PodCertificateRequest",
    }
)  # fmt: skip
#: Label of API services that a definition (CRD) brings with it.
_AUTOMATIC = "kube-aggregator.kubernetes.io/automanaged"
_NOT_OURS = "not our cluster: whoever made it removes it"


@dataclass(frozen=True)
class _New:
    """Something that was not there when the cluster was last looked at.

    Attributes:
        kind: Its kind of object.
        name: Its name.
        makers: The tests that may have made it.
    """

    kind: Resource
    name: str
    makers: tuple[Span, ...]


class ClusterWatch:
    """Looks at the run's cluster when tests begin and end; safe to use from several threads."""

    def __init__(
        self, spans: Spans, journal: Journal, cluster: Callable[[], ClusterRecord | None], *, is_ours: bool
    ) -> None:
        """Look at nothing yet.

        Args:
            spans: Who made things when.
            journal: Where leaks are told of whose test's run has no journal of its own.
            cluster: Returns the cluster, None while there is none.
            is_ours: Whether what is left in it may be removed.
        """
        self._spans = spans
        self._journal = journal
        self._cluster = cluster
        self._is_ours = is_ours
        self._lock = threading.Lock()
        self._kinds: list[Resource] = []
        self._known: set[str] = set()
        self._pending: dict[str, _New] = {}
        self._tests: list[Span] = []
        self._looked = 0.0

    def begin(self, span: Span) -> None:
        """Remember what is there before the first test that needs a cluster."""
        if "kubernetes" not in span.services:
            return
        with self._lock:
            self._tests.append(span)
            if not self._looked and (cluster := self._cluster()) is not None:
                self._with_api(cluster, self._remember)

    def end(self, span: Span) -> None:
        """Look for what a test has left."""
        if "kubernetes" not in span.services:
            return
        with self._lock:
            self._look()

    def settle(self) -> None:
        """Give the verdicts that are due."""
        with self._lock:
            if self._pending:
                self._look()

    def close(self) -> None:
        """Give the last verdicts, but for a cluster of our own: it goes with all that is in it."""
        if not self._is_ours:
            self.settle()

    def _look(self) -> None:
        cluster = self._cluster()
        if cluster is not None and self._looked:
            self._with_api(cluster, self._find_and_judge)

    def _with_api(self, cluster: ClusterRecord, act: Callable[[Api], None]) -> None:
        api = Api.of(cluster.kubeconfig, cluster.context)
        try:
            act(api)
        except SctError:
            return  # a cluster that does not answer is told of by whoever needs it
        finally:
            api.close()

    def _remember(self, api: Api) -> None:
        self._kinds = [
            kind
            for kind in api.all_resources()
            if not kind.namespaced and {"list", "delete"} <= kind.verbs and kind.kind not in _THE_CLUSTERS_OWN
        ]
        self._known = {item["metadata"]["uid"] for kind in self._kinds for item in api.items(kind.path())}
        self._looked = time.time()

    def _find_and_judge(self, api: Api) -> None:
        self._find_new(api)
        self._judge(api)

    def _find_new(self, api: Api) -> None:
        since, self._looked = self._looked, time.time()
        for kind in self._kinds:
            for item in api.items(kind.path()):
                number = item["metadata"]["uid"]
                if number in self._known:
                    continue
                self._known.add(number)
                if not _has_owner(item):
                    self._pending[number] = _New(kind, item["metadata"]["name"], self._makers(item, since))
        self._tests = [span for span in self._tests if not span.over or span.over > since - 1]

    def _makers(self, item: Mapping[str, Any], since: float) -> tuple[Span, ...]:
        """Return the tests that ran when an object was made, which the cluster tells in whole seconds."""
        made = datetime.fromisoformat(item["metadata"]["creationTimestamp"]).timestamp()
        first, last = max(made, since), made + 1
        innermost: dict[str, Span] = {}
        for span in self._tests:
            if span.opened <= last and (not span.shut or span.shut >= first):
                innermost[span.worker] = span
        return tuple(innermost.values())

    def _judge(self, api: Api) -> None:
        for number, new in list(self._pending.items()):
            if any(self._spans.over_since(maker) is None for maker in new.makers):
                continue
            del self._pending[number]
            path = new.kind.path(name=new.name)
            found = api.get(path)
            if found is None or "deletionTimestamp" in found["metadata"] or found["metadata"]["uid"] != number:
                continue
            if self._is_ours:
                api.delete(path, {"propagationPolicy": "Background"})
            self._tell(new)

    def _tell(self, new: _New) -> None:
        tests = sorted({maker.label for maker in new.makers})
        leak = {
            "kind": new.kind.kind.lower(),
            "name": new.name,
            "test": tests[0] if len(tests) == 1 else "",
            "during": tests if len(tests) > 1 else [],
            "state": "removed" if self._is_ours else "left",
            "reason": "" if self._is_ours else _NOT_OURS,
            # In a cluster of the user's anybody may work; in ours only tests do.
            "sure": self._is_ours,
        }
        files = {maker.journal for maker in new.makers if maker.journal} or {str(self._journal.path)}
        for file in filter(Path.exists, map(Path, files)):
            journal = Journal(file)
            journal.write("leak", **leak)
            journal.close()


def _has_owner(item: Mapping[str, Any]) -> bool:
    """Whether an object is a lease's, goes with another one, or is being deleted."""
    metadata = item["metadata"]
    found = metadata.get("labels") or {}
    if holders(item) or LEASE in found or labels.RUN in found or _AUTOMATIC in found:
        return True
    claim = (item.get("spec") or {}).get("claimRef")
    bound = claim and item["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
    return bool(bound or metadata.get("ownerReferences") or "deletionTimestamp" in metadata)
