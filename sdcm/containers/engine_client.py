"""A client of the engine that a record names, for the process that works with the container."""

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sdcm.errors import EngineLost, EnvironmentFailed
from sdcm.ownership.docker_endpoint import Endpoint

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.errors import APIError

_TIMEOUT = 60


def connect(host: str, timeout: int = _TIMEOUT) -> "DockerClient":
    """Return a client of the engine at `host`, a value of `DOCKER_HOST`, or where that variable says when empty.

    TLS settings come from the environment.

    Raises:
        EngineLost: The engine does not answer.
    """
    import docker
    from docker.errors import DockerException

    environment = {**os.environ, "DOCKER_HOST": host} if host else dict(os.environ)
    try:
        if host.startswith("tcp://"):
            verify, folder = bool(os.environ.get("DOCKER_TLS_VERIFY")), os.environ.get("DOCKER_CERT_PATH", "")
            return Endpoint(host, verify, folder).client(timeout)
        return docker.from_env(timeout=timeout, environment=environment)
    except DockerException as exc:
        raise EngineLost(f"the engine at {host or 'DOCKER_HOST'} does not answer", why=str(exc)) from exc


@contextlib.contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn whatever the engine refuses, or fails to answer, into one line that begins with `what`.

    Raises:
        EnvironmentFailed: The engine refused.
        EngineLost: It is not there any more, or does not answer.
    """
    from docker.errors import APIError
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as exc:
        raise EnvironmentFailed(what, why=reason(exc)) from exc
    except RequestException as exc:
        raise EngineLost(what, why=f"the engine does not answer ({exc})") from exc


def reason(error: "APIError") -> str:
    """Return what the engine said, without the address it was asked at."""
    explanation = error.explanation
    return (explanation if isinstance(explanation, str) and explanation else str(error)).strip()
