"""What a program is fed and what it writes, with a bound on the time: a part of `sdcm.process`."""

import contextlib
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path


def feed(child: subprocess.Popen[bytes], data: bytes | None) -> None:
    """Write `data` to the program's standard input from a thread: it may read slowly or not at all."""
    stdin = child.stdin
    if stdin is None or data is None:
        return

    def write() -> None:
        with contextlib.suppress(OSError), stdin:
            stdin.write(data)

    threading.Thread(target=write, daemon=True).start()


def collect(
    child: subprocess.Popen[bytes], log: Path | None, on_line: Callable[[str], None] | None, *, until: float
) -> tuple[bytes, bytes]:
    """Return all of stdout and stderr; hand each line on as it comes.

    Reading ends at `until` (monotonic seconds) even when the pipes stay open: a grandchild that left the
    process group survives the group's end and still holds them.
    """
    texts = {pipe: bytearray() for pipe in (child.stdout, child.stderr) if pipe is not None}
    unfinished = b""
    with contextlib.ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        sink = stack.enter_context(log.open("ab", buffering=0)) if log else None
        for pipe in texts:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                texts[key.fileobj].extend(chunk)  # type: ignore[index]  # registered above
                if sink:
                    sink.write(chunk)
                if on_line:
                    *lines, unfinished = (unfinished + chunk).split(b"\n")
                    for line in lines:
                        on_line(line.decode(errors="replace").rstrip())
    if on_line and unfinished:
        on_line(unfinished.decode(errors="replace").rstrip())
    out, err = (bytes(texts.get(pipe, b"")) if pipe else b"" for pipe in (child.stdout, child.stderr))
    return out, err


def close(child: subprocess.Popen[bytes]) -> None:
    """Close the reading ends of the program's pipes."""
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()
