"""Which event system is in use: the innermost one that was activated and not deactivated yet.

Threads that a test starts publish too, so this cannot be a context variable, which a new thread does not
inherit; it is a stack under a lock, and only `EventsDevice`'s own `with` block changes it.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdcm.events.device import EventsDevice, Snapshot

_LOCK = threading.Lock()
_ACTIVE: list["EventsDevice"] = []
_OBSERVERS: list["Observer"] = []
#: Called with each event that any device keeps, and with that device.
Observer = Callable[["EventsDevice", "Snapshot"], None]


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


@contextlib.contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Have `observer` called with every event that any device keeps, for the time of the block."""
    with _LOCK:
        _OBSERVERS.append(observer)
    try:
        yield
    finally:
        with _LOCK:
            _OBSERVERS.remove(observer)


def tell(device: "EventsDevice", snapshot: "Snapshot") -> None:
    """Tell the observers of an event that a device keeps."""
    with _LOCK:
        observers = tuple(_OBSERVERS)
    for observer in observers:
        observer(device, snapshot)
