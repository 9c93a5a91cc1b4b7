"""What the user reads at the end of a run, and its exit code."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm import journal as journals
from sdcm.exit_codes import ExitCode, first_that_applies
from sdcm.run.plan import Plan

if TYPE_CHECKING:
    from sdcm.run.pipeline import Run


def say(line: str) -> None:
    """Print a line for the user."""
    print(line, flush=True)  # noqa: T201 - this is the runner's voice


def complain(line: str) -> None:
    """Print a line about something that went wrong."""
    print(f"sct: {line}", file=sys.stderr, flush=True)  # noqa: T201 - this is the runner's voice


def print_plan(plan: Plan, *, as_json: bool) -> None:
    """Print what would run and be set up."""
    if as_json:
        say(json.dumps(plan.to_record(), indent=2))
    else:
        for line in plan.lines():
            say(line)


def say_kept(run_id: str, environ: Mapping[str, str]) -> None:
    """Say how to enter a kept environment, and how to end it."""
    say(f"environment {run_id} is kept; to use it:")
    for name, value in environ.items():
        say(f"  export {name}={value}")
    say("  `sct.py env status` shows it, `sct.py env down` ends it")
