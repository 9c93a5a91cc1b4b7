"""Makes the namespaces that tests ask for, and takes them away."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from sdcm.broker.dismissal import Dismissal
from sdcm.broker.gate import Gate
from sdcm.broker.supplies import Supplies
from sdcm.errors import SctError
from sdcm.ownership import labels

_DEADLINE = 120.0
_SERVICE = "kubernetes"


class NamespaceMaker:
    """Makes namespaces on the run's cluster; safe to use from several threads."""

    def __init__(self, supplies: Supplies, gate: Gate, dismissal: Dismissal) -> None:
        """Make them on the cluster of `supplies` for as long as `gate` is open; `dismissal` is told who uses it."""
        self._supplies = supplies
        self._gate = gate
        self._dismissal = dismissal
        self._numbers = itertools.count(1)
        self._closed = False

    def close(self) -> None:
        """Say that the run ends: from now on the cluster may go at any time."""
        self._closed = True

    def make(self) -> tuple[str, Mapping[str, Any], Callable[[], None]]:
        """Make a namespace.

        Returns:
            Its name, the answer to who asked for it, and a function that takes it away.

        Raises:
            SctError: There is no cluster, or it does not make one.
        """
        from sdcm.kubernetes import namespaces
        from sdcm.kubernetes.ownership import LEASE

        cluster = self._supplies.cluster()
        name = f"sct-{self._supplies.run_id}-{next(self._numbers)}"
        # A test's node id is no valid Kubernetes label value; the lease's name stands for it.
        own = {**labels.of_run(self._supplies.run_id, "namespace"), LEASE: name}
        self._dismissal.use(_SERVICE)
        self._gate.enter()
        try:
            entry = self._supplies.ledger.will_make("namespace", name, kubeconfig=cluster.kubeconfig)
            namespaces.make_namespace(cluster.kubeconfig, name, own)
        except BaseException:
            self._dismissal.used(_SERVICE)
            raise
        finally:
            self._gate.leave()

        def remove() -> None:
            namespaces.remove_namespace(cluster.kubeconfig, name, own, _DEADLINE)
            self._supplies.ledger.removed(entry)

        answer = {"namespace": name, "cluster": cluster.to_record(), "labels": own}
        return name, answer, lambda: self._take_away(remove)

    def _take_away(self, remove: Callable[[], None]) -> None:
        """Remove a namespace; a cluster that goes with the run need not wait for that, and takes it along."""
        if not self._supplies.is_passing(_SERVICE):
            try:
                remove()
            finally:
                self._dismissal.used(_SERVICE)
            return
        self._dismissal.used(_SERVICE)
        try:
            remove()
        except SctError:
            if not self._closed and not self._dismissal.is_gone(_SERVICE):
                raise
