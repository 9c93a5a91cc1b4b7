"""Runs a program that must not outlive whoever started this one: `python tether.py PROGRAM ARGUMENT...`.

This process waits for the end of its standard input, a pipe that nobody writes to. The pipe ends when
its other end is closed or the process that holds it dies, SIGKILL included; then the program is killed.
Should this process be killed itself, the kernel kills the program (Linux). The program's parent is this
process's only thread, so neither depends on which thread of the starter lives.

Run by its path, isolated: it imports nothing but the standard library, and little of that.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Start the program, and end with it or with standard input, whichever comes first."""
    parent = os.getpid()
    # wakes the read below when the program ends first; the program itself does not inherit it
    signal.signal(signal.SIGCHLD, lambda _number, _frame: sys.exit(1))
    program = os.fork()
    if program == 0:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - the very thing this program is for
        except OSError as exc:
            os.write(2, f"{sys.argv[1]}: {exc.strerror}\n".encode())
            os._exit(127)
    try:
        while os.read(0, 4096):
            pass
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.kill(program, signal.SIGKILL)


if __name__ == "__main__":
    main()
