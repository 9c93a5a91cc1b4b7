"""Facts about the machine that a figure was measured on."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]


def facts() -> dict[str, Any]:
    """Return what a reader needs to judge the figures: processors, memory, versions, load, commit, time."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _said(["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"]),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "engine": _said(["docker", "version", "--format", "{{.Server.Version}}"]),
        "load_at_start": [round(load, 1) for load in os.getloadavg()],
    }


def _said(argv: list[str]) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    except OSError:
        return ""
