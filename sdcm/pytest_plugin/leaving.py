"""Ends a pytest that has said its last word, and that a thread which a test has left behind would keep for ever.

xdist ends its workers by itself; this is for the one process that runs the tests where there are none.
"""

import os
import sys
import threading
import time

import pytest

from sdcm.pytest_plugin.session import acts, is_worker

_SESSION = pytest.StashKey[pytest.Session]()
#: Seconds for such threads to end by themselves.
_PATIENCE = 5.0


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remember the session, which knows the exit status in the end."""
    session.config.stash[_SESSION] = session


def _others() -> list[threading.Thread]:
    """Return the threads that Python waits for at its end."""
    main = threading.main_thread()
    return [thread for thread in threading.enumerate() if not thread.daemon and thread is not main]


def pytest_unconfigure(config: pytest.Config) -> None:
    """See to it that the process ends once all is said and done."""
    session = config.stash.get(_SESSION, None)
    if session is None or not acts(config) or is_worker(config) or config.pluginmanager.hasplugin("dsession"):
        return
    if _others():
        threading.Thread(target=_end, args=(session,), name="sct-leaving", daemon=True).start()


def _end(session: pytest.Session) -> None:
    threading.main_thread().join()  # it has ended, for Python, when it begins to wait for the others
    end = time.monotonic() + _PATIENCE
    for thread in _others():
        thread.join(max(0.0, end - time.monotonic()))
    if staying := [thread.name for thread in _others()]:
        sys.stderr.write(f"threads that tests have left running are ended: {', '.join(staying)}\n")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(session.exitstatus))
