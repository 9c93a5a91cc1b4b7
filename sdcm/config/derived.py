"""The last layer: values that follow from where the tests run. Nothing is asked over a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdcm.config.layers import Layer

NO_PROJECT = "no_billing_project"
_BRANCH = "ref: refs/heads/"


def derived_layer(environ: Mapping[str, str], root: Path, so_far: Mapping[str, Any]) -> Layer:
    """Return what no earlier layer has set and the surroundings tell.

    `billing_project` is the first folder of a CI job's name (`JOB_NAME`), else the project's git branch, else
    `no_billing_project`.

    Args:
        environ: Environment variables.
        root: The project's root folder.
        so_far: Values of the earlier layers.
    """
    if so_far.get("billing_project"):
        return Layer("derived", {})
    job = environ.get("JOB_NAME", "").strip("/").partition("/")[0]
    if job:
        return Layer("derived", {"billing_project": job}, variables={"billing_project": "JOB_NAME"})
    branch = git_branch(root)
    if branch:
        return Layer("git branch", {"billing_project": branch})
    return Layer("derived", {"billing_project": NO_PROJECT})


def git_branch(root: Path) -> str:
    """Return the branch that is checked out in a folder; empty on no branch, or where there is no repository.

    Read from git's own files: starting git would cost every test some milliseconds.
    """
    try:
        folder = root / ".git"
        if folder.is_file():  # a worktree's: one line that names the folder
            folder = root / folder.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        head = (folder / "HEAD").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return head.removeprefix(_BRANCH) if head.startswith(_BRANCH) else ""
