"""What every thread of this process is doing."""

import sys
import threading
import traceback

_DEBUGGERS = ("bdb", "pdb", "ipdb", "pydevd", "_pydevd_bundle", "debugpy")


def stacks() -> str:
    """Return the stacks of all threads but the asking one, the main one first."""
    main = threading.main_thread().ident
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sorted(sys._current_frames().items(), key=lambda item: item[0] != main)
    return "\n".join(
        f"thread {names.get(ident, '?')}\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in frames
        if ident != threading.get_ident()
    )


def debugged() -> bool:
    """Whether somebody looks at the main thread through a debugger; they decide when it ends."""
    trace = sys.gettrace()
    module = getattr(trace, "__module__", "") or ""
    return trace is not None and module.partition(".")[0] in _DEBUGGERS
