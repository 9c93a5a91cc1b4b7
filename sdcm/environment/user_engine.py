"""The user's own Docker Engine: where it may listen, in the docker client's order."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sdcm.errors import UsageProblem
from sdcm.ownership.docker_endpoint import Endpoint

_SCHEMES = ("unix://", "tcp://")


@dataclass(frozen=True)
class Candidate:
    """A place where the user's engine may be.

    Attributes:
        endpoint: Its address.
        origin: What names it, for messages: `DOCKER_HOST`, `docker context NAME`, a socket's path.
        chosen: The user named it for this very command, so its silence is an error.
    """

    endpoint: Endpoint
    origin: str
    chosen: bool = False


def candidates(environ: Mapping[str, str]) -> list[Candidate]:
    """Return the places to ask, best first.

    DOCKER_HOST or DOCKER_CONTEXT alone when set; else the current context and the default sockets.

    Raises:
        UsageProblem: An address is of a kind that cannot be used (`ssh://`), or the named context does not exist.
    """
    if host := environ.get("DOCKER_HOST"):
        return [Candidate(_from_environment(host, environ), f"DOCKER_HOST={host}", chosen=True)]
    if name := environ.get("DOCKER_CONTEXT"):
        if name != "default":
            return [_context(name, environ, chosen=True)]
        return _default_sockets(environ)
    current = _read_json(_config_folder(environ) / "config.json").get("currentContext")
    if not current or current == "default":
        return _default_sockets(environ)
    return [_context(str(current), environ, chosen=False), *_default_sockets(environ)]


def _from_environment(host: str, environ: Mapping[str, str]) -> Endpoint:
    _check_address(host, "DOCKER_HOST")
    if not host.startswith("tcp://"):
        return Endpoint(host)
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    cert_path = environ.get("DOCKER_CERT_PATH", "")
    if verify and not cert_path:
        cert_path = str(_config_folder(environ))
    return Endpoint(host, verify, cert_path)


def _check_address(host: str, origin: str) -> None:
    if host.startswith("ssh://"):
        raise UsageProblem(
            f"{origin} is {host}: an engine behind ssh cannot be used",
            why="tests could not reach the ports it publishes",
            mend="unset DOCKER_HOST, or run the command on that machine",
        )
    if not host.startswith(_SCHEMES):
        raise UsageProblem(
            f"{origin} is {host}, no address of an engine", mend="export DOCKER_HOST=unix:///var/run/docker.sock"
        )
    try:
        named = host.startswith("unix://") or (urlsplit(host).hostname and urlsplit(host).port != 0)
        why = "" if named else "it names no host and port"
    except ValueError as exc:
        why = str(exc)
    if why:
        raise UsageProblem(
            f"{origin} is {host}, no address of an engine", why=why, mend="an engine over tcp is tcp://HOST:2375"
        )


def _config_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DOCKER_CONFIG") or _home(environ) / ".docker")


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())


def _context(name: str, environ: Mapping[str, str], *, chosen: bool) -> Candidate:
    digest = hashlib.sha256(name.encode()).hexdigest()
    contexts = _config_folder(environ) / "contexts"
    described = _read_json(contexts / "meta" / digest / "meta.json").get("Endpoints", {}).get("docker", {})
    origin = f"docker context {name}"
    if not described.get("Host"):
        raise UsageProblem(f"{origin} does not exist", mend="docker context ls; docker context use default")
    host = str(described["Host"])
    _check_address(host, origin)
    certificates = contexts / "tls" / digest / "docker"
    if not host.startswith("tcp://") or not certificates.is_dir():
        return Candidate(Endpoint(host), origin, chosen)
    verify = not described.get("SkipTLSVerify", False)
    return Candidate(Endpoint(host, verify, str(certificates)), origin, chosen)


def _default_sockets(environ: Mapping[str, str]) -> list[Candidate]:
    paths = [Path("/var/run/docker.sock")]
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        paths.append(Path(runtime) / "docker.sock")
    home = _home(environ)
    paths += [home / ".docker" / "run" / "docker.sock", home / ".docker" / "desktop" / "docker.sock"]
    return [Candidate(Endpoint(f"unix://{path}"), str(path)) for path in paths if _exists(path)]


def _exists(path: Path) -> bool:
    try:
        return os.path.lexists(path) and path.exists()
    except OSError:
        return False


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
