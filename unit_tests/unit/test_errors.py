"""Errors: one line each, an exit code each, and both survive a socket."""

import json

import pytest

from sdcm import errors, wait
from sdcm.errors import (
    DeadlinePassed,
    EnvironmentFailed,
    Interrupted,
    SctError,
    ServiceUnavailable,
    UsageProblem,
    from_record,
)
from sdcm.exit_codes import PRECEDENCE, ExitCode, first_that_applies
from sdcm.process import CommandTimedOut


@pytest.mark.parametrize(
    ("error", "line"),
    [
        pytest.param(SctError("no engine"), "no engine", id="what"),
        pytest.param(SctError("no engine", why="refused"), "no engine: refused", id="why"),
        pytest.param(SctError("no engine", mend="sct.py doctor"), "no engine -- sct.py doctor", id="mend"),
        pytest.param(SctError("a", why="b\n  c\td", mend="e"), "a: b c d -- e", id="one line whatever is in it"),
        pytest.param(SctError("a", evidence="a log\nof many lines"), "a", id="evidence stays out"),
    ],
)
def test_an_error_is_one_line(error: SctError, line: str) -> None:
    assert str(error) == line


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (SctError, 75),
        (UsageProblem, 64),
        (ServiceUnavailable, 69),
        (EnvironmentFailed, 75),
        (DeadlinePassed, 75),
        (Interrupted, 130),
    ],
)
def test_every_kind_has_its_exit_code_and_comes_back_from_its_record(kind: type[SctError], code: int) -> None:
    error = kind("what", why="why", mend="mend", evidence="log\nlines")
    assert error.exit_code == code
    again = from_record(json.loads(json.dumps(error.to_record())))
    assert type(again) is kind
    assert (again.what, again.why, again.mend, again.evidence) == ("what", "why", "mend", "log\nlines")


@pytest.mark.parametrize("kind", [wait.WaitForTimeoutError, CommandTimedOut])
def test_a_subclass_defined_elsewhere_travels_as_its_nearest_kind(kind: type[SctError]) -> None:
    assert type(from_record(kind("too late").to_record())) is DeadlinePassed


def test_a_record_of_an_unknown_kind_is_a_failure_of_the_environment() -> None:
    error = from_record({"type": "FromALaterVersion", "what": "lost"})
    assert type(error) is EnvironmentFailed
    assert str(error) == "lost"


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    for kind in errors._BY_NAME.values():
        assert f"{kind.__name__} " in (errors.__doc__ or "")
        if kind is not SctError:
            assert f"{kind.exit_code:d}  " in (errors.__doc__ or "")


def test_every_exit_code_has_one_place_in_the_precedence() -> None:
    assert sorted(PRECEDENCE) == sorted(ExitCode)


@pytest.mark.parametrize(
    ("codes", "winner"),
    [
        pytest.param(set(), ExitCode.OK, id="none"),
        pytest.param({ExitCode.TESTS_FAILED, ExitCode.LEAKED}, ExitCode.TESTS_FAILED, id="failure over leak"),
        pytest.param({ExitCode.TESTS_FAILED, ExitCode.ENVIRONMENT_FAILED}, ExitCode.TESTS_FAILED, id="own failure"),
        pytest.param({ExitCode.UNAVAILABLE, ExitCode.ENVIRONMENT_FAILED}, ExitCode.ENVIRONMENT_FAILED, id="75 over 69"),
        pytest.param({ExitCode.INTERRUPTED, ExitCode.DEFECT}, ExitCode.INTERRUPTED, id="Ctrl-C over all"),
        pytest.param({ExitCode.DEFECT, ExitCode.PYTEST_INTERNAL_ERROR}, ExitCode.DEFECT, id="ours over pytest's"),
        pytest.param({ExitCode.USAGE, ExitCode.TESTS_FAILED}, ExitCode.USAGE, id="usage over failures"),
    ],
)
def test_the_first_that_applies_wins(codes: set[ExitCode], winner: ExitCode) -> None:
    assert first_that_applies(codes | {ExitCode.OK}) is winner
