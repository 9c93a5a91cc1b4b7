"""Exit codes of the command line, each with its one meaning."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a run's exit status tells; the first that applies is used, in the order of `PRECEDENCE`."""

    #: Every selected test passed or was skipped for a stated reason, and nothing leaked.
    OK = 0
    #: Some test failed for a reason of its own.
    TESTS_FAILED = 1
    #: pytest: interrupted from within (for example by `-x` plugins or `pytest.exit`).
    PYTEST_INTERRUPTED = 2
    #: pytest: internal error.
    PYTEST_INTERNAL_ERROR = 3
    #: pytest: wrong usage of pytest itself.
    PYTEST_USAGE_ERROR = 4
    #: Nothing was selected.
    NOTHING_SELECTED = 5
    #: Wrong usage: unknown option or path, unreadable configuration (EX_USAGE).
    USAGE = 64
    #: A required service, engine or image is unavailable, or all was skipped for missing services (EX_UNAVAILABLE).
    UNAVAILABLE = 69
    #: A defect of the runner itself (EX_SOFTWARE).
    DEFECT = 70
    #: Part of the environment failed to come up or stay up (EX_TEMPFAIL).
    ENVIRONMENT_FAILED = 75
    #: Every test passed but something leaked; the summary names it, and says whether it was removed.
    LEAKED = 79
    #: Interrupted by Ctrl-C or SIGTERM.
    INTERRUPTED = 130


#: Statuses of pytest's own that a run ends with, too; its 1 says less than what is known of the tests.
OF_PYTEST = frozenset(
    {
        ExitCode.PYTEST_INTERRUPTED,
        ExitCode.PYTEST_INTERNAL_ERROR,
        ExitCode.PYTEST_USAGE_ERROR,
        ExitCode.NOTHING_SELECTED,
    }
)
PRECEDENCE: tuple[ExitCode, ...] = (
    ExitCode.INTERRUPTED,
    ExitCode.DEFECT,
    ExitCode.PYTEST_INTERRUPTED,
    ExitCode.PYTEST_INTERNAL_ERROR,
    ExitCode.PYTEST_USAGE_ERROR,
    ExitCode.NOTHING_SELECTED,
    ExitCode.USAGE,
    ExitCode.TESTS_FAILED,
    ExitCode.ENVIRONMENT_FAILED,
    ExitCode.UNAVAILABLE,
    ExitCode.LEAKED,
    ExitCode.OK,
)


def first_that_applies(codes: set[ExitCode]) -> ExitCode:
    """Return the code that wins among those that apply, `OK` for none."""
    return next((code for code in PRECEDENCE if code in codes), ExitCode.OK)
