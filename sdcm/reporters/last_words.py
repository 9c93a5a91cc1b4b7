"""What a pytest process left behind that had to be ended because a test's deadline had passed.

Each such process has written one file (`sdcm.pytest_plugin.clock`): a JSON line that names the test and says why, then
the stacks of its threads and the logs of the test's containers.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sdcm.reporters.records import EndedTest
from sdcm.scheduling.units import split_group


def with_last_words(tests: Iterable[EndedTest], folder: Path) -> tuple[EndedTest, ...]:
    """Return the tests, those that died with their process with what that process has left."""
    words = _read(folder)
    return tuple(_joined(test, words) if _died(test) else test for test in tests)


def _died(test: EndedTest) -> bool:
    return not test.finished or test.phase == "???"


def _joined(test: EndedTest, words: dict[str, tuple[str, str]]) -> EndedTest:
    if test.test not in words:
        return test
    message, told = words[test.test]
    return replace(
        test,
        reason=f"{message}, nor when it was interrupted; its process was ended",
        sections=(*test.sections, ("last words of its process", told)),
        failure_class=test.failure_class or "test",
    )


def _read(folder: Path) -> dict[str, tuple[str, str]]:
    """Return message and text by node id; a file without text is that of a process that died of something else."""
    found: dict[str, tuple[str, str]] = {}
    for file in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
        head, _, told = file.read_text(errors="replace").partition("\n")
        try:
            named = json.loads(head)
            test, message = split_group(str(named["test"]))[0], str(named["message"])
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if told.strip():
            found[test] = (message, told)
    return found
