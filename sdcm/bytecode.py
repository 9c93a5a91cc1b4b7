"""Python's compiled modules, kept where the user's tree stays clean.

Containers and CI images often set `PYTHONDONTWRITEBYTECODE`, so that no `__pycache__` appears in a tree. Every process
of a run then compiles every module it imports, SDKs included, which is most of what collecting tests costs
(docs/decisions/0020-bytecode.md has the figures). This wish is kept, and the cost saved: compiled modules go below the
Python environment, by the `PYTHONPYCACHEPREFIX` of https://docs.python.org/3/using/cmdline.html, for this process and
those it starts.
"""

import os
import shutil
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from sdcm import paths

_REFUSED = "PYTHONDONTWRITEBYTECODE"
_PLACE = "PYTHONPYCACHEPREFIX"


@contextmanager
def kept_apart(environ: MutableMapping[str, str] | None = None) -> Iterator[Path | None]:
    """Keep bytecode outside the tree meanwhile, where the user has refused it inside.

    Args:
        environ: What child processes inherit; this process's own environment when omitted.

    Yields:
        Where bytecode is kept; None where nothing had to be changed.
    """
    env = os.environ if environ is None else environ
    if not sys.dont_write_bytecode or sys.pycache_prefix is not None:
        yield None
        return
    place = _place(env)
    env.pop(_REFUSED, None)
    env[_PLACE] = str(place)
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(place)
    try:
        yield place
    finally:
        sys.dont_write_bytecode, sys.pycache_prefix = True, None
        env[_REFUSED] = "1"
        env.pop(_PLACE, None)


def drop_stale(place: str | None = None) -> None:
    """Remove compiled modules whose directory is gone (those of temporary folders, mostly).

    Args:
        place: A tree that mirrors the directories of sources, as Python lays it out. When omitted, the one that this
            process has set up; nothing is done where that was another's.
    """
    if place is None and sys.flags.dont_write_bytecode:
        place = sys.pycache_prefix
    if place is None:
        return
    for folder, below, _ in os.walk(place):
        sources = Path("/") / Path(folder).relative_to(place)
        for name in [name for name in below if not (sources / name).is_dir()]:
            below.remove(name)
            shutil.rmtree(Path(folder, name), ignore_errors=True)


def _place(environ: MutableMapping[str, str]) -> Path:
    """Return a folder that goes with the Python environment; one of the user's caches where there is none of theirs."""
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix) / "bytecode"
    return paths.from_environment(environ).cache / "bytecode"
