"""The Docker Engine of a run: the user's own when it answers, else a private one.

Asked in this order:

1. DOCKER_HOST, else DOCKER_CONTEXT: used, or an error in one line when it does not answer.
2. The current context, then the default sockets.
3. The private engine that is up: joined.
4. A private engine: started, as root on Linux with dockerd present.
5. The same after packages were installed, where that was allowed (`--setup`).
"""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sdcm.environment import packages
from sdcm.environment.private_engine import holding, programs
from sdcm.environment.private_engine.capabilities import missing_capabilities
from sdcm.environment.private_engine.layout import Layout
from sdcm.environment.step import Step
from sdcm.environment.user_engine import Candidate, candidates
from sdcm.errors import EnvironmentFailed, ServiceUnavailable
from sdcm.ownership import docker_objects, labels
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.paths import Paths

if TYPE_CHECKING:
    import docker

__all__ = [
    "Engine",
    "EngineChoice",
    "find_engine",
    "hold_engine",
    "missing_capabilities",
    "privileged_verdict",
    "stop_if_unused",
]

Kind = Literal["user", "private-up", "private-start", "install"]
_LOCAL_ANSWER = 3.0
_REMOTE_ANSWER = 6.0
_JOIN_DOCKER = "sudo usermod -aG docker $USER, then log in again"


@dataclass(frozen=True)
class Engine:
    """An engine that answers.

    Attributes:
        host: DOCKER_HOST value.
        private: Whether we started it.
        publish_host: Address on which it publishes ports and tests connect to.
        tls_verify: Whether its certificate is checked.
        cert_path: Folder of the TLS client certificate, empty without TLS.
    """

    host: str
    private: bool
    publish_host: str = "127.0.0.1"
    tls_verify: bool = False
    cert_path: str = ""

    @classmethod
    def at(cls, endpoint: Endpoint, *, private: bool) -> "Engine":
        """Return the engine at an address."""
        return cls(endpoint.host, private, endpoint.publish_host, endpoint.tls_verify, endpoint.cert_path)

    @property
    def endpoint(self) -> Endpoint:
        """Its address."""
        return Endpoint(self.host, self.tls_verify, self.cert_path)

    def client(self, timeout: float = 60) -> "docker.DockerClient":
        """Return a new SDK client; imports the SDK.

        Args:
            timeout: Seconds that one request may be silent.
        """
        return self.endpoint.client(timeout)

    def facts(self) -> dict[str, str]:
        """Return what a ledger entry must hold so that its remover finds this engine."""
        return self.endpoint.facts()

    def environ(self) -> dict[str, str]:
        """Return the environment variables with which a child process uses this engine."""
        variables = {"DOCKER_HOST": self.host}
        if self.cert_path:
            return variables | {
                "DOCKER_CERT_PATH": self.cert_path,
                "DOCKER_TLS_VERIFY": "1" if self.tls_verify else "",
            }
        inherited = [name for name in ("DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY") if name in os.environ]
        return variables | dict.fromkeys(inherited, "")


@dataclass(frozen=True)
class EngineChoice:
    """What `find_engine` decided.

    Attributes:
        kind: `user`, `private-up`, `private-start` or `install`.
        host: DOCKER_HOST value of the engine, also of one that is yet to be started.
        private: Whether it is or will be a private one.
        detail: One clause for people: where it was found, or what will be done.
        endpoint: The address with its TLS settings.
    """

    kind: Kind
    host: str
    private: bool
    detail: str
    endpoint: Endpoint


def find_engine(environ: Mapping[str, str], paths: Paths, *, allow_install: bool) -> EngineChoice:
    """Decide which engine to use; looks only, changes nothing.

    Args:
        environ: Environment variables, for DOCKER_HOST and its kin.
        paths: Where a private engine lives.
        allow_install: Whether missing packages may be installed.

    Raises:
        UsageProblem: DOCKER_HOST or the context cannot be used at all (`ssh://`).
        ServiceUnavailable: No engine is to be had; says the one command to type.
    """
    layout = Layout.of(paths)
    silent: list[str] = []
    for candidate in candidates(environ):
        if candidate.endpoint.host == layout.endpoint.host:
            return _private_choice(layout, silent, allow_install=allow_install)
        reason = candidate.endpoint.silence(_patience(candidate))
        if not reason:
            return EngineChoice("user", candidate.endpoint.host, False, candidate.origin, candidate.endpoint)
        if candidate.chosen:
            mend = _JOIN_DOCKER if "Permission denied" in reason else "unset it, or start that engine"
            raise ServiceUnavailable(f"{candidate.origin} does not answer", why=reason, mend=mend)
        silent.append(f"{candidate.origin}: {reason}")
    return _private_choice(layout, silent, allow_install=allow_install)


def _patience(candidate: Candidate) -> float:
    return _LOCAL_ANSWER if candidate.endpoint.host.startswith("unix://") else _REMOTE_ANSWER


def _private_choice(layout: Layout, silent: list[str], *, allow_install: bool) -> EngineChoice:
    endpoint = layout.endpoint
    if holding.is_up(layout):
        return EngineChoice("private-up", endpoint.host, True, "a private engine that is up", endpoint)
    why = "; ".join(silent) or "none answers"
    if not sys.platform.startswith("linux"):
        raise ServiceUnavailable("no Docker Engine", why=why, mend="start Docker, then `docker info`")
    missing = programs.missing()
    if os.geteuid() != 0:
        raise ServiceUnavailable("no Docker Engine", why=why, mend=_mend_for_user(silent, missing))
    if not missing:
        return EngineChoice("private-start", endpoint.host, True, f"a private engine will be started ({why})", endpoint)
    refusal = packages.can_install()
    if allow_install and not refusal:
        wanted = ", ".join(packages.ENGINE_PACKAGES)
        return EngineChoice("install", endpoint.host, True, f"{wanted} will be installed ({why})", endpoint)
    lacks = f"{why}; this machine lacks {', '.join(missing)}"
    if refusal:
        raise ServiceUnavailable("no Docker Engine", why=f"{lacks}; {refusal}", mend="install Docker Engine")
    raise ServiceUnavailable("no Docker Engine", why=lacks, mend=packages.command(packages.ENGINE_PACKAGES))


def _mend_for_user(silent: list[str], missing: tuple[str, ...]) -> str:
    if any("Permission denied" in reason for reason in silent):
        return _JOIN_DOCKER
    if "dockerd" in missing:
        return f"sudo {packages.command(['docker.io'])}"
    return "sudo systemctl start docker"


@contextlib.contextmanager
def hold_engine(choice: EngineChoice, paths: Paths, step: Step) -> Iterator[Engine]:
    """Use an engine until the block ends.

    A private engine is started when it is down, and stopped at the end when nobody else holds it. When this
    process is killed, the next holder's end or `stop_if_unused` stops it.

    Args:
        choice: What `find_engine` decided.
        paths: Where a private engine lives.
        step: Reported to; its deadline (seconds) holds for installation and start.

    Raises:
        EnvironmentFailed: The engine did not come up.
        ServiceUnavailable: It could not be installed.
    """
    if choice.kind == "install":
        packages.install(packages.ENGINE_PACKAGES, step)
        # The installation may have started the system's own dockerd: then that one is the engine.
        choice = find_engine(os.environ, paths, allow_install=False)
    if not choice.private:
        step.say(f"using the engine at {choice.host} ({choice.detail})")
        yield Engine.at(choice.endpoint, private=False)
        return
    with holding.hold(paths, step) as layout:
        yield Engine.at(layout.endpoint, private=True)


def stop_if_unused(paths: Paths) -> bool:
    """Stop the private engine, or clear what a dead one left, unless somebody holds it.

    Returns:
        Whether there is no private engine now.

    Raises:
        EnvironmentFailed: Something of it could not be removed.
    """
    return holding.stop_if_unused(paths)


def privileged_verdict(engine: Engine, image_reference: str, run_id: str = "") -> str:
    """Find out, with a real container, whether privileged containers work.

    Args:
        engine: The engine.
        image_reference: An image that is there and contains `true`.
        run_id: Labels the container, so that it is found should this process die meanwhile.

    Returns:
        Empty when they work, else the engine's reason.

    Raises:
        EngineSilent: The engine does not answer.
    """
    endpoint = engine.endpoint
    name = f"sct-{run_id or 'probe'}-privileged-{secrets.token_hex(3)}"
    body = {
        "Image": image_reference,
        "Entrypoint": ["true"],
        "Cmd": [],
        "Labels": labels.of_run(run_id, "probe") if run_id else {labels.ROLE: "probe"},
        "HostConfig": {"Privileged": True, "NetworkMode": "none"},
    }
    status, answer = endpoint.call("POST", "/containers/create", {"name": name}, body=body, timeout=60)
    if status != 201:
        return _reason(answer, status)
    try:
        status, answer = endpoint.call("POST", f"/containers/{name}/start", timeout=60)
        if status not in {204, 304}:
            return _reason(answer, status)
        status, answer = endpoint.call("POST", f"/containers/{name}/wait", timeout=60)
        code = answer.get("StatusCode") if status == 200 else None
        return "" if code == 0 else f"a privileged container ended with status {code}"
    finally:
        with contextlib.suppress(EnvironmentFailed):
            docker_objects.remove(endpoint, docker_objects.DockerObject("container", name, name), deadline=30)


def _reason(answer: object, status: int) -> str:
    text = str(answer.get("message", "")) if isinstance(answer, dict) else f"HTTP status {status}"
    return " ".join(text.split())
