"""Errors a user can do something about.

    SctError                      what happened, why, and the command that mends it
    +-- UsageProblem              64  a wrong option, path, file or value
    +-- ServiceUnavailable        69  a service, engine or image is not to be had here
    +-- EnvironmentFailed         75  something that should have come up did not
    |   +-- DeadlinePassed        75  ... within its time
    |   +-- EngineLost            75  the engine is gone, or does not answer any more
    +-- Interrupted              130  the user asked to stop

Anything else that escapes is a defect of ours (70).
"""

import errno
from typing import ClassVar

from sdcm.exit_codes import ExitCode
from sdcm.program import as_typed

#: What the system says of a file that has no room.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class SctError(Exception):
    """An expected failure.

    Args:
        what: What happened, one clause without a full stop.
        why: The cause, as far as it is known.
        mend: What to do about it, best a command to type.
        evidence: Longer text (a log's tail) for reports; never part of the one line.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.ENVIRONMENT_FAILED

    def __init__(self, what: str, *, why: str = "", mend: str = "", evidence: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = as_typed(why)
        self.mend = as_typed(mend)
        self.evidence = evidence

    def __str__(self) -> str:
        """Return the error as one line."""
        text = self.what
        if self.why:
            text += f": {self.why}"
        if self.mend:
            text += f" -- {self.mend}"
        return " ".join(text.split())

    def to_record(self) -> dict[str, str]:
        """Return the error in a form that crosses a socket; see `from_record`.

        A subclass defined elsewhere travels as the nearest class of this module, so its exit code stays.
        """
        known = next(kind.__name__ for kind in type(self).__mro__ if kind.__name__ in _BY_NAME)
        return {
            "type": known,
            "what": self.what,
            "why": self.why,
            "mend": self.mend,
            "evidence": self.evidence,
        }


class UsageProblem(SctError):
    """A wrong option, path, file or value."""

    exit_code = ExitCode.USAGE


class ServiceUnavailable(SctError):
    """A service, engine or image that is not to be had on this machine."""

    exit_code = ExitCode.UNAVAILABLE


class EnvironmentFailed(SctError):
    """A part of the environment that should have come up did not."""

    exit_code = ExitCode.ENVIRONMENT_FAILED


class DeadlinePassed(EnvironmentFailed):
    """Something did not happen within its time."""


class EngineLost(EnvironmentFailed):
    """The engine is gone, or does not answer any more."""


class Interrupted(SctError):
    """The user asked to stop."""

    exit_code = ExitCode.INTERRUPTED


_BY_NAME: dict[str, type[SctError]] = {
    kind.__name__: kind
    for kind in (SctError, UsageProblem, ServiceUnavailable, EnvironmentFailed, DeadlinePassed, EngineLost, Interrupted)
}


def from_record(record: dict[str, str]) -> SctError:
    """Rebuild an error that came over a socket; an unknown type becomes `EnvironmentFailed`."""
    kind = _BY_NAME.get(record.get("type", ""), EnvironmentFailed)
    return kind(
        record.get("what", "unknown failure"),
        why=record.get("why", ""),
        mend=record.get("mend", ""),
        evidence=record.get("evidence", ""),
    )
