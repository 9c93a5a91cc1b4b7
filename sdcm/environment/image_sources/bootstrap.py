"""Making a base image on the host from the Debian archive, with mmdebstrap, where no registry answers."""

import http.client
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlencode

from sdcm import process, process_status
from sdcm.environment import packages
from sdcm.environment.catalogue import Entry
from sdcm.environment.image_sources.build import BuildFailed, image_labels
from sdcm.environment.image_sources.references import Reference
from sdcm.environment.private_engine import programs
from sdcm.errors import ServiceUnavailable
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.ledger import Ledger
from sdcm.ownership.owned_process import spawn_owned

_CHUNK = 256 * 1024
_MEGABYTE = 1_000_000
_IMPORT_ANSWER = 300.0
_CLEAN_UP = 10.0
#: Lines of mmdebstrap's that go into a failure's evidence.
_TAIL = 40
#: Seconds of silence after which what mmdebstrap said last is told.
_TELL_EVERY = 1.0


def obstacle() -> str:
    """Return why nothing can be bootstrapped on this machine, empty when it can."""
    return "" if programs.locate("mmdebstrap") else "mmdebstrap is not installed"


def bootstrap(
    endpoint: Endpoint,
    entry: Entry,
    *,
    digest: str,
    log: Path,
    deadline: float,
    tell: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
    ledger: Ledger | None = None,
) -> None:
    """Bootstrap a minimal Debian system straight into the engine; nothing is stored on the host.

    Args:
        endpoint: The engine.
        entry: What to make; it names a suite.
        digest: The entry's digest, kept as a label.
        log: File that mmdebstrap's messages are appended to.
        deadline: Seconds for it.
        tell: Called with what is going on.
        environ: For proxy variables.
        ledger: Where the process is written down, for whoever cleans up after this one was killed.

    Raises:
        ServiceUnavailable: mmdebstrap is missing.
        BuildFailed: mmdebstrap or the import failed.
    """
    if reason := obstacle():
        raise ServiceUnavailable(
            f"image {entry.name} cannot be bootstrapped",
            why=reason,
            mend=f"{packages.command(packages.BOOTSTRAP_PACKAGES)}, or add --setup",
        )
    argv = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", "--format=tar", entry.bootstrap, "-"]
    env = {**environ, "PATH": programs.search_path(environ), "LC_ALL": "C"}
    begin = log.stat().st_size if log.exists() else 0
    reading, writing = os.pipe()
    try:
        child, entry_of_process = spawn_owned(ledger, argv, env=env, log=log, stdout=writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    try:
        with os.fdopen(reading, "rb", buffering=0) as archive:
            _import(endpoint, entry, digest, _chunks(archive, child.wait, _Teller(entry, log, begin, tell), deadline))
    finally:
        _end(child)
        if ledger and entry_of_process:
            ledger.removed(entry_of_process)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End mmdebstrap, with time to remove the system it was putting together."""
    if child.poll() is not None:
        return
    process.kill_group(child.pid, signal.SIGTERM)
    try:
        child.wait(_CLEAN_UP)
    except subprocess.TimeoutExpired:
        process.kill_group(child.pid)
        child.wait()


class _Teller:
    """Says how far mmdebstrap is: its own last message, then the size of what it gives out."""

    def __init__(self, entry: Entry, log: Path, begin: int, tell: Callable[[str], None]) -> None:
        self.name = entry.name
        self._what = f"Debian {entry.bootstrap} for {entry.name}"
        self._log = log
        self._begin = begin
        self._tell = tell

    def said(self) -> list[str]:
        """Return the lines that mmdebstrap has written."""
        with self._log.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode(errors="replace").splitlines()

    def working(self) -> None:
        last = next((line[3:] for line in reversed(self.said()) if line.startswith("I: ")), "starting")
        self._tell(f"bootstrapping {self._what}: {last.rstrip('.')}")

    def importing(self, size: int) -> None:
        self._tell(f"importing {self._what}: {size // _MEGABYTE} MB")


def _chunks(archive: IO[bytes], wait: Callable[[], int], teller: _Teller, deadline: float) -> Iterator[bytes]:
    """Yield the archive; fail at its end when mmdebstrap did, so that half a system never becomes an image."""
    size, end = 0, time.monotonic() + deadline
    while True:
        while not select.select([archive], [], [], _TELL_EVERY)[0]:
            teller.working()
            if time.monotonic() > end:
                raise BuildFailed(f"bootstrapping image {teller.name} took longer than {deadline:g} s")
        if not (chunk := archive.read(_CHUNK)):
            break
        size += len(chunk)
        teller.importing(size)
        yield chunk
    if status := wait():
        why, told = f"mmdebstrap {process_status.ended(status)}", "\n".join(teller.said()[-_TAIL:])
        raise BuildFailed(f"bootstrapping image {teller.name} failed", why=why, evidence=told)


def _import(endpoint: Endpoint, entry: Entry, digest: str, chunks: Iterator[bytes]) -> None:
    name = Reference.parse(entry.reference)
    repository = entry.reference.rpartition(":")[0]
    changes = [f'LABEL {key}="{value}"' for key, value in image_labels(entry, digest).items()]
    query = [("fromSrc", "-"), ("repo", repository), ("tag", name.tag)]
    query += [("changes", change) for change in [*changes, 'CMD ["bash"]']]
    connection = endpoint.connection(_IMPORT_ANSWER)
    try:
        connection.request(
            "POST", f"/images/create?{urlencode(query)}", chunks, {"Content-Type": "application/x-tar"},
            encode_chunked=True,
        )  # fmt: skip
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as exc:
        raise BuildFailed(f"image {entry.name} could not be imported", why=str(exc) or type(exc).__name__) from exc
    finally:
        connection.close()
    complaint = next((line["error"] for line in map(json.loads, text.splitlines()) if "error" in line), "")
    if answer.status != 200 or complaint:
        raise BuildFailed(f"image {entry.name} could not be imported", why=complaint or text)
