"""Says in words how a process has ended."""

import signal

_HINTS = {signal.SIGKILL: "sent from outside, or the system had no memory left"}


def ended(status: int) -> str:
    """Return "ended with status 3" or "ended by SIGSEGV".

    Args:
        status: As of `subprocess`: negative for a signal.
    """
    if status >= 0:
        return f"ended with status {status}"
    try:
        number = signal.Signals(-status)
    except ValueError:  # a real-time signal
        return f"ended by signal {-status}"
    hint = f" ({_HINTS[number]})" if number in _HINTS else ""
    return f"ended by {number.name}{hint}"
