"""Our own tests keep the rules that we hold others to."""

from pathlib import Path

from sdcm.lint.linter import Linter

_TESTS = Path(__file__).parents[2]


def test_our_tests_break_no_rule() -> None:
    """A finding is mended, or let be with `# sct: ignore[RULE] reason`."""
    linted = Linter().lint([_TESTS])
    assert linted.tests > 500
    assert [str(finding) for finding in linted.findings] == []
