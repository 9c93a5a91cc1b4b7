"""A Kind cluster of the run's own: created, made ready, given images, deleted."""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm import process
from sdcm.environment import kind_dns
from sdcm.environment.engine import Engine, missing_capabilities
from sdcm.environment.images import Image
from sdcm.environment.kind_config import OWN_NODE_LABEL, kind_config
from sdcm.environment.kind_images import load_image
from sdcm.environment.kind_kubectl import ensure_kubectl
from sdcm.environment.step import Step
from sdcm.environment.telling import Teller
from sdcm.errors import DeadlinePassed, EnvironmentFailed, SctError, ServiceUnavailable
from sdcm.kubernetes.api import Api
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.kubernetes.conditions import hopeless, is_met
from sdcm.kubernetes.evidence import gather
from sdcm.ownership import docker_objects, labels
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.docker_objects import DockerObject
from sdcm.ownership.ledger import Ledger
from sdcm.ownership.owned_process import spawn_owned
from sdcm.paths import Paths

if TYPE_CHECKING:
    import docker

__all__ = ["ClusterRecord", "create_cluster", "delete_cluster", "load_image"]

#: What a caller gives for the time of making something; see `create_cluster`.
Making = Callable[[], contextlib.AbstractContextManager[None]]
_POLL = 0.2
#: How kind marks a stage that it begins, where it has no terminal.
_STAGE = re.compile(r"^ (?:•|\*) ([ -~]+)", re.MULTILINE)
_EVIDENCE_LINES = 80
_DELETE_DEADLINE = 60.0
_SYSTEM = "kube-system"
#: The control plane restarts once or twice while its parts find one another.
_CRASH_LIMIT = 5
_STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def create_cluster(
    engine: Engine,
    image: Image,
    kind: Path,
    *,
    run_id: str,
    runtime: Path,
    paths: Paths,
    ledger: Ledger,
    making: Making,
    step: Step,
) -> ClusterRecord:
    """Create the run's cluster; returns when its node is ready, DNS answers and volumes can be bound.

    Args:
        engine: The Docker engine.
        image: Image of the node.
        kind: The kind program.
        run_id: The run; the cluster is named after it.
        runtime: The run's runtime directory; the kubeconfig is kept there.
        paths: Where kubectl is cached.
        ledger: Told before anything is made.
        making: Entered around what is made; it lets nobody in once the run ends, and the end waits for who is inside.
        step: Reported to; its deadline holds.

    Raises:
        ServiceUnavailable: There is no docker program, which kind needs.
        EnvironmentFailed: The cluster does not come up; the evidence has kind's and the node's words. What was
            made is removed.
    """
    if shutil.which("docker") is None:
        raise ServiceUnavailable("the docker program is not on PATH", why="kind works through it",
                                 mend="apt-get install docker.io")  # fmt: skip
    name, end = f"sct-{run_id}", time.monotonic() + step.deadline
    kubeconfig = runtime / "kubeconfig"
    with contextlib.closing(engine.client()) as client:
        own_node = _require_image(client, image)
        if not own_node:
            _require_capabilities(image)
        with making():
            network = _make_network(client, engine, f"{name}-kind", run_id, ledger)
        config = runtime / "kind.json"
        config.write_text(kind_config(own_node=own_node, address=engine.publish_host))
        ledger.will_make("kind-cluster", name, **engine.facts())
        argv = [str(kind), "create", "cluster", "--name", name, "--config", str(config), "--image", image.reference,
                "--kubeconfig", str(kubeconfig), "--retain", "--verbosity", "3"]  # fmt: skip
        node = f"{name}-control-plane"
        try:
            teller = Teller(step, f"creating cluster {name}")
            with kind_dns.quick_from_the_start(engine.client, node, engine.publish_host):
                _run_kind(argv, _environ(engine, network, kubeconfig), step.log, end, teller, ledger, making)
            kubeconfig.chmod(0o600)
            kubectl = ensure_kubectl(client, node, image.id, paths)
            _wait_ready(kubeconfig, end, teller)
        except BaseException as exc:
            if isinstance(exc, EnvironmentFailed):
                exc.evidence = "\n\n".join(filter(None, (exc.evidence, _node_evidence(client, name))))
            with contextlib.suppress(SctError):
                delete_cluster(engine.endpoint, name)
            raise
    return ClusterRecord(name, str(kubeconfig), str(kubectl), f"kind-{name}", network, image.reference, node)


def delete_cluster(engine_host: str | Endpoint, name: str) -> None:
    """Delete a cluster and its network; needs no kind program. One that is not there is gone.

    Args:
        engine_host: The engine: its DOCKER_HOST value, or its address with TLS settings.
        name: Name of the cluster.

    Raises:
        EngineSilent: The engine does not answer.
        EnvironmentFailed: Something can't be removed; says what.
    """
    endpoint = Endpoint(engine_host) if isinstance(engine_host, str) else engine_host
    items = docker_objects.kind_containers(endpoint, name)
    status, network = endpoint.call("GET", f"/networks/{name}-kind")
    if status == 200 and labels.is_ours(network.get("Labels")):
        items.append(DockerObject("network", network["Id"], network["Name"]))
    failed = docker_objects.remove_many(endpoint, items, deadline=_DELETE_DEADLINE)
    if failed:
        raise EnvironmentFailed(f"cluster {name} cannot be deleted", why="; ".join(failed.values()))


def _require_image(client: "docker.DockerClient", image: Image) -> bool:
    """Return whether the node image is our own; kind would try for long to pull one that is not there."""
    from docker.errors import ImageNotFound

    try:
        found = client.images.get(image.reference)
    except ImageNotFound as exc:
        raise EnvironmentFailed(f"node image {image.reference} is not there any more",
                                mend="sct.py images build kind-node") from exc  # fmt: skip
    return OWN_NODE_LABEL in found.labels


def _require_capabilities(image: Image) -> None:
    """Raise where kindest/node can't run: only our own node does without the capability."""
    if "CAP_SYS_RESOURCE" in missing_capabilities():
        raise ServiceUnavailable(
            f"node image {image.reference} cannot run here",
            why="this machine withholds CAP_SYS_RESOURCE, without which its kubelet does not start",
            mend=f"docker rmi {image.reference} && sct.py images build kind-node",
        )


def _make_network(client: "docker.DockerClient", engine: Engine, name: str, run_id: str, ledger: Ledger) -> str:
    """Make the cluster's network: kind's own, named `kind`, is shared with clusters of the user's."""
    ledger.will_make("network", name, **engine.facts())
    options = {"com.docker.network.bridge.enable_ip_masquerade": "true"}
    mtu = (client.networks.get("bridge").attrs.get("Options") or {}).get("com.docker.network.driver.mtu")
    if mtu:
        options["com.docker.network.driver.mtu"] = mtu
    client.networks.create(name, driver="bridge", options=options, labels=labels.of_run(run_id, "kind"))
    return name


def _environ(engine: Engine, network: str, kubeconfig: Path) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if key != "DOCKER_CONTEXT"}
    return {
        **inherited,
        **engine.environ(),
        "KUBECONFIG": os.fspath(kubeconfig),
        "KIND_EXPERIMENTAL_PROVIDER": "docker",
        "KIND_EXPERIMENTAL_DOCKER_NETWORK": network,
    }


def _run_kind(
    argv: list[str],
    environ: Mapping[str, str],
    log: Path,
    end: float,
    teller: Teller,
    ledger: Ledger,
    making: Making,
) -> None:
    """Run kind; each stage it names becomes the progress line.

    It is in the ledger, as it must not go on making a cluster when this process was killed.
    """
    log.touch()
    with log.open("rb") as reader:
        reader.seek(0, os.SEEK_END)
        with making():
            child, entry = spawn_owned(ledger, argv, env=environ, log=log)
        said = b""
        try:
            while (status := child.poll()) is None:
                said += (news := reader.read())
                for stage in _STAGE.findall(news.decode(errors="replace")):
                    teller.now(f"kind: {stage.strip()}")
                teller.still()
                _require_time(end, said)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_POLL / 2)
        except BaseException:
            process.kill_group(child.pid)
            child.wait()
            raise
        said += reader.read()
    if entry is not None:
        ledger.removed(entry)
    if status != 0:
        errors = [line for line in said.decode(errors="replace").splitlines() if line.startswith("ERROR")]
        raise EnvironmentFailed("kind cannot create the cluster", why=" ".join(errors), mend=f"see {log}",
                                evidence=_tail(said))  # fmt: skip


def _require_time(end: float, said: bytes) -> None:
    if time.monotonic() > end:
        raise DeadlinePassed("kind did not create the cluster in time", evidence=_tail(said))


def _tail(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").splitlines()[-_EVIDENCE_LINES:])


def _wait_ready(kubeconfig: Path, end: float, teller: Teller) -> None:
    api = Api.of(kubeconfig)
    try:
        kind_dns.make_quick(api)
        for what, ready in _needs(api).items():
            teller.now(f"waiting until {what}")
            while not ready():
                teller.still()
                _require_hope(api, what, time.monotonic() > end)
                time.sleep(_POLL)
    finally:
        api.close()


def _require_hope(api: Api, what: str, late: bool) -> None:
    """Raise when a pod of the cluster's own has failed for good, or the time is up."""
    pods = api.items(f"/api/v1/namespaces/{_SYSTEM}/pods")
    reason = hopeless(None, pods, "", _CRASH_LIMIT)
    if reason or late:
        told = gather(api, _SYSTEM, pods, _EVIDENCE_LINES)
        kind_of_error = EnvironmentFailed if reason else DeadlinePassed
        raise kind_of_error(f"the cluster is up, but not so far that {what}", why=reason, evidence=told)


def _needs(api: Api) -> dict[str, Callable[[], Any]]:
    def node_ready() -> bool:
        nodes = api.items("/api/v1/nodes")
        return bool(nodes) and all(is_met(node, "Ready") for node in nodes)

    def has_default_class() -> bool:
        classes = api.items(_STORAGE_CLASSES)
        return any((each["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true" for each in classes)

    return {
        "its node is ready": node_ready,
        "DNS answers": lambda: kind_dns.answers(api),
        "there is a default StorageClass": has_default_class,
    }


def _node_evidence(client: "docker.DockerClient", name: str) -> str:
    """Return the end of the node's console and of kubelet's and containerd's logs."""
    from docker.errors import DockerException

    parts = []
    try:
        for container in client.containers.list(all=True, filters={"label": f"{docker_objects.KIND_CLUSTER}={name}"}):
            console = container.logs(tail=_EVIDENCE_LINES).decode(errors="replace")
            parts.append(f"end of the console of {container.name} ({container.status}):\n{console}")
            if container.status == "running":
                journal = ["journalctl", "--no-pager", "-n", str(_EVIDENCE_LINES), "-u", "kubelet", "-u", "containerd"]
                told = container.exec_run(journal)[1]
                if isinstance(told, bytes):
                    parts.append("end of kubelet's and containerd's logs:\n" + told.decode(errors="replace"))
    except (DockerException, OSError) as exc:
        parts.append(f"(the node cannot be asked: {exc})")
    return "\n\n".join(parts)
