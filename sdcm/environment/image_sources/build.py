"""Building one image from its folder."""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from sdcm.environment.catalogue import Entry
from sdcm.environment.image_sources.build_context import build_arguments, certificate_bundle, context
from sdcm.errors import EnvironmentFailed
from sdcm.ownership import labels
from sdcm.ownership.docker_endpoint import Endpoint

_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)")
_SHOWN = 100
#: Processor shares of a build in the background, where a container has 1024 unless it is told otherwise.
_BACKGROUND_SHARES = 64
_TAIL = 40
_DISK_FULL = "no space left on device"
_NO_NAME = r"Temporary failure (?:in name resolution|resolving)|Could not resolve|\bEAI_AGAIN\b"
#: What a package client says of a network that may be better in a moment.
_PASSING = re.compile(
    _NO_NAME + r"|Connect(?:ion)? (?:reset|timed out|refused)|Read timed out|Timeout was reached|Operation too slow"
    r"|spurious network error|E(?:CONNRESET|TIMEDOUT)\b|socket hang up"
    r"|TLS handshake timeout|i/o timeout|unexpected EOF|50[234] (?:Bad Gateway|Service|Gateway)",
    re.IGNORECASE,
)
#: What one says where no package registry can be found at all.
_NO_REGISTRY = re.compile(
    _NO_NAME + r"|no such host|Name or service not known|Network is unreachable|ENOTFOUND|Unknown host",
    re.IGNORECASE,
)


class BuildFailed(EnvironmentFailed):
    """An image could not be built; its evidence is the end of the build's output."""

    @property
    def is_for_want_of_a_registry(self) -> bool:
        """Whether the build found no package registry: its image is then not to be had on this machine."""
        return _NO_REGISTRY.search(self.evidence) is not None


def image_labels(entry: Entry, digest: str) -> dict[str, str]:
    """Return the labels of an image that is made here."""
    return {labels.BUILD: digest} | ({labels.FLAVOUR: entry.flavour} if entry.flavour else {})


def build(
    endpoint: Endpoint,
    entry: Entry,
    references: Mapping[str, str],
    *,
    digest: str,
    log: Path,
    deadline: float,
    tell: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
    archive: IO[bytes] | None = None,
) -> None:
    """Build an image with the engine's classic builder; finished steps of an earlier attempt are taken over.

    Args:
        endpoint: The engine.
        entry: What to build; it has a folder.
        references: Build argument -> reference of the image it needs; these images are present.
        digest: The entry's digest, kept as a label.
        log: File that the build's output is appended to.
        deadline: Seconds that the build may be silent.
        tell: Called with each step.
        environ: For proxies and certificate authorities.
        archive: The build context, a tar archive at its beginning; that of the entry's folder when omitted.

    Raises:
        BuildFailed: A step failed.
    """
    import docker.errors
    from requests.exceptions import RequestException

    output = _Output(entry.name, tell)
    client = endpoint.client(timeout=deadline)
    try:
        events = client.api.build(
            fileobj=archive or context(entry, certificate_bundle(environ)),
            custom_context=True,
            tag=entry.reference,
            buildargs=build_arguments(entry, references, environ),
            labels=image_labels(entry, digest),
            container_limits={"cpushares": _BACKGROUND_SHARES} if entry.background else None,
            rm=True,
            forcerm=True,
            decode=True,
        )
        with log.open("a") as sink:
            for event in events:
                sink.write(output.take(event))
                sink.flush()
                if output.error:
                    raise output.failure()
    except (docker.errors.DockerException, RequestException) as exc:
        output.error = str(exc)
        raise output.failure() from exc
    finally:
        client.close()


def build_with_retries(
    endpoint: Endpoint,
    entry: Entry,
    references: Mapping[str, str],
    *,
    tell: Callable[[str], None],
    pauses: Sequence[float] = (5.0, 20.0),
    **arguments: Any,
) -> None:
    """Build an image; after a failure that may pass (a name that did not resolve, a reset connection), build on.

    Args:
        endpoint: The engine.
        entry: What to build.
        references: As in `build`.
        tell: Called with each step, and with why it is tried again.
        pauses: Seconds before each further try.
        **arguments: As in `build`.

    Raises:
        BuildFailed: A step failed for good, or too often.
    """
    for pause in (*pauses, None):
        try:
            build(endpoint, entry, references, tell=tell, **arguments)
        except BuildFailed as exc:
            passing = _PASSING.search(exc.evidence)
            if pause is None or passing is None:
                raise
            tell(f"building {entry.name} again in {pause:g} s: {passing[0]}")
            time.sleep(pause)
        else:
            return


class _Output:
    """What the build has said so far."""

    def __init__(self, name: str, tell: Callable[[str], None]) -> None:
        self._name = name
        self._tell = tell
        self._step = "its start"
        self._lines: list[str] = []
        self.error = ""

    def take(self, event: Mapping[str, Any]) -> str:
        """Take one event; return its text for the log."""
        text = str(event.get("stream") or event.get("status") or event.get("error") or "")
        if found := _STEP.match(text):
            self._step = f"step {found[1]}/{found[2]}: {' '.join(found[3].split())[:_SHOWN]}"
            self._tell(f"building {self._name}: {self._step}")
        self._lines = [*self._lines[-_TAIL:], *text.splitlines()]
        self.error = str(event.get("error") or "")
        return text if text.endswith("\n") or not text else text + "\n"

    def failure(self) -> BuildFailed:
        full = any(_DISK_FULL in text.lower() for text in (self.error, *self._lines[-_TAIL:]))
        return BuildFailed(
            f"building image {self._name} failed at {self._step}",
            why=f"the disk of the engine is full ({self.error})" if full else self.error,
            mend="`sct.py clean --images`, or a disk with more room: SCT_ENGINE_DIR" if full else "",
            evidence="\n".join(self._lines[-_TAIL:]),
        )
