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
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory(prefix="sct-forward-") as folder, os.fdopen(writing, "wb"):
        log = Path(folder) / "log"
        forward = [*kubectl, "port-forward", "--address=127.0.0.1", target, f":{port}"]
        try:
            child = process.spawn([sys.executable, "-ISE", tether.__file__, *forward], log=log, stdin=reading)
        finally:
            os.close(reading)
        try:
            end = time.monotonic() + timeout
            while (match := _LISTENING.search(text := log.read_text())) is None:
                if child.poll() is not None:
                    raise EnvironmentFailed(f"cannot forward to {target}:{port}", why=_last_line(text), evidence=text)
                if time.monotonic() > end:
                    raise DeadlinePassed(f"port {port} of {target} was not forwarded after {timeout:g} s",
                                         why=_last_line(text), evidence=text)  # fmt: skip
                time.sleep(0.02)
            yield "127.0.0.1", int(match[1])
        finally:
            process.kill_group(child.pid)
            child.wait()


def _last_line(text: str) -> str:
    return next(reversed(text.strip().splitlines()), "kubectl said nothing")
