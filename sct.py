#!/usr/bin/env python3
"""`uv run sct.py ...`: the command line of the SCT runner, from a checkout."""

from sdcm.cli.main import entry

if __name__ == "__main__":
    entry()
