"""Pushes a run's image to a registry of the user's, with the login that the docker client keeps."""

import base64
import contextlib
import json

from sdcm.environment.engine import Engine
from sdcm.environment.step import Step
from sdcm.errors import ServiceUnavailable


def push_image(engine: Engine, reference: str, registry: str, step: Step) -> str:
    """Push an image of the engine.

    Args:
        engine: The engine that has the image.
        reference: The image.
        registry: Registry and path below which it is put: `registry.example:5000/team`.
        step: Reported to; its deadline holds.

    Returns:
        The reference by which a cluster pulls it.

    Raises:
        ServiceUnavailable: The registry does not take it; says why in its words.
    """
    import docker.errors
    from requests.exceptions import RequestException

    there = pushed_reference(reference, registry)
    repository, _, tag = there.rpartition(":")
    try:
        with contextlib.closing(engine.client(timeout=step.deadline)) as client:
            client.images.get(reference).tag(repository, tag)
            try:
                for event in client.api.push(repository, tag, stream=True, decode=True):
                    if event.get("error"):
                        raise docker.errors.APIError(str(event["error"]))
                    step.say(f"pushing to {repository}: {event.get('status', '')}".rstrip(": "))
            finally:
                client.api.remove_image(there, noprune=True)
    except (docker.errors.DockerException, RequestException) as exc:
        raise ServiceUnavailable(
            f"--registry {registry}", why=f"it does not take the image: {exc}", mend=f"docker login {registry}"
        ) from exc
    return there


def pushed_reference(reference: str, registry: str) -> str:
    """Return the reference by which a cluster pulls an image once it is pushed.

    Args:
        reference: The image on the engine.
        registry: Registry and path below which it is put.
    """
    return f"{registry.rstrip('/')}/sct-runner:{reference.rpartition(':')[2]}"


def pull_login(registry: str) -> str:
    """Return the login that a cluster needs to pull from a registry, as base64 of a docker configuration.

    Args:
        registry: Registry and path.

    Returns:
        Empty where the docker client keeps none for it.
    """
    from docker.auth import load_config

    host = registry.partition("/")[0]
    login = load_config().resolve_authconfig(host) or {}
    name, secret = login.get("username") or login.get("Username"), login.get("password") or login.get("Password")
    if not name or not secret:
        return ""
    pair = base64.b64encode(f"{name}:{secret}".encode()).decode()
    return base64.b64encode(json.dumps({"auths": {host: {"auth": pair}}}).encode()).decode()
