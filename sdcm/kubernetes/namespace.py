"""What a test gets of a cluster: a namespace of its own."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sdcm import paths, process
from sdcm.errors import DeadlinePassed, SctError, ServiceUnavailable, UsageProblem
from sdcm.kubernetes import evidence, manifests
from sdcm.kubernetes.api import Api, Resource
from sdcm.kubernetes.applying import Applying
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.kubernetes.conditions import Condition, hopeless, is_met, selector_of
from sdcm.kubernetes.manifests import Manifest
from sdcm.kubernetes.port_forward import port_forward
from sdcm.process import Completed

if TYPE_CHECKING:
    from kubernetes import client as kubernetes_client

_POLL = 0.2
_LOG_LINES = 60


class WorkloadFailed(SctError):
    """What was awaited can't happen any more: a pod has failed for good."""


class KubernetesNamespace:
    """A namespace on a cluster that other tests may share.

    Attributes:
        name: The namespace.
        cluster: The cluster.
        kubeconfig: Path of the cluster's kubeconfig.
        context: Context in it.
        labels: Labels of the lease, which everything made here carries.
    """

    WHAT = "namespace"

    def __init__(
        self, cluster: ClusterRecord, name: str, labels: Mapping[str, str], loader: Callable[[str], str]
    ) -> None:
        """Take a namespace that exists.

        Args:
            cluster: The cluster.
            name: The namespace.
            labels: Labels of the lease.
            loader: Makes an image present in the cluster and returns the reference to use in manifests.
        """
        self.name = name
        self.cluster = cluster
        self.kubeconfig = cluster.kubeconfig
        self.context = cluster.context
        self.labels = dict(labels)
        self._loader = loader
        self._undo = ExitStack()

    def __enter__(self) -> "KubernetesNamespace":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close port forwards and connections that are still open; the broker removes the namespace."""
        self._undo.close()

    # -- making ------------------------------------------------------------------------------------

    def apply(self, source: Manifest, values: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Make or change objects.

        Every object gets the labels of this test's lease, so that it is gone after the test; one outside
        namespaces (a CRD, a cluster role, ...) too. One that is there already and is not this run's is
        refused; one that another test of this run holds is shared when its content is the same.

        Args:
            source: Path of a YAML file, YAML text, an object, or several objects.
            values: What `${NAME}` in the file or text stands for.

        Returns:
            The objects as the cluster has them.

        Raises:
            UsageProblem: The manifest can't be read, or touches what is not this test's.
            ApiRefused: The cluster refuses an object.
        """
        return self._applying.apply(manifests.read(source, values))

    def apply_file(self, path: str | Path, environ: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Apply a YAML file; `environ` says what `${NAME}` in it stands for. See `apply`."""
        return self.apply(Path(path), environ)

    def load_image(self, image: str) -> str:
        """Make an image present in the cluster, and return the reference to name it by in manifests.

        Args:
            image: Name in the image catalogue, or a reference.
        """
        return self._loader(image)

    # -- looking -----------------------------------------------------------------------------------

    def get(self, target: str) -> dict[str, Any] | None:
        """Return an object, None when there is none; `target` is `kind/name` or `kind.group/name`."""
        resource, name = self._resolve(target)
        found = self._api.get(resource.path(self.name if resource.namespaced else "", name))
        return dict(found) if found is not None else None

    def pods(self, selector: str = "") -> list[dict[str, Any]]:
        """Return the pods of the namespace that a label selector chooses; all without one."""
        query = {"labelSelector": selector} if selector else None
        return self._api.items(f"/api/v1/namespaces/{self.name}/pods", query)

    def logs(self, pod: str, container: str = "", *, lines: int | None = None, previous: bool = False) -> str:
        """Return the log of a pod's container.

        Args:
            pod: The pod.
            container: The container; may be left out where there is one.
            lines: Only the last so many lines.
            previous: The log of the container before its last restart.

        Raises:
            ApiRefused: There is no such pod, container or log.
        """
        query = {"previous": "true"} if previous else {}
        if container:
            query["container"] = container
        if lines is not None:
            query["tailLines"] = str(lines)
        return self._api.text("GET", f"/api/v1/namespaces/{self.name}/pods/{pod}/log", query=query)

    def evidence(self, lines: int = _LOG_LINES) -> str:
        """Return the state of the namespace's pods, its events, and the last lines of each log."""
        return evidence.gather(self._api, self.name, self.pods(), lines)

    def wait(
        self, target: str, condition: Condition = "Ready", timeout: float = 120, *, crash_limit: int = 3
    ) -> dict[str, Any]:
        """Wait until an object is as awaited; ends at once when it can't become so any more.

        Args:
            target: `kind/name`, for example `statefulset/db`, `pvc/data`, `crd/widgets.example.com`,
                `widget/first`. It need not exist yet.
            condition: Name of a condition (`Ready`, `Available`, `Complete`, `Established`), a phase
                (`Running`, `Bound`), `path.to.field=value`, `deleted`, or a function of the object.
                `Ready` of a Deployment, StatefulSet or DaemonSet means all of its pods.
            timeout: Seconds.
            crash_limit: Restarts after which a container that crashes again has failed for good.

        Returns:
            The object as it was then; an empty one after `deleted`.

        Raises:
            WorkloadFailed: A pod has failed for good: its image is missing, it crashes again and again.
            DeadlinePassed: The time is up. Both carry events, pod states and logs.
        """
        end = time.monotonic() + timeout
        while True:
            item = self.get(target)
            if is_met(item, condition):
                return item or {}
            pods = self._pods_of(item)
            name = condition if isinstance(condition, str) else getattr(condition, "__name__", "as awaited")
            if reason := hopeless(item, pods, condition, crash_limit):
                raise WorkloadFailed(f"{target} does not become {name}", why=reason,
                                     evidence=evidence.gather(self._api, self.name, pods, _LOG_LINES))  # fmt: skip
            if time.monotonic() > end:
                state = f"last state: {str((item or {}).get('status'))[:300]}" if item else "there is no such object"
                raise DeadlinePassed(f"{target} was not {name} after {timeout:g} s", why=state,
                                     evidence=evidence.gather(self._api, self.name, pods, _LOG_LINES))  # fmt: skip
            time.sleep(_POLL)

    def wait_nodes_ready(self, timeout: float = 60) -> None:
        """Wait until every node of the cluster is ready.

        Raises:
            DeadlinePassed: The time is up.
        """
        end = time.monotonic() + timeout
        while not ((nodes := self._api.items("/api/v1/nodes")) and all(is_met(node, "Ready") for node in nodes)):
            if time.monotonic() > end:
                raise DeadlinePassed(f"the nodes of {self.cluster.name} were not ready after {timeout:g} s")
            time.sleep(_POLL)

    # -- kubectl -----------------------------------------------------------------------------------

    def kubectl(
        self, *args: str, timeout: float = 60, input: str | bytes | None = None, check: bool = True
    ) -> Completed:
        """Run kubectl in this namespace.

        Args:
            *args: Its arguments.
            timeout: Seconds.
            input: Given to its standard input.
            check: Raise unless it ends with status 0.

        Raises:
            CommandFailed: It ended with another status.
            CommandTimedOut: The time was up.
            ServiceUnavailable: There is no kubectl.
        """
        environ = {**os.environ, "KUBECONFIG": self.kubeconfig, "KUBERC": "off"}
        return process.run([*self._kubectl, *args], timeout=timeout, env=environ, input=input, check=check)

    def port_forward(self, target: str, port: int, *, timeout: float = 30) -> AbstractContextManager[tuple[str, int]]:
        """Forward a free port of 127.0.0.1 while a context lasts, at the longest until the test ends.

        Args:
            target: `pod/NAME`, `service/NAME`, `statefulset/NAME` or `deployment/NAME`.
            port: The port there.
            timeout: Seconds until it must listen.

        Returns:
            A context manager that gives host and port.
        """
        return port_forward(self._kubectl, target, port, timeout=timeout)

    # -- the kubernetes package --------------------------------------------------------------------

    @cached_property
    def client(self) -> "kubernetes_client.ApiClient":
        """The `kubernetes` package's client for this cluster; imports that package (about a second)."""
        from kubernetes import client as package
        from kubernetes import config

        settings = package.Configuration()
        config.load_kube_config(self.kubeconfig, self.context, client_configuration=settings)  # type: ignore[no-untyped-call]
        client = package.ApiClient(settings)
        self._undo.callback(client.close)
        return client

    @cached_property
    def core(self) -> "kubernetes_client.CoreV1Api":
        """Pods, Services, ConfigMaps, ... through the `kubernetes` package."""
        from kubernetes import client

        return client.CoreV1Api(self.client)

    @cached_property
    def apps(self) -> "kubernetes_client.AppsV1Api":
        """Deployments, StatefulSets, ... through the `kubernetes` package."""
        from kubernetes import client

        return client.AppsV1Api(self.client)

    @cached_property
    def custom(self) -> "kubernetes_client.CustomObjectsApi":
        """Custom resources through the `kubernetes` package."""
        from kubernetes import client

        return client.CustomObjectsApi(self.client)

    # -- inside ------------------------------------------------------------------------------------

    @cached_property
    def _api(self) -> Api:
        api = Api.of(self.kubeconfig, self.context)
        self._undo.callback(api.close)
        return api

    @cached_property
    def _applying(self) -> Applying:
        return Applying(self._api, self.name, self.labels)

    @property
    def _kubectl(self) -> list[str]:
        if not self.cluster.kubectl:
            raise ServiceUnavailable("kubectl is not on PATH", why="this cluster is not one that we made",
                                     mend="install kubectl")  # fmt: skip
        # kubectl's own place for this is the user's ~/.kube; that of a cluster of ours goes with its run
        is_ours = bool(self.cluster.control_plane)
        cache = Path(self.kubeconfig).parent if is_ours else paths.from_environment().cache
        return [self.cluster.kubectl, f"--kubeconfig={self.kubeconfig}", f"--context={self.context}",
                f"--namespace={self.name}", f"--cache-dir={cache / 'kubectl-cache'}"]  # fmt: skip

    def _resolve(self, target: str) -> tuple[Resource, str]:
        kind, slash, name = target.partition("/")
        if not slash or not kind or not name:
            raise UsageProblem(f"{target!r} names no object", mend="write kind/name, for example statefulset/db")
        return self._applying.resource_named(kind), name

    def _pods_of(self, item: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        if item is None:
            return []
        if item.get("kind") == "Pod":
            return [dict(item)]
        selector = selector_of(item)
        return self.pods(selector) if selector else []
