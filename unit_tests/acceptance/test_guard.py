"""The guard of unit tests, in a pytest of its own.

External services: none
"""

import os
import sys
import textwrap
from pathlib import Path

import pytest

from sdcm import process
from sdcm.run.selection import run_environ

pytestmark = pytest.mark.integration


def test_a_swallowed_attempt_fails_its_test_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nsct_guard_unit_tests = true\n")
    (tmp_path / "test_swallow.py").write_text(
        textwrap.dedent("""
        import contextlib, os, socket

        def test_swallow():
            assert "AWS_PROFILE" not in os.environ
            with contextlib.suppress(Exception), socket.socket() as stranger:
                stranger.connect(("192.0.2.1", 80))
        """)
    )
    done = process.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        timeout=300,
        cwd=tmp_path,
        env={**run_environ(os.environ), "AWS_PROFILE": "somebody"},
        check=False,
    )
    assert done.exit_status == 1
    assert "test_swallow.py::test_swallow reached for 192.0.2.1:80" in done.stdout
    assert "1 passed, 1 error" in done.stdout
