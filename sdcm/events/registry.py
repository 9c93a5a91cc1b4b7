"""Which event system is in use: the innermost one that was activated and not deactivated yet.

Threads that a test starts publish too, so this cannot be a context variable, which a new thread does not
inherit; it is a stack under a lock, and only `EventsDevice`'s own `with` block changes it.
"""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdcm.events.device import EventsDevice

_LOCK = threading.Lock()
_ACTIVE: list["EventsDevice"] = []


def active() -> "EventsDevice | None":
    """Return the event system in use, None where there is none."""
    with _LOCK:
        return _ACTIVE[-1] if _ACTIVE else None


def activate(device: "EventsDevice") -> None:
    """Let events that name no device go to this one."""
    with _LOCK:
        _ACTIVE.append(device)


def deactivate(device: "EventsDevice") -> None:
    """Take a device out, wherever it is in the stack: fixtures of different scopes may end in any order."""
    with _LOCK:
        for number in range(len(_ACTIVE) - 1, -1, -1):
            if _ACTIVE[number] is device:
                del _ACTIVE[number]
                return
