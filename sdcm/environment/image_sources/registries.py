"""What is known of registries: which do not answer, and what an engine's complaint about one means."""

import base64
import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import ClassVar

from sdcm.environment.image_sources.references import DOCKER_HUB


class Refusal(Enum):
    """Why an image cannot be pulled."""

    MISSING = "missing"
    DENIED = "denied"
    UNREACHABLE = "unreachable"
    LIMITED = "limited"
    CORRUPT = "corrupt"
    STALLED = "stalled"
    TRANSIENT = "transient"

    @property
    def may_pass(self) -> bool:
        """Whether the registry has the image, and it is the transfer that failed."""
        return self in {Refusal.CORRUPT, Refusal.STALLED, Refusal.TRANSIENT}


# First match wins; texts of the engine, of Go's network library and of registries.
_MEANINGS: tuple[tuple[Refusal, tuple[str, ...]], ...] = (
    (Refusal.CORRUPT, ("verification failed", "does not match digest", "invalid checksum digest", "digest mismatch")),
    (Refusal.STALLED, ("stood still",)),
    (Refusal.LIMITED, ("toomanyrequests", "rate limit")),
    (
        Refusal.UNREACHABLE,
        (
            "no such host", "connection refused", "network is unreachable", "no route to host", "i/o timeout",
            "server misbehaving", "name resolution", "proxyconnect", "certificate", "tls handshake timeout",
            "client.timeout", "context deadline exceeded", "gave http response to https client",
        ),
    ),
    (Refusal.MISSING, ("manifest unknown", "manifest for", "no matching manifest", "name unknown", "not found")),
    (Refusal.DENIED, ("access denied", "unauthorized", "authentication required", "denied", "forbidden",
                      "no basic auth credentials")),
)  # fmt: skip


def meaning(message: str) -> Refusal:
    """Return what an engine's message about a registry means; `TRANSIENT` for an unknown one."""
    lowered = message.lower()
    return next((kind for kind, texts in _MEANINGS if any(text in lowered for text in texts)), Refusal.TRANSIENT)


def clause_cause(message: str) -> str:
    """Return the innermost cause that an engine's message names."""
    return " ".join(message.split()).rpartition(": ")[2] or "no reason given"


def clause(registry: str, kind: Refusal, message: str) -> str:
    """Return a refusal as a clause for people."""
    cause = clause_cause(message)
    return {
        Refusal.MISSING: f"registry {registry} does not have it",
        Refusal.DENIED: f"registry {registry} does not have it or wants `docker login {registry}`",
        Refusal.CORRUPT: f"registry {registry} serves other data than its digest promises: {cause}",
        Refusal.STALLED: f"registry {registry} began to send it and {cause}",
        Refusal.UNREACHABLE: f"registry {registry} did not answer: {cause}",
        Refusal.LIMITED: f"registry {registry} limits pulls from here: `docker login`",
        Refusal.TRANSIENT: f"registry {registry} failed: {cause}",
    }[kind]


@dataclass(frozen=True)
class _Verdict:
    text: str
    until: float


class Verdicts:
    """Registries that do not answer, remembered so that they are asked once a run.

    The memory is shared by all users of one engine in this process, and by the processes that are given the same file.
    """

    _by_engine: ClassVar[dict[str, dict[str, _Verdict]]] = {}

    def __init__(self, engine: str, file: Path | None = None, *, seconds: float = 300.0) -> None:
        """Remember what the engine at that address cannot reach, each verdict for `seconds`, also in `file`."""
        self._file = file
        self._seconds = seconds
        self._known = self._by_engine.setdefault(engine, {})

    def unreachable(self, registry: str) -> str:
        """Return why a registry is known not to answer, empty when that is not known."""
        verdict = self._known.get(registry) or self._shared().get(registry)
        return verdict.text if verdict and verdict.until > time.time() else ""

    def remember(self, registry: str, text: str) -> None:
        """Remember that a registry does not answer, `text` telling why."""
        verdict = _Verdict(text, time.time() + self._seconds)
        self._known[registry] = verdict
        if self._file is not None:
            line = json.dumps({"registry": registry, "text": text, "until": verdict.until}) + "\n"
            with contextlib.suppress(OSError):
                file = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                os.write(file, line.encode())
                os.close(file)

    def _shared(self) -> dict[str, _Verdict]:
        found: dict[str, _Verdict] = {}
        with contextlib.suppress(OSError):
            for line in self._file.read_text().splitlines() if self._file else ():
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    record = json.loads(line)
                    found[record["registry"]] = _Verdict(str(record["text"]), float(record["until"]))
        return found


def authorization(registry: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with the user's own credentials for a registry; empty where they have none.

    Imports the SDK only where the user's docker configuration holds credentials at all.
    """
    folder = Path(environ.get("DOCKER_CONFIG") or Path(environ.get("HOME") or Path.home()) / ".docker")
    try:
        text = (folder / "config.json").read_text()
    except OSError:
        return {}
    if not any(f'"{key}"' in text for key in ("auths", "credsStore", "credHelpers")):
        return {}
    from docker import auth, errors

    try:
        config = auth.load_config(config_path=str(folder / "config.json"))
        found = auth.resolve_authconfig(config, None if registry == DOCKER_HUB else registry)
    except errors.DockerException:
        return {}
    if not found:
        return {}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(found).encode()).decode()}
