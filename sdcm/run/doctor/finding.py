"""What the doctor finds, and the machine it looks at."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sdcm import paths
from sdcm.environment.engine import EngineChoice, find_engine
from sdcm.environment.step import Step
from sdcm.errors import EnvironmentFailed, SctError
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.paths import Paths
from sdcm.program import as_typed

#: `bad`: tests fail or cannot run; `note`: it works, worse than it could, or not everywhere.
Level = Literal["ok", "note", "bad"]
_ANSWER = 10.0


@dataclass(frozen=True)
class Fix:
    """What `--fix` does about a finding: safe, and undone by a reboot or harmless to keep.

    Attributes:
        asks: What it does, as the question before it.
        run: Does it; may raise an `SctError`.
    """

    asks: str
    run: Callable[[Step], None]


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis.

    Attributes:
        subject: What was looked at.
        level: How it is.
        text: What was found.
        why: Why it matters; empty where all is well.
        mend: The one command, or the one thing to do, that mends it.
        fix: What `--fix` does about it; None where a person has to.
    """

    subject: str
    level: Level
    text: str
    why: str = ""
    mend: str = ""
    fix: Fix | None = field(default=None, compare=False)

    @property
    def ok(self) -> bool:
        """Whether nothing is to be done."""
        return self.level == "ok"

    def to_record(self) -> dict[str, Any]:
        """Return it for machines."""
        record = asdict(Finding(self.subject, self.level, self.text, as_typed(self.why), as_typed(self.mend)))
        return {**record, "ok": self.ok, "fix": self.fix is not None}


@dataclass(frozen=True)
class Machine:
    """The machine and the user's settings, as the causes see them; nothing is started or changed by looking.

    Attributes:
        environ: Environment variables.
        places: The runner's directories.
        root: Where /proc, /sys and /run are.
        workers: Workers that a run would have.
        uid: The user's number.
    """

    environ: Mapping[str, str]
    places: Paths
    root: Path = Path("/")
    workers: int = 4
    uid: int = field(default_factory=os.geteuid)

    @classmethod
    def here(cls, workers: int = 4) -> "Machine":
        """Return this machine with this process's environment."""
        return cls(os.environ, paths.from_environment(), workers=workers)

    def text(self, name: str) -> str:
        """Return what a file below `root` holds, empty where it cannot be read."""
        try:
            return (self.root / name).read_text()
        except OSError:
            return ""

    def number(self, name: str) -> int | None:
        """Return the first number in a file below `root`, None where there is none."""
        words = self.text(name).split()
        return int(words[0]) if words and words[0].isdigit() else None

    @cached_property
    def engine(self) -> EngineChoice | SctError:
        """The engine that a run would use, or why there is none."""
        try:
            return find_engine(self.environ, self.places, allow_install=False)
        except SctError as exc:
            return exc

    @cached_property
    def endpoint(self) -> Endpoint | None:
        """Address of that engine where it is up."""
        choice = self.engine
        if isinstance(choice, SctError) or choice.kind not in {"user", "private-up"}:
            return None
        return choice.endpoint

    @cached_property
    def info(self) -> dict[str, Any]:
        """What that engine says of itself (GET /info), empty where none is up."""
        answer = self._asked("/info")
        return answer if isinstance(answer, dict) else {}

    @cached_property
    def networks(self) -> list[dict[str, Any]]:
        """The networks of that engine (GET /networks)."""
        answer = self._asked("/networks")
        return answer if isinstance(answer, list) else []

    def _asked(self, path: str) -> object:
        if self.endpoint is None:
            return None
        try:
            status, answer = self.endpoint.call("GET", path, timeout=_ANSWER)
        except EnvironmentFailed:
            return None
        return answer if status == 200 else None


def sysctl(root: Path, settings: Mapping[str, str]) -> Callable[[Step], None]:
    """Return what sets kernel settings until the next reboot.

    Args:
        root: Where /proc is.
        settings: Name with dots -> value.
    """

    def run(step: Step) -> None:
        for name, value in settings.items():
            file = root / "proc/sys" / name.replace(".", "/")
            try:
                file.write_text(value)
            except OSError as exc:
                mend = f"sudo sysctl -w {name}={value!r}"
                raise EnvironmentFailed(f"{name} cannot be set", why=exc.strerror or str(exc), mend=mend) from exc
            step.say(f"{name} = {value}")

    return run
