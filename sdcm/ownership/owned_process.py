"""Programs that a run starts on the host and that must not outlive it, whoever is killed when.

A process has no name before it exists. So what is written to the ledger is a mark, which the program then carries in
its environment, and so does whatever it starts: a kill between the two leaves nothing unknown.
"""

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sdcm import process
from sdcm.ownership.ledger import Entry, Ledger

#: Carries the mark.
VARIABLE = "SCT_OWNED"
#: Fact of a ledger entry of kind `process` that holds the mark.
FACT = "mark"


def spawn_owned(
    ledger: Ledger | None,
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str],
    **options: Any,
) -> tuple[subprocess.Popen[bytes], Entry | None]:
    """Start a program that is in the ledger before it exists.

    Args:
        ledger: The run's; None for a command without a run, which ends its programs itself.
        argv: Program and arguments.
        env: Its whole environment but for the mark.
        **options: As of `process.spawn`.

    Returns:
        The program, and its entry, to be written off when it has ended.

    Raises:
        CommandFailed: It cannot be started.
    """
    if ledger is None:
        return process.spawn(argv, env=env, **options), None
    mark = secrets.token_hex(8)
    entry = ledger.will_make("process", Path(os.fspath(argv[0])).name, **{FACT: mark})
    try:
        return process.spawn(argv, env={**env, VARIABLE: mark}, **options), entry
    except BaseException:
        if not list(marked(mark)):
            ledger.removed(entry)
        raise


def marked(mark: str) -> Iterator[int]:
    """Yield the ids of live processes that carry a mark."""
    for pid, environ in _environments():
        if environ.get(VARIABLE) == mark:
            yield pid


def _environments() -> Iterator[tuple[int, Mapping[str, str]]]:
    import psutil

    for each in psutil.process_iter():
        try:
            if each.status() != psutil.STATUS_ZOMBIE:
                yield each.pid, each.environ()
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
