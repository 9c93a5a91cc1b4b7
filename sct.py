#!/usr/bin/env python3
"""`uv run sct.py ...`: the command line of the SCT runner, from a checkout."""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Nothing is there yet that Ctrl-C would have to take down, and Python may swallow the exception it makes of it:
    # what is raised in the callbacks of an import is only printed.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from sdcm.cli.main import entry

if __name__ == "__main__":
    entry()
