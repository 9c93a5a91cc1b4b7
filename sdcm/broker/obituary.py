"""Why a broker's process ended, for those who wait for it or were connected to it."""

import json
from pathlib import Path
from typing import Any

from sdcm import process_identity
from sdcm.process_identity import ProcessIdentity

FILE_NAME = "broker.pid"
_TAIL_BYTES = 8192


def note_birth(runtime: Path, pid: int, log: Path) -> None:
    """Write down which process a run's broker is.

    Args:
        runtime: The run's runtime directory.
        pid: The broker's process id.
        log: Its log.
    """
    try:
        identity = process_identity.identify(pid)
    except ProcessLookupError:
        # It has ended before one could look: an identity that no live process has.
        identity = ProcessIdentity(pid, -1, 0.0, "", "", 0)
    temporary = runtime / f"{FILE_NAME}.part"
    temporary.write_text(json.dumps({"identity": identity.to_record(), "log": str(log)}))
    temporary.replace(runtime / FILE_NAME)


def log_of(runtime: Path) -> str:
    """Return the path of the log of a run's broker; nothing when it is not known."""
    record = _record(runtime)
    return str(record.get("log", "")) if record else ""


def why_ended(runtime: Path) -> str | None:
    """Say why a run's broker has ended.

    Args:
        runtime: The run's runtime directory.

    Returns:
        None while it runs, or when nothing is known of it; else the last line of its log, or that it said nothing.
    """
    record = _record(runtime)
    if record is None or process_identity.is_alive(ProcessIdentity.from_record(record["identity"])):
        return None
    last = _last_line(Path(str(record["log"])))
    return f"its process ended; the last it said: {last}" if last else "its process ended without a word, as if killed"


def _record(runtime: Path) -> dict[str, Any] | None:
    try:
        record = json.loads((runtime / FILE_NAME).read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _last_line(log: Path) -> str:
    try:
        tail = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "")
