"""Where things are kept: runtime, state, cache and engine directories.

Every directory can be moved with one environment variable, so that a test or a second user of the
machine has places of its own:

* `SCT_RUNTIME_DIR`: sockets, kubeconfigs, certificates of live runs (short paths, 0700).
* `SCT_STATE_DIR`: ledgers, journals, reports and logs of the last runs.
* `SCT_CACHE_DIR`: downloaded or built tools.
* `SCT_ENGINE_DIR`: data root of the private Docker engine, with its images.
"""

import errno
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sdcm.errors import UsageProblem

#: Variables that name a file or folder to this process and its children, which run in other folders.
_LEADING = (
    "SCT_RUNTIME_DIR",
    "SCT_STATE_DIR",
    "SCT_CACHE_DIR",
    "SCT_ENGINE_DIR",
    "SCT_IMAGE_ARCHIVES",
    "SCT_DURATIONS",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
)

#: Folder in a run's state directory for the last words of processes that had to be ended.
LAST_WORDS = "last-words"


@dataclass(frozen=True)
class Paths:
    """The four base directories; none is made by looking at them."""

    runtime: Path
    state: Path
    cache: Path
    engine: Path

    @property
    def runs(self) -> Path:
        """Folder that holds one folder a run under the state directory."""
        return self.state / "runs"

    def run_state(self, run_id: str) -> Path:
        """Return the state directory of one run."""
        return self.runs / run_id

    def run_runtime(self, run_id: str) -> Path:
        """Return the runtime directory of one run."""
        return self.runtime / run_id


def _runtime_base(environ: Mapping[str, str]) -> Path:
    if os.geteuid() == 0 and Path("/run").is_dir():
        return Path("/run/sct")
    if xdg := environ.get("XDG_RUNTIME_DIR"):
        return Path(xdg) / "sct"
    return Path(tempfile.gettempdir()) / f"sct-{os.geteuid()}"


def current_folder() -> Path:
    """Return the folder that this process runs in.

    Raises:
        UsageProblem: It was removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as exc:
        raise UsageProblem("the current folder does not exist any more", mend="cd to one that does") from exc


def made_absolute(environ: Mapping[str, str]) -> dict[str, str]:
    """Return those variables that name a place relative to the current folder, with the place's full path.

    Raises:
        UsageProblem: There is one, but no current folder any more.
    """
    relative = {name: value for name in _LEADING if (value := environ.get(name)) and not Path(value).is_absolute()}
    return {name: str(current_folder() / value) for name, value in relative.items()}


def from_environment(environ: Mapping[str, str] | None = None) -> Paths:
    """Return the directories for this user and environment.

    Args:
        environ: Environment variables; this process's own when omitted.

    Raises:
        UsageProblem: One is relative to a current folder that was removed.
    """
    env = os.environ if environ is None else environ
    env = {**env, **made_absolute(env)}
    home = Path(env.get("HOME") or Path.home())
    state = Path(env.get("XDG_STATE_HOME") or home / ".local" / "state") / "sct"
    cache = Path(env.get("XDG_CACHE_HOME") or home / ".cache") / "sct"
    engine = Path("/var/lib/sct/engine") if os.geteuid() == 0 else cache / "engine"
    return Paths(
        runtime=Path(env.get("SCT_RUNTIME_DIR") or _runtime_base(env)),
        state=Path(env.get("SCT_STATE_DIR") or state),
        cache=Path(env.get("SCT_CACHE_DIR") or cache),
        engine=Path(env.get("SCT_ENGINE_DIR") or engine),
    )


def make_private(directory: Path) -> Path:
    """Make `directory`, and what is missing above it, readable by this user alone and return it.

    One with something in it keeps its mode: it may be /tmp or /var/lib, and what is made in it is private by itself.

    Raises:
        OSError: It cannot be made, or is no directory.
    """
    for folder in reversed([each for each in (directory, *directory.parents) if not each.exists()]):
        folder.mkdir(exist_ok=True, mode=0o700)
    if not directory.is_dir():  # a file of somebody's, /etc/passwd for example, is not to be closed to others
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
    if not any(directory.iterdir()):
        directory.chmod(0o700)
    return directory


def write_private(file: Path, text: str) -> None:
    """Write a file that this user alone can read, from its first byte on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        os.fchmod(descriptor, 0o600)
        opened.write(text)
