"""Pulling one image, with a quick verdict when it cannot be had."""

import http.client
import json
import random
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sdcm.environment.image_sources.references import Reference
from sdcm.environment.image_sources.registries import Refusal, Verdicts, authorization, clause, clause_cause, meaning
from sdcm.errors import EnvironmentFailed
from sdcm.ownership.docker_endpoint import Endpoint, EngineSilent

#: Seconds that a registry has for its first answer; and that a transfer may stand still.
_PATIENCE = 15.0
_STALL = 90.0
_ASK = 8.0
_TRIES = 4
_MEGABYTE = 1_000_000


class PullRefused(EnvironmentFailed):
    """An image cannot be pulled.

    Attributes:
        kind: Why.
    """

    def __init__(self, reference: Reference, kind: Refusal, text: str) -> None:
        super().__init__(f"image {reference} cannot be pulled", why=text)
        self.kind = kind


def ask(endpoint: Endpoint, reference: Reference, verdicts: Verdicts, environ: Mapping[str, str]) -> str:
    """Find out, through the engine and without pulling, whether its registry has an image.

    Args:
        endpoint: The engine: it alone knows its proxies and mirrors.
        reference: The image.
        verdicts: Registries known not to answer; added to.
        environ: For the user's registry credentials.

    Returns:
        Empty when it can be pulled, else the reason as a clause.
    """
    if known := verdicts.unreachable(reference.registry):
        return known
    path = f"/distribution/{reference}/json"
    try:
        connection = endpoint.connection(_ASK)
        try:
            connection.request("GET", path, headers=authorization(reference.registry, environ))
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as exc:
        message = f"nothing within {_ASK:g} s" if isinstance(exc, TimeoutError) else str(exc)
        kind = Refusal.UNREACHABLE
    else:
        if answer.status == 200:
            return ""
        message = _message(text)
        kind = meaning(message)
    reason = clause(reference.registry, kind, message)
    if kind is Refusal.UNREACHABLE:
        verdicts.remember(reference.registry, reason)
    return reason


def pull(
    endpoint: Endpoint,
    reference: Reference,
    *,
    verdicts: Verdicts,
    environ: Mapping[str, str],
    log: Path,
    deadline: float,
    tell: Callable[[str], None],
) -> None:
    """Pull an image.

    A registry that does not answer, a missing image, a refusal and wrong data are final at once; what may pass (broken
    transfers, errors of the registry) is tried again after 1, 2 and 4 s, a transfer that stood still once more.

    Args:
        endpoint: The engine.
        reference: What to pull.
        verdicts: Registries known not to answer; added to.
        environ: For the user's registry credentials.
        log: File that the engine's messages are appended to.
        deadline: Seconds for everything.
        tell: Called with the state of the transfer.

    Raises:
        PullRefused: It cannot be pulled; says why.
        EngineSilent: The engine is not there.
    """
    if known := verdicts.unreachable(reference.registry):
        raise PullRefused(reference, Refusal.UNREACHABLE, known)
    end, had_begun = time.monotonic() + deadline, False
    for attempt in range(1, _TRIES + 1):
        transfer = _Transfer(reference, tell)
        message = transfer.run(endpoint, authorization(reference.registry, environ), log, end)
        if not message:
            return
        kind = meaning(message)
        if kind is Refusal.UNREACHABLE and transfer.has_begun:
            kind = Refusal.TRANSIENT  # it answered a moment ago
        text = clause(reference.registry, kind, message)
        if kind is Refusal.UNREACHABLE:
            verdicts.remember(reference.registry, text)
            if had_begun:
                why = f"registry {reference.registry} went away in the middle: {clause_cause(message)}"
                raise PullRefused(reference, Refusal.TRANSIENT, why)
        had_begun = had_begun or transfer.has_begun
        pause = 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, keeps no secret
        tries = {Refusal.TRANSIENT: _TRIES, Refusal.STALLED: 2}.get(kind, 1)
        if attempt >= tries or time.monotonic() + pause > end:
            raise PullRefused(reference, kind, text)
        tell(f"pulling {reference} failed ({text}), trying again")
        time.sleep(pause)


class _Transfer:
    """One attempt."""

    def __init__(self, reference: Reference, tell: Callable[[str], None]) -> None:
        self._reference = reference
        self._tell = tell
        self._layers: dict[str, tuple[int, int]] = {}
        self._finished: set[str] = set()
        self._retries = ""
        self.has_begun = False

    def run(self, endpoint: Endpoint, headers: Mapping[str, str], log: Path, end: float) -> str:
        """Transfer; return empty when all is there, else the engine's complaint."""
        target = f"/images/create?{urlencode({'fromImage': self._reference.name, 'tag': self._reference.tag})}"
        try:
            connection = endpoint.connection(_PATIENCE)
            connection.connect()
        except OSError as exc:
            raise EngineSilent(f"the Docker Engine at {endpoint.host} does not answer", why=str(exc)) from exc
        wire: socket.socket = connection.sock
        try:
            connection.request("POST", target, headers=dict(headers))
            answer = connection.getresponse()
            if answer.status != 200:
                return _message(answer.read())
            wire.settimeout(_STALL)
            with log.open("ab") as sink:
                for line in filter(bytes.strip, answer):
                    sink.write(line)
                    if complaint := self._take(json.loads(line)):
                        return complaint
                    if time.monotonic() > end:
                        return "the step's deadline passed"
        except TimeoutError:
            return f"stood still for {_STALL:g} s" if self.has_begun else f"i/o timeout: nothing within {_PATIENCE:g} s"
        except (OSError, http.client.HTTPException, ValueError) as exc:
            return f"the engine broke the transfer off: {exc}"
        finally:
            connection.close()
        return ""

    def _take(self, event: Mapping[str, Any]) -> str:
        if "error" in event:
            return str(event["error"])
        layer, status = str(event.get("id", "")), str(event.get("status", ""))
        detail = event.get("progressDetail") or {}
        if layer and not status.startswith("Pulling from"):
            self.has_begun = True
            self._layers.setdefault(layer, (0, 0))
            if status == "Downloading" and detail.get("total"):
                self._layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
            elif status in {"Download complete", "Pull complete", "Already exists"}:
                self._layers[layer] = (self._layers[layer][1],) * 2
            if status in {"Pull complete", "Already exists"}:
                self._finished.add(layer)
            self._retries = f", {status[0].lower()}{status[1:]}" if status.startswith("Retrying") else ""
            self._tell(self._state())
        return ""

    def _state(self) -> str:
        here = sum(current for current, _ in self._layers.values()) / _MEGABYTE
        total = sum(size for _, size in self._layers.values()) / _MEGABYTE
        layers = f"{len(self._finished)} of {len(self._layers)} layers"
        return f"pulling {self._reference}: {here:.0f} of {total:.0f} MB, {layers}{self._retries}"


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace").strip() or "no reason given"
