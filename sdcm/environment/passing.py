"""Failures of the environment that may be gone in a moment, and are worth another try."""

import re
from collections.abc import Callable
from typing import TypeVar

from sdcm.errors import DeadlinePassed, EngineLost, EnvironmentFailed

T = TypeVar("T")
#: Seconds before the second try and before the third, which is the last.
PAUSES = (1.0, 4.0)
#: What engines, kind and kernels say of it: a port that was taken between probe and bind, a registry or network that
#: is out of breath. An engine that is gone, and a time that is up, are not among it.
_PASSING = re.compile(
    r"port is already allocated|address already in use|failed to bind (?:host )?port"
    r"|TLS handshake timeout|i/o timeout|connection reset by peer|unexpected EOF|temporary failure in name resolution"
    r"|too many requests|50[234] (?:Bad Gateway|Service|Gateway)|device or resource busy",
    re.IGNORECASE,
)


def reason(error: BaseException) -> str:
    """Return the words that say that a failure may pass, empty when none do."""
    if not isinstance(error, EnvironmentFailed) or isinstance(error, (DeadlinePassed, EngineLost)):
        return ""
    found = _PASSING.search(f"{error.what}: {error.why}")
    return found[0] if found else ""


def again(action: Callable[[], T], tell: Callable[[str], None], pause: Callable[[float], object]) -> T:
    """Call `action`; after a failure that may pass once more, and once more again.

    Args:
        action: What to do; it has cleaned up when it raises.
        tell: Called with what failed and when it is tried again.
        pause: Waits so many seconds.

    Raises:
        SctError: Whatever `action` raised last.
    """
    for number, seconds in enumerate(PAUSES, start=2):
        try:
            return action()
        except EnvironmentFailed as exc:
            if not (passing := reason(exc)):
                raise
            tell(f"failed, which may pass ({passing}); again in {seconds:g} s, try {number} of {len(PAUSES) + 1}")
            pause(seconds)
    return action()
