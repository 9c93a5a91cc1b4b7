"""A port of a pod or Service on 127.0.0.1, by `kubectl port-forward`."""

import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sdcm import process
from sdcm.errors import DeadlinePassed, EnvironmentFailed
from sdcm.kubernetes import tether

_LISTENING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


@contextlib.contextmanager
def port_forward(kubectl: Sequence[str], target: str, port: int, *, timeout: float) -> Iterator[tuple[str, int]]:
    """Forward a free port of 127.0.0.1 while the context lasts.

    The forwarder dies with this process however that ends (see `tether`).

    Args:
        kubectl: The program with the options that lead to the namespace.
        target: `pod/NAME`, `service/NAME`, `statefulset/NAME` or `deployment/NAME`.
        port: The port there.
        timeout: Seconds until it must listen.

    Yields:
        Host and port to connect to.

    Raises:
        EnvironmentFailed: kubectl gave up; its words are the cause.
        DeadlinePassed: It does not listen in time.
    """
    forward = [*kubectl, "port-forward", "--address=127.0.0.1", target, f":{port}"]
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb"), _nameless_log() as log:
        try:
            child = process.spawn([sys.executable, "-ISE", tether.__file__, *forward], log=log.path, stdin=reading)
        finally:
            os.close(reading)
            log.forget_name()
        try:
            end = time.monotonic() + timeout
            while (match := _LISTENING.search(text := log.text())) is None:
                if child.poll() is not None:
                    text = log.text()
                    raise EnvironmentFailed(f"cannot forward to {target}:{port}", why=_last_line(text), evidence=text)
                if time.monotonic() > end:
                    raise DeadlinePassed(f"port {port} of {target} was not forwarded after {timeout:g} s",
                                         why=_last_line(text), evidence=text)  # fmt: skip
                time.sleep(0.02)
            yield "127.0.0.1", int(match[1])
        finally:
            process.kill_group(child.pid)
            child.wait()


class _Log:
    """A file that soon has no name, so that it is gone with the last process that has it open."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self.path = path

    def forget_name(self) -> None:
        self.path.unlink(missing_ok=True)

    def text(self) -> str:
        return os.pread(self._descriptor, 1 << 16, 0).decode(errors="replace")


@contextlib.contextmanager
def _nameless_log() -> Iterator[_Log]:
    descriptor, name = tempfile.mkstemp(prefix="sct-forward-")
    log = _Log(descriptor, Path(name))
    try:
        yield log
    finally:
        log.forget_name()
        os.close(descriptor)


def _last_line(text: str) -> str:
    return next(reversed(text.strip().splitlines()), "kubectl said nothing")
